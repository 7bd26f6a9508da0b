"""A value that is fetched once for all who want it, be they threads or tasks of any event loop.

Rule 1: there is one flight at a time; whoever comes meanwhile waits for the same.
Rule 2: whoever waits may leave; the flight goes on for the others.
Rule 3: a flight that is called off lands with nothing, and one of those who wait may begin the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from vantage_sdk.core.io.forking import renew_after_fork

if TYPE_CHECKING:
    from vantage_sdk.core.io.abort import Abort

T = TypeVar("T")


class Task(Protocol):
    """A flight that an event loop carries; it is lost when the loop was closed under it."""

    @property
    def is_lost(self) -> bool: ...


class Flight(Generic[T]):
    """One fetch, and who waits for its end; ``outcome`` is ``None`` until it has landed, and if it was called off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakers: set[Callable[[], None]] = set()
        self._landed = False
        self.outcome: T | None = None
        self.task: Task | None = None
        """The task that it is, for which an event loop has no more than a weak reference."""

    @property
    def landed(self) -> bool:
        """Tell whether it is over, be it that its event loop was closed under it."""
        return self._landed or (self.task is not None and self.task.is_lost)

    def land(self, outcome: T | None = None) -> None:
        """Let it be over and wake all who wait; what comes later changes nothing."""
        with self._lock:
            if self._landed:
                return
            self.outcome, self._landed = outcome, True
            wakers, self._wakers = self._wakers, set()
        for wake in wakers:
            wake()

    def watch(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called at its end, at once if that was before; it may come from any thread and must not block."""
        with self._lock:
            if not self._landed:
                self._wakers.add(wake)
                return
        wake()

    def leave(self, wake: Callable[[], None]) -> None:
        with self._lock:
            self._wakers.discard(wake)


class Hangar(Generic[T]):
    """Where the flight of the moment is kept."""

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        self._flight: Flight[T] | None = None

    def board(self, unless: Callable[[], bool]) -> tuple[Flight[T] | None, bool]:
        """Return the flight of the moment, and whether it is new, so that the caller has to begin it.

        There is none if ``unless`` says that none is needed, which is asked while nothing can land.
        """
        with self._lock:
            if unless():
                return None, False
            if self._flight is None or self._flight.landed:
                self._flight = Flight()
                return self._flight, True
            return self._flight, False


def seen(flight: Flight[T], seconds: float | None, abort: Abort | None = None) -> bool:
    """Wait in this thread for the end of a flight; tell whether it is over."""
    event = threading.Event()
    held = None if abort is None else abort.hold(event.set)
    flight.watch(event.set)
    try:
        event.wait(None if seconds is None else max(0.0, seconds))
    finally:
        flight.leave(event.set)
        if abort is not None and held is not None:
            abort.let_go(held)
    if abort is not None:
        abort.check()
    return flight.landed
