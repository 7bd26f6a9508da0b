"""What a file object writes to: a file in the making.

Rule: it is stored by ``close`` alone; whatever else ends the writing leaves nothing at the target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vantage_sdk.core.io.turns import before_leaving
from vantage_sdk.exceptions import TransferError

if TYPE_CHECKING:
    from vantage_sdk.core.transfer.outgoing import Outgoing
    from vantage_sdk.models.storage_file import StorageFile

PIECE = 8 << 20


class Writing:
    """A file in the making; ``stored`` is what became of it."""

    def __init__(self, outgoing: Outgoing, name: str) -> None:
        self.name = name
        self.io = outgoing._io
        self.stored: StorageFile | None = None
        self.is_open = True
        self.failure: BaseException | None = None
        self.size = 0
        self._outgoing = outgoing

    async def write(self, data: memoryview) -> int:
        """Take the next bytes, at most 8 MiB of them; return how many."""
        if self.failure is not None:
            raise self.lost()
        piece = bytes(data[:PIECE])
        try:
            await self._outgoing.write(piece)
        except BaseException as error:
            self.failure = error
            await self.abandon()
            raise
        self.size += len(piece)
        return len(piece)

    async def close(self) -> None:
        """Store the file, once."""
        if not self.is_open:
            return
        try:
            self.stored = await self._outgoing.close()
            self.is_open = False
        except BaseException as error:
            self.failure = error
            await self.abandon()
            raise

    async def abandon(self) -> None:
        """Store nothing; doing it twice is fine."""
        if self.is_open:
            self.is_open = False
            await before_leaving(self.io, self._outgoing.abandon)

    def drop(self) -> None:
        """Store nothing and send nothing: the last resort of a finalizer; the server forgets what it has by itself."""
        self.is_open = False
        self._outgoing.drop()

    def lost(self) -> TransferError:
        """Return the error of a file that cannot be stored any more because a write failed."""
        error = TransferError(f"{self.name} was not stored, because writing it failed before")
        error.__cause__ = self.failure
        return error
