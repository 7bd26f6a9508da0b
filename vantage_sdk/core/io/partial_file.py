"""A file that is being downloaded, in any order and by any number of threads, until it takes its place."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from vantage_sdk.core.io.abort import Stopped
from vantage_sdk.core.io.disk import write_at
from vantage_sdk.core.io.handle import Handle
from vantage_sdk.core.io.hashing import RunningHash

if TYPE_CHECKING:
    from vantage_sdk.core.io.destination import Destination
    from vantage_sdk.core.transfer.spans import Spans

NOTED = 2.0  # seconds between two notes of what has come


class PartialFile:
    """The partial file: what is in it, and who needs to know."""

    def __init__(
        self, fd: int, name: str, spans: Spans, reach: Callable[[int], None], noted: Callable[[Spans], None] | None
    ) -> None:
        self.fd = fd
        self.name = name
        self.spans = spans
        self.handle = Handle(fd)
        self.hash = RunningHash(self.handle, spans.size)
        self._reach = reach
        self._noted = noted
        self._lock = threading.Lock()
        self.committing = threading.Lock()
        self.committed = False
        self.unwanted = False
        self._due = time.monotonic() + NOTED
        self._tell()

    def place(self, data: memoryview, offset: int) -> None:
        """Write bytes where they belong; for any number of threads."""
        with self.handle.using() as fd:
            write_at(fd, data, offset)
        with self._lock:
            self.spans.add(offset, offset + len(data))
            if self._noted is not None and time.monotonic() >= self._due:
                self._due = time.monotonic() + NOTED
                self._noted(self.spans)
        self._tell()

    def commit(self, destination: Destination) -> None:
        """Put the file in its place, unless nobody wants that any more; only the last step excludes others."""
        with self.committing:
            self._must_be_wanted()
            own = os.dup(self.fd)
        try:
            destination.settle(own)
            with self.committing:
                self._must_be_wanted()
                destination.place(self.name, self.fd)
                self.committed = True
        finally:
            os.close(own)
        destination.sync()

    def _must_be_wanted(self) -> None:
        if self.unwanted:
            raise Stopped

    def digest(self, size: int) -> bytes:
        """Return the sha256 of the first ``size`` bytes, which are all there."""
        whole = RunningHash(self.handle, size)
        whole.advance(size)
        return whole.run()

    def _tell(self) -> None:
        self.hash.advance(self.spans.frontier)
        self._reach(self.spans.total)
