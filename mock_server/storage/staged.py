"""Bytes on their way to become a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mock_server.storage.errors import full_disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.storage.blobs import Blobs


class Staged:
    """A blob that nothing refers to yet; ``discard`` removes it unless it was ``settled``."""

    def __init__(self, blobs: Blobs, name: str, check: Callable[[int], object]) -> None:
        self.name = name
        self.settled = False
        self._blobs = blobs
        self._check = check
        self._hash = hashlib.sha256()
        with full_disk():
            self._writer = blobs.create(name)

    @property
    def size(self) -> int:
        return self._writer.position

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._check(self.size + len(data))
        with full_disk():
            self._writer.write(data)
        self._hash.update(data)

    def shorten(self, count: int) -> None:
        """Lose so many bytes at the end."""
        self._writer.truncate(max(0, self.size - count))
        self._writer.flush()
        self._hash = self._blobs.digest(self.name)

    def seal(self) -> None:
        """Return once everything is on the disk."""
        self._writer.flush()
        self._writer.close()

    def discard(self) -> None:
        self._writer.close()
        if not self.settled:
            self._blobs.remove(self.name)
