"""A download begins anew once when the remote file was replaced, or when what came is not right; the second time it is an error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.core.transfer.reading import ReplacedError, Version
from vantage_sdk.exceptions import IntegrityError, TransferError

if TYPE_CHECKING:
    from vantage_sdk.core.request import Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote file: how to ask for its bytes, and the version that is meant.

    ``unproved``: no digest is ever told, so that its entity tag is all there is to go on with what an earlier process left.
    """

    request: Request[Any]
    version: Version
    name: str
    unproved: bool = False


Resolve = Callable[[], Awaitable[Remote]]


class MismatchError(Exception):
    """The bytes that came are not those that the server says it has."""


def proved(version: Version, digest: bytes) -> None:
    """Raise ``MismatchError`` unless the digest is that of the version, as far as the server tells it."""
    if version.sha256 not in (None, digest):
        raise MismatchError(f"its sha256 is {digest.hex()}, and the server says {(version.sha256 or b'').hex()}")


def replaced(name: str, error: ReplacedError | None = None) -> TransferError:
    why = f" ({error})" if error is not None and str(error) else ""
    return TransferError(f"{name} was replaced while it was read{why}; nothing mixed was kept")


def wrong(name: str, error: MismatchError) -> IntegrityError:
    return IntegrityError(f"{name} did not arrive as it was sent: {error}")


async def in_two_tries(resolve: Resolve, fetch: Callable[[Remote], Awaitable[T]]) -> T:
    """Return what ``fetch`` makes of the file that ``resolve`` finds, at the second try if need be."""
    for last in (False, True):
        remote = await resolve()
        try:
            return await fetch(remote)
        except ReplacedError as error:
            if last:
                raise replaced(remote.name, error) from None
        except MismatchError as error:
            if last:
                raise wrong(remote.name, error) from None
    raise AssertionError("unreachable")
