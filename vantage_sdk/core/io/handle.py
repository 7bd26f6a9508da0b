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
        self._lock = threading.Lock()  # itself, because an interrupt can tear a thread out of entering a condition
        self._changed = threading.Condition(self._lock)
        self._users = set[int]()
        self._shut = False

    @contextmanager
    def using(self) -> Generator[int]:
        """Use the descriptor for one short step, one at a time in each thread; raise ``Stopped`` if it is shut."""
        me = threading.get_ident()
        with self._lock:
            if self._shut:
                raise Stopped
            self._users.add(me)
        try:
            yield self._fd
        finally:
            with self._lock:
                self._users.discard(me)
                self._changed.notify_all()

    def shut(self) -> None:
        """Let nobody use it any more; returns when the others have finished their steps, so that it can be closed.

        Not when the caller has: it is here, so an interrupt has torn it out of the one that it may seem to be in.
        """
        me = {threading.get_ident()}
        with self._lock:
            self._shut = True
            self._changed.wait_for(lambda: self._users <= me)
