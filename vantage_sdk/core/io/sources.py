"""What can be uploaded: a local file, bytes, a binary file object, or bytes that come one piece after the other."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from vantage_sdk.core.io.abort import Abort, Stopped
from vantage_sdk.core.io.disk import open_source, read_at, same_file
from vantage_sdk.core.io.handle import Handle
from vantage_sdk.exceptions import TransferError

if TYPE_CHECKING:
    from vantage_sdk.core.io.port import IO

PIECE = 1 << 20
_END = object()
_UNPACKING = ("bz2", "gzip", "lzma", "zipfile")  # whose objects go back only by starting over
KINDS = "a path, bytes, a binary file object, or an iterator of bytes"


class Sized(Protocol):
    """A source that knows its size and can be read anywhere, again and again; its methods block."""

    size: int
    name: str
    place: str | None
    """The absolute path of a local file."""

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly ``size`` bytes; raise ``TransferError`` if there are no more so many."""
        ...

    def check(self) -> None:
        """Raise ``TransferError`` if the source is not what it was."""
        ...

    def identity(self) -> Mapping[str, int]:
        """Return what tells this content from one that was here before."""
        ...

    def close(self) -> None: ...


class FileSource:
    """A local file."""

    def __init__(self, path: str | os.PathLike[str], *, follow_symlinks: bool = True) -> None:
        self.place: str | None = os.path.abspath(path)
        self.name = os.path.basename(self.place)
        try:
            self._fd, self._stat = open_source(path, follow_symlinks=follow_symlinks)
        except IsADirectoryError as error:
            error.strerror = "this is a folder; upload_directory uploads what is in it"
            raise
        self._handle = Handle(self._fd)
        self.size = self._stat.st_size

    def read(self, offset: int, size: int) -> bytes:
        with self._handle.using() as fd:
            data = read_at(fd, size, offset)
            while len(data) < size and (more := read_at(fd, size - len(data), offset + len(data))):
                data += more
        if len(data) < size:
            raise _changed(self.name)
        return data

    def check(self) -> None:
        with self._handle.using() as fd:
            if not same_file(self._stat, os.fstat(fd)):
                raise _changed(self.name)

    def identity(self) -> Mapping[str, int]:
        return {"size": self.size, "mtime_ns": self._stat.st_mtime_ns}

    def close(self) -> None:
        if self._fd >= 0:
            self._handle.shut()
            os.close(self._fd)
            self._fd = -1


class BytesSource:
    """Bytes in memory."""

    place: str | None = None

    def __init__(self, data: bytes | bytearray | memoryview, name: str = "data") -> None:
        self._data = memoryview(data).cast("B")
        self.size = len(self._data)
        self.name = name

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self._data[offset : offset + size])

    def check(self) -> None:
        """Memory stays what it is."""

    def identity(self) -> Mapping[str, int]:
        return {"size": self.size}

    def close(self) -> None:
        self._data.release()


class SeekableSource:
    """A binary file object from where it stands; it stays open, at its end."""

    place: str | None = None

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._closed = False
        self._start = file.tell()
        self.size = file.seek(0, os.SEEK_END) - self._start
        if self.size < 0:
            raise ValueError("the file object stands behind its end")
        self.name = name_of(file)

    def read(self, offset: int, size: int) -> bytes:
        with self._lock:
            if self._closed:
                raise Stopped
            self._file.seek(self._start + offset)
            data = self._file.read(size)
            while len(data) < size and (more := self._file.read(size - len(data))):
                data += more
        if len(data) < size:
            raise _changed(self.name)
        return data

    def check(self) -> None:
        with self._lock:
            if self._file.seek(0, os.SEEK_END) - self._start != self.size:
                raise _changed(self.name)

    def identity(self) -> Mapping[str, int]:
        return {"size": self.size}

    def close(self) -> None:
        """It is the user's, and from now on nobody else moves it."""
        with self._lock:
            self._closed = True


