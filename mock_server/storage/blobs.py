"""Bytes on disk, each object a file of its own in one directory."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO

PIECE = 1024 * 1024
_CANNOT_COPY = frozenset({errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})


class Blobs:
    """A directory of blobs.  Without ``durable`` nothing is flushed, for a directory that does not outlive us."""

    def __init__(self, directory: str, *, durable: bool) -> None:
        self.directory = directory
        self._durable = durable
        os.makedirs(directory, exist_ok=True)

    def create(self, name: str) -> BlobWriter:
        """Return the writer of a new, empty blob."""
        writer = BlobWriter(open(self._path(name), "xb", buffering=0), 0, durable=self._durable)  # noqa: SIM115
        self._sync()
        return writer

    def append(self, name: str, at: int) -> BlobWriter:
        """Return a writer behind the first ``at`` bytes; what is behind them is cut off."""
        file = open(self._path(name), "r+b", buffering=0)  # noqa: SIM115
        writer = BlobWriter(file, at, durable=self._durable)
        writer.truncate(at)
        return writer

    def read(self, name: str) -> BlobReader:
        return BlobReader(open(self._path(name), "rb", buffering=0))

    def digest(self, name: str) -> hashlib._Hash:
        """Return the SHA-256 of a whole blob, as an object that can go on."""
        with open(self._path(name), "rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256")

    def join(self, name: str, sources: Iterable[str]) -> None:
        """Make a blob of the bytes of others, one after the other."""
        writer = self.create(name)
        try:
            for source in sources:
                with open(self._path(source), "rb", buffering=0) as file:
                    _copy(file, writer.file)
            writer.flush()
        finally:
            writer.close()

    def remove(self, name: str) -> None:
        """Remove a blob, if ``name`` is one; who reads it at the moment can go on to its end."""
        if name:
            with suppress(FileNotFoundError):
                os.unlink(self._path(name))

    def names(self) -> list[str]:
        return sorted(os.listdir(self.directory))

    def _path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def _sync(self) -> None:
        """Make sure that a new name is on the disk."""
        if self._durable:
            number = os.open(self.directory, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


class BlobWriter:
    """Appends to one blob."""

    def __init__(self, file: BinaryIO, position: int, *, durable: bool) -> None:
        self.file = file
        self.position = position
        self._durable = durable
        self.close = weakref.finalize(self, file.close)

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            written = self.file.write(view)
            view = view[written:]
            self.position += written

    def truncate(self, size: int) -> None:
        self.file.truncate(size)
        self.file.seek(size)
        self.position = size

    def flush(self) -> None:
        """Return once everything is on the disk."""
        if self._durable:
            os.fsync(self.file.fileno())


class BlobReader:
    """Reads one blob, even after it was removed or replaced."""

    def __init__(self, file: BinaryIO | FileIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._closing = weakref.finalize(self, file.close)

    def read(self, start: int, size: int) -> bytes:
        """Return bytes from ``start`` on, nothing once the reader is closed."""
        with self._lock:
            if not self._closing.alive:
                return b""
            self._file.seek(start)
            return self._file.read(size)

    def close(self) -> None:
        with self._lock:
            self._closing()


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy within the kernel where it can do that."""
    left = os.fstat(source.fileno()).st_size
    copy = getattr(os, "copy_file_range", None)
    try:
        while copy is not None and left:
            done = copy(source.fileno(), target.fileno(), left)
            left -= done
            if not done:
                break
    except OSError as error:
        if error.errno not in _CANNOT_COPY:
            raise
    while piece := source.read(PIECE):
        rest = memoryview(piece)
        while rest:
            rest = rest[target.write(rest) :]
