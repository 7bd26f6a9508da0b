"""Bytes that come once and are stored as one file: never all in memory, and never lost by a broken connection.

Up to 8 MiB they are one form in the end.  Beyond, they grow an upload whose length the server learns with the last piece,
each piece kept until the server has it; where the server offers no such upload, they go to a temporary file first.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from vantage_sdk.core.io.sources import BytesSource
from vantage_sdk.core.io.spool import Spool
from vantage_sdk.core.transfer.appending import Stretch, UploadGoneError
from vantage_sdk.core.transfer.checksums import sha256_field, sha256_of_field
from vantage_sdk.core.transfer.progress import Meter
from vantage_sdk.core.transfer.remote import give_up
from vantage_sdk.core.transfer.tus import file_id_of
from vantage_sdk.core.transfer.upload import WHOLE, Upload
from vantage_sdk.exceptions import IntegrityError, TransferError

if TYPE_CHECKING:
    from vantage_sdk.core.io.sources import Feed
    from vantage_sdk.core.transfer.remote import Target, Uploads
    from vantage_sdk.models.storage_file import StorageFile

PIECE = 8 << 20


class Window(BytesSource):
    """One piece of the whole at its place."""

    def __init__(self, data: bytes, start: int) -> None:
        super().__init__(data)
        self._start = start

    def read(self, offset: int, size: int) -> bytes:
        if offset < self._start:
            raise TransferError("the server lost bytes that it had, and they cannot be read again")
        return super().read(offset - self._start, size)


class Outgoing:
    """A file in the making: write, then close or abandon.  ``meter``: who counts, with a total that grows, default nobody."""

    def __init__(self, remote: Uploads, target: Target, meter: Meter | None = None, *, checksum: bool = True) -> None:
        self._remote = remote
        self._io = remote.sender.io
        self._target = target
        self._meter = meter or Meter(0)
        self._checksum = checksum
        self._held = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()
        self._stretch: Stretch | None = None
        self._link = ""
        self._sent = 0
        self._spool: Spool | None = None

    async def drain(self, feed: Feed) -> StorageFile:
        """Store all that comes."""
        try:
            while data := await feed.read(1 << 20):
                await self.write(data)
            return await self.close()
        except BaseException:
            await self.abandon()
            raise

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._held += data
        self._size += len(data)
        self._meter.grow(self._size)
        while len(self._held) > WHOLE:  # so that something is left for the last piece, which tells the length
            await self._pass_on(PIECE)

    async def close(self) -> StorageFile:
        """Store the file and return it; its digest is that of what was written."""
        if self._stretch is not None:
            return await self._finished(self._stretch)
        if self._spool is not None:
            await self._pass_on(len(self._held))
            return await self._whole(self._spool)
        return await self._whole(BytesSource(bytes(self._held)))

    def drop(self) -> None:
        """Forget what was held here, and send nothing."""
        if self._spool is not None:
            self._spool.close()

    async def abandon(self) -> None:
        """Leave nothing behind, as far as that is possible without waiting long."""
        self.drop()
        if self._link:
            await give_up(self._remote, [self._link])

    async def _whole(self, source: BytesSource | Spool) -> StorageFile:
        try:
            upload = Upload(
                self._remote, source, self._target, self._meter, None, resume=False, checksum=self._checksum
            )
            return await upload.run()
        finally:
            source.close()

    async def _pass_on(self, size: int) -> None:
        piece = bytes(self._held[:size])
        del self._held[:size]
        if self._spool is None and self._stretch is None:
            await self._begin()
        if self._spool is not None:
            await self._io.work(partial(self._spool.append, piece))
        elif self._stretch is not None:
            await self._send(self._stretch, piece)

    async def _begin(self) -> None:
        offer = await self._remote.offer()
        if not offer.defers:
            self._spool = await self._io.work(Spool, undo=Spool.close)
            return
        algorithm = offer.algorithm if self._checksum else None
        headers = {"Upload-Defer-Length": "1", **self._target.metadata()}
        [self._link] = self._remote.links([await self._remote.create(headers)])
        gauge = self._meter.gauge()
        self._stretch = Stretch(self._remote, BytesSource(b""), 0, 0, self._link, gauge, algorithm)

    async def _send(self, stretch: Stretch, piece: bytes) -> dict[str, str]:
        if self._checksum:
            await self._io.work(partial(self._digest.update, piece))
        stretch.grow(Window(piece, self._sent), len(piece))
        self._sent += len(piece)
        try:
            answer = await stretch.run(begun=False)
        except UploadGoneError as gone:
            raise TransferError("the server lost the upload, and what was sent cannot be read again") from gone
        return {} if answer is None else dict(answer.headers)

    async def _finished(self, stretch: Stretch) -> StorageFile:
        piece, self._held = bytes(self._held), bytearray()
        stretch.length = self._size
        headers = await self._send(stretch, piece)
        file_id, digest = file_id_of(headers), self._digest.digest() if self._checksum else None
        file = await (self._remote.file(file_id) if file_id else self._remote.find(self._target.path))
        stored = None if file is None else sha256_of_field(file.checksum)
        if file is not None and file.size in (None, self._size) and (stored == digest or None in (stored, digest)):
            self._link = ""
            self._meter.finish()
            return file
        if file is None or file_id is None:
            raise stretch.failure or TransferError(f"the upload is complete, but nothing is at {self._target.path}")
        if file.etag is not None and file.etag == headers.get("etag"):
            await self._remote.withdraw(file)
        raise IntegrityError(
            f"{self._target.path} has {file.size} bytes with {self._remote.sender.shown(str(file.checksum))}, but {self._size} bytes"
            f"{f' with {sha256_field(digest)}' if digest else ''} were sent"
        )
