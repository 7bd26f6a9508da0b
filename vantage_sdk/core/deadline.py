"""Spans of time: what users give, and the one instant that a call must not outlive."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import timedelta

Seconds = float | timedelta


def seconds(value: Seconds | None, name: str) -> float | None:
    """Return a positive number of seconds, ``None`` for no limit.

    Raises ``TypeError`` for anything but a number or a ``timedelta``, ``ValueError`` if it is not above 0.
    """
    if value is None:
        return None
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} takes seconds as a number, a timedelta or None, not {type(value).__name__}")
    if math.isnan(value) or value <= 0:
        raise ValueError(f"{name} must be above 0 seconds, not {value}; None means no limit")
    return None if math.isinf(value) else float(value)


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant on the monotonic clock; ``budget`` is the seconds it was given."""

    at: float
    budget: float

    @classmethod
    def after(cls, budget: Seconds | Deadline | None, name: str = "deadline") -> Deadline | None:
        """Start the clock, unless ``budget`` is a deadline that runs already or is ``None``."""
        if isinstance(budget, Deadline):
            return budget
        span = seconds(budget, name)
        return None if span is None else cls(time.monotonic() + span, span)

    def remaining(self) -> float:
        return self.at - time.monotonic()
