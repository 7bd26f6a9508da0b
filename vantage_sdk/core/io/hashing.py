"""The digest of a file that is being written, out of order perhaps, computed beside the writing."""

from __future__ import annotations

import errno
import hashlib
import threading

from vantage_sdk.core.io.abort import Stopped
from vantage_sdk.core.io.disk import read_at
from vantage_sdk.core.io.handle import Handle

PIECE = 1 << 20


class RunningHash:
    """sha256 of the first ``size`` bytes of a file, read again as soon as everything before them has been written."""

    def __init__(self, handle: Handle, size: int) -> None:
        self._handle = handle
        self._size = size
        self._frontier = 0
        self._lock = threading.Lock()  # itself, because an interrupt can tear a thread out of entering a condition
        self._changed = threading.Condition(self._lock)
        self._stopped = False

    def advance(self, frontier: int) -> None:
        """Say that all bytes before ``frontier`` are there."""
        with self._lock:
            self._frontier = max(self._frontier, frontier)
            self._changed.notify_all()

    def stop(self) -> None:
        """End ``run`` with ``Stopped``."""
        with self._lock:
            self._stopped = True
            self._changed.notify_all()

    def run(self) -> bytes:
        """Return the digest once all is there."""
        digest, at = hashlib.sha256(), 0
        while at < self._size:
            until = self._wait(at)
            while at < until:
                with self._handle.using() as fd:
                    data = read_at(fd, min(PIECE, until - at), at)
                if self._stopped:
                    raise Stopped
                if not data:
                    raise OSError(errno.EIO, "the partial file was cut short by somebody else")
                digest.update(data)
                at += len(data)
        return digest.digest()

    def _wait(self, at: int) -> int:
        with self._lock:
            self._changed.wait_for(lambda: self._stopped or self._frontier > at)
            if self._stopped:
                raise Stopped
            return min(self._frontier, self._size)
