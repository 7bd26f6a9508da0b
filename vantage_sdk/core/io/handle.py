"""A file that several threads use and one closes: never under the hands of another, who would meet a stranger's file."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from vantage_sdk.core.io.abort import Stopped


class Handle:
    """An open file descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._changed = threading.Condition()
        self._users = 0
        self._shut = False

    @contextmanager
    def using(self) -> Generator[int]:
        """Use the descriptor for one short step; raise ``Stopped`` if it is shut."""
        with self._changed:
            if self._shut:
                raise Stopped
            self._users += 1
        try:
            yield self._fd
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def shut(self) -> None:
        """Let nobody use it any more; returns when the last one has finished its step, so that it can be closed."""
        with self._changed:
            self._shut = True
            self._changed.wait_for(lambda: not self._users)
