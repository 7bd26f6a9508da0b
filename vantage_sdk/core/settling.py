"""What to do about a submission whose fate is unknown: find out, and repeat it only where that creates nothing twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.exceptions import SubmitOutcomeUnknown, VantageAPIError

if TYPE_CHECKING:
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender

T = TypeVar("T")
Find = Callable[[str], Awaitable[T | None]]
"""Looks up by idempotency key what was created; a family that cannot asks anything, which tells whether keys are honoured."""


async def settled(
    sender: Sender, request: Request[T], unknown: SubmitOutcomeUnknown, options: Mapping[str, Any], find: Find[T]
) -> T:
    """Return what was created; where it is not there and the server honours keys, submit once more with the same key."""
    knew = sender.shared.honours_keys
    if (found := await looked_up(unknown, find)) is not None:
        return found
    if knew or not sender.shared.honours_keys:
        raise unknown
    same = replace(request, idempotency_key=unknown.idempotency_key)
    return sender.decode(same, await sender.fetch(same, options))


async def looked_up(error: VantageAPIError, find: Find[T]) -> T | None:
    """Return what ``find`` finds; if that fails too, raise the first error with a note of it."""
    try:
        return await find(error.idempotency_key or "")
    except VantageAPIError as failed:
        error.add_note(f"looking the job up failed as well: {failed}")
        raise error from None
