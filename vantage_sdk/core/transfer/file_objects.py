"""File objects of a blocking client, which are those of the standard library over a remote file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.turns import turns
from vantage_sdk.core.stepping import run

if TYPE_CHECKING:
    from vantage_sdk.core.transfer.file_reading import Reading
    from vantage_sdk.core.transfer.file_writing import Writing
    from vantage_sdk.models.storage_file import StorageFile


Guard = Callable[[], AbstractContextManager[Any]]
"""Makes what the calls of a raw file object run in, for a caller with errors of its own."""


class RawReader(io.RawIOBase):
    """The remote file without a buffer."""

    def __init__(self, reading: Reading, mode: str) -> None:
        super().__init__()
        self.name = reading.name
        self.mode = mode
        self.reading = reading
        self.guard: Guard = nullcontext
        self._at = 0
        self._turns = turns()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with self._turns, self.guard(), memoryview(buffer).cast("B") as room:
            self._check()
            data = run(self.reading.read(self._at, len(room)))
            room[: len(data)] = data
            self._at += len(data)
            return len(data)

    def readall(self) -> bytes:
        with self._turns, self.guard():
            self._check()
            data = run(self.reading.rest(self._at))
            self._at += len(data)
            return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        with self._turns:
            self._check()
            self._at = sought(offset, whence, self._at, self.reading.size)
            return self._at

    def tell(self) -> int:
        self._check()
        return self._at

    def close(self) -> None:
        with self._turns:
            self.reading.close()
            super().close()

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


def sought(offset: int, whence: int, at: int, size: int) -> int:
    """Return where ``seek`` leads."""
    if whence not in (0, 1, 2):
        raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
    place = offset + (0, at, size)[whence]
    if place < 0:
        raise ValueError(f"cannot seek to {place}, before the beginning")
    return place


class FileReader(io.BufferedReader):
    """A remote file, open for reading bytes."""

    def __init__(self, raw: RawReader) -> None:
        super().__init__(raw, min(raw.reading.block_size, io.DEFAULT_BUFFER_SIZE))
        self._reading = raw.reading

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._reading.size


class RawWriter(io.RawIOBase):
    """The file in the making without a buffer; closing it stores the file unless ``commits`` is off."""

    def __init__(self, writing: Writing, mode: str) -> None:
        super().__init__()
        self.name = writing.name
        self.mode = mode
        self.writing = writing
        self.commits = True
        self.seeks = False
        self.guard: Guard = nullcontext
        self._turns = turns()

    def seekable(self) -> bool:
        return self.seeks

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        with self._turns, self.guard(), memoryview(data).cast("B") as given:
            if self.closed:
                raise ValueError("I/O operation on closed file")
            if not self.writing.is_open and self.writing.failure is None:
                return len(given)  # abandoned: what the buffer still holds goes nowhere
            return run(self.writing.write(given))

    def tell(self) -> int:
        return self.writing.size

    def close(self) -> None:
        with self._turns, self.guard():
            try:
                if self.commits and not self.closed:
                    run(self.writing.close())
            finally:
                super().close()

    def abandon(self) -> None:
        with self._turns:
            run(self.writing.abandon())

    def __del__(self) -> None:
        self.writing.drop()


class FileWriter(io.BufferedWriter):
    """A remote file, open for writing bytes; it is there once ``close`` has returned.

    Leaving the ``with`` block by an exception, and ``abandon``, store nothing.
    """

    def __init__(self, raw: RawWriter) -> None:
        super().__init__(raw, 1 << 16)
        self._raw = raw

    @property
    def stored(self) -> StorageFile | None:
        """The stored file, once it is closed."""
        return self._raw.writing.stored

    @property
    def failed(self) -> bool:
        """Tell whether a write has failed, so that the file cannot be stored any more."""
        return self._raw.writing.failure is not None

    def close(self) -> None:
        """Store the file; doing it twice is fine.  Raises what ``upload`` raises, once; nothing is stored then."""
        if not self.closed and self.failed:
            error = self._raw.writing.lost()
            self.abandon()
            raise error
        super().close()

    def abandon(self) -> None:
        """Store nothing; doing it twice, or after ``close``, is fine."""
        self._raw.abandon()
        self._raw.writing.failure = None
        super().close()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def __del__(self) -> None:
        if hasattr(self, "_raw") and not is_closed(self):
            self._raw.writing.drop()
            self._raw.writing.failure = None
            super().close()
            warn_of_lost(self._raw.name)


class TextWriter(io.TextIOWrapper):
    """A remote file, open for writing text; otherwise as the binary one."""

    def __init__(self, file: FileWriter, encoding: str, errors: str, newline: str | None) -> None:
        file._raw.seeks = True  # else it would take the beginning for the middle, where a byte order mark is left out
        super().__init__(file, encoding, errors, newline)
        file._raw.seeks = False
        self._file = file

    @property
    def stored(self) -> StorageFile | None:
        """The stored file, once it is closed."""
        return self._file.stored

    def close(self) -> None:
        """Store the file; doing it twice is fine.  Raises what ``upload`` raises, once; nothing is stored then."""
        if not self.closed and not self._file.failed:
            try:
                self.flush()
            except BaseException:
                self.abandon()
                raise
        super().close()

    def abandon(self) -> None:
        """Store nothing; doing it twice, or after ``close``, is fine."""
        self._file.abandon()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def __del__(self) -> None:
        if hasattr(self, "_file") and not is_closed(self):
            self._file.__del__()


def is_closed(file: Any) -> bool:
    """Tell whether a file object is closed, or has given its buffer to somebody else."""
    try:
        return bool(file.closed)
    except ValueError:
        return True


def warn_of_lost(name: str) -> None:
    """Warn of a file that was never closed."""
    warnings.warn(f"{name} was never closed, so it was not stored", ResourceWarning, stacklevel=3)