class Feed:
    """Bytes that come once, one piece after the other."""

    def __init__(self, io: IO, pieces: Iterable[bytes] | AsyncIterable[bytes], name: str = "data") -> None:
        self.name = name
        self._io = io
        self._pieces: Any = aiter(pieces) if isinstance(pieces, AsyncIterable) else iter(pieces)
        self._left = memoryview(b"")

    def close(self) -> None:
        """What comes is the user's."""

    async def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end."""
        found = bytearray()
        while len(found) < size:
            if not self._left:
                piece = await self._next()
                if piece is None:
                    break
                self._left = memoryview(piece).cast("B")
            take = self._left[: size - len(found)]
            found += take
            self._left = self._left[len(take) :]
        return bytes(found)

    async def _next(self) -> bytes | None:
        if isinstance(self._pieces, Iterator):
            piece = await self._io.work(lambda: next(self._pieces, _END), Abort(), waits=True)
        else:
            piece = await anext(self._pieces, _END)
        if piece is _END:
            return None
        if not isinstance(piece, bytes | bytearray | memoryview):  # None: a file object that does not wait for bytes
            raise TypeError(f"the source has to yield bytes, not {type(piece).__name__}")
        return cast("bytes", piece)


def opened_source(io: IO, source: Any) -> Sized | Feed:
    """Return the source for what a user gave; raise ``TypeError`` for what is none, ``OSError`` if it cannot be opened."""
    if isinstance(source, str | os.PathLike):
        return FileSource(cast("str", source))
    if isinstance(source, bytes | bytearray | memoryview):
        return BytesSource(cast("bytes", source))
    if hasattr(source, "read"):
        if isinstance(source.read(0), str):
            raise TypeError("the file object is one of text: open it in binary mode, or use upload_string")
        if _is_seekable(source):
            return SeekableSource(source)
        return Feed(io, iter(lambda: source.read(PIECE), b""), name_of(source))
    if isinstance(source, AsyncIterable) and not io.suspends:
        raise TypeError("an asynchronous iterator needs an AsyncVantageClient")
    if isinstance(source, Iterable | AsyncIterable) and not isinstance(source, Mapping):
        return Feed(io, cast("Iterable[bytes]", source))
    kind = type(cast("object", source)).__name__
    raise TypeError(f"cannot upload {kind}: give {KINDS}")


def _is_seekable(file: Any) -> bool:
    seekable: Callable[[], bool] = getattr(file, "seekable", lambda: False)
    return type(file).__module__ not in _UNPACKING and seekable()


def name_of(file: Any) -> str:
    """Return the name of a file object, as far as it has one."""
    name = getattr(file, "name", None)
    return os.path.basename(name) if isinstance(name, str) else "data"


def _changed(name: str) -> TransferError:
    return TransferError(f"{name!r} changed while it was read; upload it again when nothing writes to it any more")


def change_of(source: Sized) -> TransferError | None:
    """Return the error of a source that is not as it was any more."""
    try:
        source.check()
    except TransferError as error:
        return error
    return None


class SourceBody:
    """A stretch of a source as the body of a request, between two pieces of a form."""

    def __init__(
        self,
        source: Sized,
        start: int,
        size: int,
        *,
        head: bytes = b"",
        tail: bytes = b"",
        watch: Callable[[int], None] | None = None,
    ) -> None:
        self._source = source
        self._start = start
        self._size = size
        self._head = head
        self._tail = tail
        self._watch = watch
        self.length = len(head) + size + len(tail)

    def chunks(self) -> Iterator[bytes]:
        sent, head = 0, self._head
        while sent < self._size:
            count = min(PIECE, self._size - sent)
            tail = self._tail if sent + count == self._size else b""
            yield head + self._source.read(self._start + sent, count) + tail
            sent, head = sent + count, b""
            if self._watch is not None:
                self._watch(sent)
        if not self._size and head + self._tail:
            yield head + self._tail


def sha256_of(source: Sized, abort: Abort) -> bytes:
    """Return the digest of a source; raise ``Stopped`` when ``abort`` is thrown meanwhile."""
    digest = hashlib.sha256()
    for offset in range(0, source.size, PIECE):
        abort.check()
        digest.update(source.read(offset, min(PIECE, source.size - offset)))
    return digest.digest()
