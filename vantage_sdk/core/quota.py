"""A budget of retries that all copies of a client share, so that an outage is not answered with a storm.

The numbers are those of botocore's standard mode: 500 tokens, 5 for a retry and 10 after a timeout; a retry that succeeds
gives its tokens back, any other success gives back 1.
"""

from __future__ import annotations

import threading

from vantage_sdk.core.io.forking import renew_after_fork

CAPACITY = 500
COST = 5
TIMEOUT_COST = 10


class Quota:
    """Tokens that retries take; safe from any number of threads and event loops."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._left = capacity
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._left

    def take(self, cost: int) -> bool:
        """Take ``cost`` tokens, or return ``False`` if there are not so many."""
        with self._lock:
            if cost > self._left:
                return False
            self._left -= cost
            return True

    def give_back(self, tokens: int) -> None:
        with self._lock:
            self._left = min(self._capacity, self._left + tokens)
