"""The one clock that everything in a server reads."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch, and how long a real second lasts."""

    def now(self) -> float: ...
    def real_delay(self, until: float) -> float | None:
        """Return the real seconds to wait until ``until``; ``None`` if only ``advance`` moves this clock."""
        ...


class ScaledClock:
    """A clock that runs ``factor`` times as fast as real time, 1 being real time itself."""

    def __init__(self, factor: float = 1.0, start: float | None = None) -> None:
        if factor <= 0:
            raise ValueError(f"factor must be above 0, not {factor}")
        self._factor = factor
        self._origin = time.monotonic()
        self._start = time.time() if start is None else start

    def now(self) -> float:
        return self._start + (time.monotonic() - self._origin) * self._factor

    def real_delay(self, until: float) -> float | None:
        return max(0.0, (until - self.now()) / self._factor)


class ManualClock:
    """A clock that stands still until it is told to advance."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def real_delay(self, until: float) -> float | None:
        return 0.0 if until <= self._now else None

    def advance_to(self, instant: float) -> None:
        if instant < self._now:
            raise ValueError(f"the clock stands at {self._now} and cannot go back to {instant}")
        self._now = instant
