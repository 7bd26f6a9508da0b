"""How long a failed job waits before it runs again."""

from __future__ import annotations

from mock_server.cluster.job import RETRY_SECONDS

LONGEST_BACKOFF = 30 * 86_400.0
"""No retry waits longer, whatever its multiplier."""


def backoff(multiplier: float, retries: int) -> float:
    """Return the seconds before the next retry of a job that has had ``retries``."""
    try:
        return min(LONGEST_BACKOFF, RETRY_SECONDS * multiplier**retries)
    except OverflowError:
        return LONGEST_BACKOFF
