"""What an earlier process has begun to upload, as far as a later one may go on with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from vantage_sdk.core.shapes import as_list, as_object
from vantage_sdk.core.transfer.journal import fingerprint

if TYPE_CHECKING:
    from vantage_sdk.core.io.port import IO
    from vantage_sdk.core.io.sources import Sized
    from vantage_sdk.core.transfer.journal import Journal
    from vantage_sdk.core.transfer.remote import Target


@dataclass(frozen=True, slots=True)
class Earlier:
    """An upload of the very same content: where it goes on, and what it is to become.

    ``spares``: it replaces nothing although the later process would; it may find something there in the end.
    """

    links: list[str]
    target: Target
    spares: bool


async def earlier(io: IO, journal: Journal, source: Sized, target: Target, count: int) -> Earlier | None:
    """Return what the journal says that has begun in ``count`` parts, ``None`` if it is not that or replaces too much."""
    record = await journal.load() or {}
    links = as_list(record.get("links"))
    if links is None or len(links) != count or not all(isinstance(link, str) for link in links):
        return None
    begun = next((each for each in _accepted(target) if record.get("target") == each.metadata()), None)
    mark = await io.work(partial(fingerprint, source))
    if begun is None or as_object(record.get("source")) != mark:
        return None
    return Earlier(links, begun, spares=begun != target and count == 1)  # parts are told when they are joined


def _accepted(target: Target) -> tuple[Target, Target]:
    return target, replace(target, overwrite=False)
