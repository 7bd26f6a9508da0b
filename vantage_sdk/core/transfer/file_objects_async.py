"""File objects of an asynchronous client: the same, awaited."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vantage_sdk.core.io.turns import async_turns
from vantage_sdk.core.transfer.file_objects import sought, warn_of_lost

if TYPE_CHECKING:
    from vantage_sdk.core.transfer.file_reading import Reading
    from vantage_sdk.core.transfer.file_writing import Writing
    from vantage_sdk.models.storage_file import StorageFile

CHUNK = 64 << 10


class AsyncFileReader:
    """A remote file, open for reading bytes; ``async for`` yields its lines."""

    def __init__(self, reading: Reading, mode: str) -> None:
        self.name = reading.name
        self.mode = mode
        self.closed = False
        self._reading = reading
        self._at = 0
        self._chunk = b""
        self._chunk_at = 0
        self._turns = async_turns()

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._reading.size

    async def read(self, size: int | None = -1) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end; all that are left for -1, the default."""
        async with self._turns:
            self._check()
            if size is None or size < 0:
                data = await self._reading.rest(self._at)
                self._at += len(data)
                return data
            parts = list[bytes]()
            while size and (part := bytes(await self._reading.read(self._at, size))):
                parts.append(part)
                self._at += len(part)
                size -= len(part)
            return b"".join(parts)

    async def readinto(self, buffer: Any) -> int:
        """Fill a writable buffer; return how many bytes there were."""
        with memoryview(buffer).cast("B") as room:
            data = await self.read(len(room))
            room[: len(data)] = data
            return len(data)

    async def readline(self) -> bytes:
        """Return the next line with its end, nothing at the end of the file."""
        async with self._turns:
            self._check()
            parts = list[bytes]()
            while True:
                inside = self._at - self._chunk_at
                if not 0 <= inside < len(self._chunk):
                    self._chunk, self._chunk_at = bytes(await self._reading.read(self._at, CHUNK)), self._at
                    inside = 0
                end = self._chunk.find(b"\n", inside) + 1
                parts.append(self._chunk[inside : end or len(self._chunk)])
                self._at += len(parts[-1])
                if end or not self._chunk:
                    return b"".join(parts)

    async def seek(self, offset: int, whence: int = 0) -> int:
        """Go to an offset from the beginning, from here (``whence`` 1), or from the end (2); return the new place."""
        self._check()
        self._at = sought(offset, whence, self._at, self._reading.size)
        return self._at

    async def tell(self) -> int:
        """Return the place in the file."""
        self._check()
        return self._at

    async def aclose(self) -> None:
        """Free what is held; doing it twice is fine."""
        self.closed, self._chunk = True, b""
        self._reading.close()

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if line := await self.readline():
            return line
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncFileWriter:
    """A remote file, open for writing bytes; it is there once ``aclose`` has returned.

    Leaving the ``async with`` block by an exception, and ``abandon``, store nothing.
    """

    def __init__(self, writing: Writing, mode: str) -> None:
        self.name = writing.name
        self.mode = mode
        self.closed = False
        self._writing = writing
        self._turns = async_turns()

    @property
    def stored(self) -> StorageFile | None:
        """The stored file, once it is closed."""
        return self._writing.stored

    async def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take all of ``data`` as the next bytes; return how many."""
        async with self._turns:
            if self.closed:
                raise ValueError("I/O operation on closed file")
            with memoryview(data).cast("B") as given:
                taken = 0
                while taken < len(given):
                    taken += await self._writing.write(given[taken:])
                return taken

    async def tell(self) -> int:
        """Return how many bytes were written."""
        return self._writing.size

    async def aclose(self) -> None:
        """Store the file; doing it twice is fine.  Raises what ``upload`` raises, once; nothing is stored then."""
        try:
            async with self._turns:
                if self.closed:
                    return
                self.closed = True
                if self._writing.failure is not None:
                    raise self._writing.lost()
                await self._writing.close()
        except BaseException:
            await self.abandon()
            raise

    async def abandon(self) -> None:
        """Store nothing; doing it twice, or after ``aclose``, is fine."""
        self.closed = True
        await self._writing.abandon()

    def __del__(self) -> None:
        if hasattr(self, "_writing") and not self.closed:
            self._writing.drop()
            warn_of_lost(self.name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await (self.aclose() if kind is None else self.abandon())
