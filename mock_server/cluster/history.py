"""The event history, and who listens to it."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from mock_server.cluster.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable


class History:
    """Numbered events, oldest first; only the newest ``limit`` are kept for reading."""

    def __init__(self, limit: int) -> None:
        self.sequence = 0
        # Without their numbers, which follow from their places.
        self._events: deque[tuple[float, str, str, dict[str, Any]]] = deque(maxlen=limit)
        self._listeners: list[Callable[[Event], None]] = []

    def record(self, at: float, kind: str, subject: str, data: dict[str, Any] | None = None) -> None:
        """Append an event and tell the listeners."""
        self.sequence += 1
        what = (at, kind, subject, {} if data is None else data)
        self._events.append(what)
        if self._listeners:
            event = Event(self.sequence, *what)
            for listener in tuple(self._listeners):
                listener(event)

    def after(self, sequence: int) -> list[Event]:
        """Return the events above ``sequence`` that are still kept."""
        newest_first = list(islice(reversed(self._events), max(0, self.sequence - max(0, sequence))))
        first = self.sequence - len(newest_first) + 1
        return [Event(number, *what) for number, what in enumerate(reversed(newest_first), first)]

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` on every event from now on; the returned function ends that and may be called twice."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe
