"""File objects for fsspec: stored later in a transaction, or closed together with what compresses them."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.stepping import run
from vantage_sdk.core.transfer.file_objects import FileWriter, RawWriter

if TYPE_CHECKING:
    from vantage_sdk.models.storage_file import StorageFile


class Deferred(FileWriter):
    """A file of a transaction: stored by ``commit``, after it was closed."""

    def __init__(self, raw: RawWriter) -> None:
        super().__init__(raw)
        raw.commits = False

    def commit(self) -> None:
        """Store the file."""
        with self._raw.guard():
            run(self._raw.writing.close())

    def discard(self) -> None:
        """Store nothing."""
        self.abandon()


class Compressed(io.BufferedWriter):
    """Bytes on their way through a compressor into a file, which is closed, or abandoned, together with it."""

    def __init__(self, compressor: Any, file: FileWriter) -> None:
        super().__init__(compressor, 1 << 16)
        self._file = file
        self._raw = file._raw

    @property
    def stored(self) -> StorageFile | None:
        """The stored file, once it is closed."""
        return self._file.stored

    @property
    def failed(self) -> bool:
        """Tell whether a write has failed, so that the file cannot be stored any more."""
        return self._file.failed

    def close(self) -> None:
        """Store the file; doing it twice is fine."""
        if self.closed:
            return
        try:
            super().close()
        except BaseException:
            self._file.abandon()
            raise
        self._file.close()

    def abandon(self) -> None:
        """Store nothing; doing it twice, or after ``close``, is fine."""
        self._file.abandon()
        with suppress(ValueError):  # the compressor has a last word for a closed file
            super().close()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def __del__(self) -> None:
        if hasattr(self, "_file") and not self.closed:
            self._file.__del__()
            self.abandon()
