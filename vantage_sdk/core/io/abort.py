"""Calling off what other threads are doing: their connections are shut and their pauses end at once."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Stopped(Exception):
    """Ends the work of a thread that was called off; nobody but the port that called it off sees it."""


class Abort:
    """A switch that is thrown once.  Who does something that takes long holds it and is told."""

    def __init__(self) -> None:
        self._thrown = threading.Event()
        self._lock = threading.Lock()
        self._holders: dict[int, Callable[[], None]] = {}
        self._count = 0

    @property
    def thrown(self) -> bool:
        return self._thrown.is_set()

    def check(self) -> None:
        """Raise ``Stopped`` once the switch is thrown."""
        if self._thrown.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until the switch is thrown."""
        if self._thrown.wait(seconds):
            raise Stopped

    def hold(self, stop: Callable[[], None]) -> int:
        """Have ``stop`` called when the switch is thrown, until the returned number is let go."""
        with self._lock:
            self.check()
            self._count += 1
            self._holders[self._count] = stop
            return self._count

    def let_go(self, number: int) -> None:
        with self._lock:
            self._holders.pop(number, None)

    def throw(self) -> None:
        """Call everything off; doing it twice is fine."""
        with self._lock:
            self._thrown.set()
            holders, self._holders = list(self._holders.values()), {}
            for stop in holders:  # under the lock, so that none of them has been let go and is somebody else's by now
                stop()
