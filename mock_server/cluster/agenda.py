"""The discrete-event loop: what is due when, in one fixed order."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPACT_ABOVE = 1024


class Agenda:
    """Actions by time; those due at the same instant run in the order in which they were scheduled."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._heap: list[tuple[float, int]] = []
        self._actions: dict[int, Callable[[], None]] = {}
        self._ticket = 0
        self._running = False

    def __len__(self) -> int:
        return len(self._actions)

    def schedule(self, at: float, action: Callable[[], None]) -> int:
        """Run ``action`` at ``at``, never before now, and return the ticket that ``cancel`` takes."""
        self._ticket = ticket = self._ticket + 1
        self._actions[ticket] = action
        heappush(self._heap, (max(at, self.now), ticket))
        return ticket

    def cancel(self, ticket: int) -> None:
        """Forget an action; a ticket that has been used up is ignored."""
        if self._actions.pop(ticket, None) is not None and len(self._heap) > 2 * len(self._actions) + _COMPACT_ABOVE:
            self._heap = [entry for entry in self._heap if entry[1] in self._actions]
            heapify(self._heap)

    def next_at(self) -> float | None:
        """Return when the next action is due."""
        while self._heap:
            at, ticket = self._heap[0]
            if ticket in self._actions:
                return at
            heappop(self._heap)
        return None

    def run(self, until: float) -> None:
        """Run all that is due, then stand at ``until``.  Called by a running action, it leaves the rest to the loop."""
        if self._running:
            return
        self._running = True
        try:
            while (at := self.next_at()) is not None and at <= until:
                _, ticket = heappop(self._heap)
                self.now = at
                self._actions.pop(ticket)()
            self.now = max(self.now, until)
        finally:
            self._running = False

    def run_until_idle(self) -> None:
        """Run until nothing is scheduled any more; now is then the instant of the last action."""
        while (at := self.next_at()) is not None and not self._running:
            self.run(at)
