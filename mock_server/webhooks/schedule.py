"""When a delivery that failed is tried again."""

from __future__ import annotations

MINUTE, HOUR = 60.0, 3600.0
PAUSES = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Seconds on the server's clock between one attempt and the next, as Standard Webhooks proposes; then it is given up."""

MAX_PAUSE = 24 * HOUR


def pause(attempts: int, asked: float | None = None) -> float | None:
    """Return the seconds to wait after so many attempts, ``None`` to give up.

    ``asked`` are those of a ``Retry-After``, which counts where it is longer, up to a day.
    """
    if attempts > len(PAUSES):
        return None
    return max(PAUSES[attempts - 1], min(asked or 0.0, MAX_PAUSE))
