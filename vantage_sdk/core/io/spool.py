"""Bytes that wait on the disk until they can be sent as a whole."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping

from vantage_sdk.core.io.disk import read_at, write_at
from vantage_sdk.core.io.handle import Handle


class Spool:
    """A temporary file without a name, which grows and is then a source like any other."""

    place: str | None = None
    name = "data"

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="vantage-", buffering=0)  # noqa: SIM115  closed by close
        self._handle = Handle(self._file.fileno())
        self.size = 0

    def append(self, data: bytes) -> None:
        with self._handle.using() as fd:
            write_at(fd, data, self.size)
        self.size += len(data)

    def read(self, offset: int, size: int) -> bytes:
        with self._handle.using() as fd:
            return read_at(fd, size, offset)

    def check(self) -> None:
        """Nobody else can write to it."""

    def identity(self) -> Mapping[str, int]:
        return {"size": self.size}

    def close(self) -> None:
        self._handle.shut()
        self._file.close()
