"""Text over the file objects of an asynchronous client; encodings and line ends as the standard library treats them."""

from __future__ import annotations

import codecs
import io
import os
import re
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vantage_sdk.core.io.turns import async_turns

if TYPE_CHECKING:
    from vantage_sdk.core.transfer.file_objects_async import AsyncFileReader, AsyncFileWriter
    from vantage_sdk.models.storage_file import StorageFile

CHUNK = 64 << 10
ENDS = {None: re.compile("\n"), "": re.compile("\r\n|\r|\n")}


class AsyncTextReader:
    """A remote file, open for reading text; ``async for`` yields its lines."""

    def __init__(self, file: AsyncFileReader, encoding: str, errors: str, newline: str | None) -> None:
        self.name = file.name
        self.mode = file.mode
        self.encoding = encoding
        self._file = file
        decoder: Any = codecs.getincrementaldecoder(encoding)(errors)
        if not newline:
            decoder = io.IncrementalNewlineDecoder(decoder, translate=newline is None)
        self._decoder = decoder
        self._end = ENDS.get(newline) or re.compile(re.escape(newline or ""))
        self._text = ""
        self._at = 0
        self._done = False
        self._turns = async_turns()

    @property
    def closed(self) -> bool:
        """Tell whether it is closed."""
        return self._file.closed

    async def read(self, size: int | None = -1) -> str:
        """Return the next ``size`` characters, fewer only at the end; all that are left for -1, the default."""
        async with self._turns:
            if size is None or size < 0:
                text: str = self._taken(len(self._text)) + self._decoder.decode(await self._file.read(), final=True)
                self._done = True
                return text
            while len(self._text) - self._at < size and await self._more():
                pass
            return self._taken(self._at + size)

    async def readline(self) -> str:
        """Return the next line with its end, nothing at the end of the file."""
        async with self._turns:
            start = self._at
            while (found := self._end.search(self._text, start)) is None:
                held = len(self._text) - self._at
                if not await self._more():
                    return self._taken(len(self._text))
                start = max(0, held - 1)  # an end of two characters may have come in two chunks
            return self._taken(found.end())

    async def seek(self, offset: int) -> int:
        """Go back to the beginning, which is the only ``offset`` that text has: 0."""
        if offset:
            raise io.UnsupportedOperation("text can only go back to 0; open the file in binary mode")
        async with self._turns:
            self._text, self._at, self._done = "", 0, False
            self._decoder.reset()
            return await self._file.seek(0)

    async def aclose(self) -> None:
        """Free what is held; doing it twice is fine."""
        await self._file.aclose()

    async def _more(self) -> bool:
        """Decode the next chunk behind what is held; tell whether there was one."""
        if self._done:
            return False
        data = await self._file.read(CHUNK)
        self._done = not data
        self._text = self._text[self._at :] + self._decoder.decode(data, final=self._done)
        self._at = 0
        return True

    def _taken(self, stop: int) -> str:
        text = self._text[self._at : stop]
        self._at += len(text)
        return text

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if line := await self.readline():
            return line
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncTextWriter:
    """A remote file, open for writing text; otherwise as the binary one."""

    def __init__(self, file: AsyncFileWriter, encoding: str, errors: str, newline: str | None) -> None:
        self.name = file.name
        self.mode = file.mode
        self.encoding = encoding
        self._file = file
        self._encoder = codecs.getincrementalencoder(encoding)(errors)
        self._newline = os.linesep if newline is None else newline or "\n"

    @property
    def closed(self) -> bool:
        """Tell whether it is closed."""
        return self._file.closed

    @property
    def stored(self) -> StorageFile | None:
        """The stored file, once it is closed."""
        return self._file.stored

    async def write(self, text: str) -> int:
        """Take ``text`` as the next characters; return how many.  Raises ``UnicodeEncodeError`` for what the encoding does not have."""
        lines = text if self._newline == "\n" else text.replace("\n", self._newline)
        await self._file.write(self._encoder.encode(lines))
        return len(text)

    async def aclose(self) -> None:
        """Store the file; doing it twice is fine.  Raises what ``upload`` raises, once; nothing is stored then."""
        await self._file.aclose()

    async def abandon(self) -> None:
        """Store nothing; doing it twice, or after ``aclose``, is fine."""
        await self._file.abandon()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await (self.aclose() if kind is None else self.abandon())
