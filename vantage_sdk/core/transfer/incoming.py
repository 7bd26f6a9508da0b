"""A remote file from its first byte to its last: into memory, into a file object, or to whoever iterates."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.transfer.progress import Listeners
from vantage_sdk.core.transfer.reading import ReplacedError, Stretches
from vantage_sdk.core.transfer.tries import MismatchError, Remote, in_two_tries, proved, replaced, wrong
from vantage_sdk.exceptions import TransferError

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender
    from vantage_sdk.core.transfer.progress import Listener, Meter
    from vantage_sdk.core.transfer.remote import Downloads

PIECE = 1 << 20


async def in_memory(sender: Sender, options: Mapping[str, Any], limit: int, remote: Remote) -> bytes:
    """Return the whole file; raise ``TransferError`` if it has more than ``limit`` bytes."""
    size, held = remote.version.size, bytearray()

    def place(data: memoryview, offset: int) -> None:
        nonlocal held
        if offset + len(data) > limit:
            raise _too_large(remote, limit)
        del held[offset:]  # a server without ranges sends the beginning again
        held += data

    if size is not None and size > limit:
        raise _too_large(remote, limit)
    reading = Stretches(sender, remote.request, options, remote.version, skips=True)
    await reading.pour(0, size, place)
    proved(reading.version, hashlib.sha256(held).digest())
    return bytes(held)


def _too_large(remote: Remote, limit: int) -> TransferError:
    size = "more" if remote.version.size is None else remote.version.size
    return TransferError(
        f"{remote.name} has {size} bytes, more than max_bytes={limit}; raise that, or download it to a file"
    )


class IntoFile:
    """Writes a remote file into a binary file object, from where that stands."""

    def __init__(self, sender: Sender, options: Mapping[str, Any], file: Any, meter: Callable[[int], Meter]) -> None:
        if not hasattr(file, "write"):
            raise TypeError(f"file takes a binary file object, not {type(file).__name__}")
        if isinstance(file, io.TextIOBase):
            raise TypeError("file takes a binary file object, and this one is of text: open it in binary mode")
        self._sender = sender
        self._options = options
        self._file = file
        self._start: int | None = file.tell() if getattr(file, "seekable", bool)() else None
        self._at_end = self._start is not None and self._stands_at_end(self._start)
        self._written = 0
        self._meter_of = meter
        self._meter: Meter | None = None

    async def fetch(self, remote: Remote) -> int:
        """Write the whole file once; a second time only where the first can be taken back."""
        if self._written:
            if self._start is None:
                raise replaced(remote.name)
            self._file.seek(self._start)
            if self._at_end:  # what followed is the user's
                self._file.truncate()
        self._written = 0
        digest = hashlib.sha256()
        self._meter = self._meter or self._meter_of(remote.version.size or 0)
        gauge = self._meter.gauge()

        def place(data: memoryview, offset: int) -> None:
            self._write(data)
            digest.update(data)
            self._written = offset + len(data)
            gauge.reach(self._written)

        reading = Stretches(self._sender, remote.request, self._options, remote.version, skips=True)
        end = await reading.pour(0, remote.version.size, place)
        try:
            proved(reading.version, digest.digest())
        except MismatchError as error:
            if self._start is None:
                raise wrong(remote.name, error) from None
            raise
        self._meter.finish()
        return end

    def _stands_at_end(self, start: int) -> bool:
        end: int = self._file.seek(0, os.SEEK_END)
        self._file.seek(start)
        return end == start

    def _write(self, data: memoryview) -> None:
        """Write all of it; a raw file takes what it can, and whoever keeps what it gets must not get memory that is used again."""
        left = bytes(data)
        while left:
            count = self._file.write(left)
            if not isinstance(count, int):
                if isinstance(self._file, io.RawIOBase):
                    raise BlockingIOError(errno.EAGAIN, "the file object does not wait until it can take more")
                return
            if count <= 0:
                raise OSError(errno.EIO, "the file object takes no more")
            left = left[count:]


async def pieces(sender: Sender, options: Mapping[str, Any], remote: Remote) -> AsyncGenerator[bytes, None]:
    """Yield the file as it comes; whether it was right is known, and raised if not, only after the last piece."""
    reading = Stretches(sender, remote.request, options, remote.version, skips=True)
    digest = hashlib.sha256()
    try:
        async with aclosing(reading.chunks(0, remote.version.size)) as chunks:
            async for chunk in chunks:
                await sender.io.work(partial(digest.update, chunk))
                yield chunk
        proved(reading.version, digest.digest())
    except ReplacedError as error:
        raise replaced(remote.name, error) from None
    except MismatchError as error:
        raise wrong(remote.name, error) from None


async def download_into(
    api: Downloads, path_or_id: str, file: Any, *, callback: Listener | None, progress: bool
) -> int:
    """Download into a binary file object; see ``storage.download_to_file``."""
    listeners = Listeners(api.sender.io, callback, path_or_id.rpartition("/")[2] if progress else None)
    try:
        into = IntoFile(api.sender, api.options, file, listeners.meter)
        return await in_two_tries(partial(api.remote, path_or_id), into.fetch)
    finally:
        listeners.close()
