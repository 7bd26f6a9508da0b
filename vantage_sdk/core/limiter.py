"""A limit on the requests of a minute, kept by the client so that the server has nothing to refuse.

Rule 1: never more than the limit within any window, wherever the server begins to count its own.
Rule 2: whoever asks first goes first; a turn that is given back was never taken.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from math import ceil
from typing import TYPE_CHECKING

from vantage_sdk.core.io.forking import renew_after_fork
from vantage_sdk.core.shapes import is_whole
from vantage_sdk.exceptions import ConfigError, DeadlineExceeded

if TYPE_CHECKING:
    from vantage_sdk.core.call import Call

WINDOW = 60.0
MARGIN = 1.0  # seconds that one request may be longer under way than another


class Limiter:
    """Turns on the monotonic clock, ``limit`` within ``window`` seconds; safe from any number of threads and event loops."""

    def __init__(self, limit: int, window: float = WINDOW, clock: Callable[[], float] = time.monotonic) -> None:
        if not is_whole(limit, 1):
            raise ConfigError(f"requests_per_minute is a number from 1, not {limit!r}")
        self.limit = limit
        self._window = window + MARGIN
        self._clock = clock
        self._turns: list[float] = []
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def reserve(self) -> tuple[float, float]:
        """Take the next turn; return its instant, and the seconds until then."""
        with self._lock:
            now = self._clock()
            del self._turns[: bisect_right(self._turns, now - self._window)]
            full = len(self._turns) >= self.limit
            turn = max(now, self._turns[-self.limit] + self._window) if full else max([now, *self._turns[-1:]])
            self._turns.append(turn)
            return turn, turn - now

    def give_back(self, turn: float) -> None:
        """Return a turn that was not used."""
        with self._lock:
            if turn in self._turns:
                self._turns.remove(turn)

    async def turn(self, call: Call, sleep: Callable[[float], Awaitable[None]]) -> DeadlineExceeded | None:
        """Wait until ``call`` may send a request; return an error at once if that is after its deadline."""
        turn, wait = self.reserve()
        if wait and call.deadline is not None and wait >= call.deadline.remaining():
            self.give_back(turn)
            return DeadlineExceeded(
                f"{self.limit} requests a minute leave no turn within the deadline of {call.deadline.budget:g} s",
                retry_after=ceil(wait),
                idempotency_key=call.key,
                method=call.request.method,
                path=call.shown_path,
            )
        if wait:
            try:
                await sleep(wait)
            except BaseException:
                self.give_back(turn)
                raise
        return None
