"""Request budgets: one fixed window per credential, on the server's clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mock_server.errors import ApiError

if TYPE_CHECKING:
    from mock_server.dialect import RatePolicy
    from mock_server.timekeeping import Timekeeper

MAX_WINDOWS = 10_000


@dataclass(slots=True)
class Window:
    """One credential's current window: it opens with the first request and ends after the policy's seconds."""

    policy: RatePolicy
    ends_at: float
    used: int = 0

    @property
    def exhausted(self) -> bool:
        return self.policy.limit is not None and self.used > self.policy.limit

    def headers(self) -> dict[str, str]:
        """Return the headers that tell the caller about its budget, none if there is no limit."""
        limit = self.policy.limit
        if limit is None:
            return {}
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - self.used)),
            "X-RateLimit-Reset": str(math.ceil(self.ends_at)),
        }
        return {**headers, "X-RateLimit-Window": f"{self.policy.window:g}"} if self.policy.announced else headers


class RateLimiter:
    """Counts requests by credential, and by address for callers without one."""

    def __init__(self, time: Timekeeper, *, enforced: bool) -> None:
        self._time = time
        self._enforced = enforced
        self._windows: dict[tuple[str, str, str], Window] = {}

    def count(self, family: str, caller: str, policy: RatePolicy) -> Window:
        """Count one request and return the window it falls in."""
        now = self._time.now()
        budget = family, caller, policy.name
        window = self._windows.get(budget)
        if window is None or window.ends_at <= now:
            self._make_room(now)
            window = self._windows[budget] = Window(policy, now + policy.window)
        window.used += 1
        return window

    def check(self, window: Window) -> None:
        """Raise a 429 if the window's budget is used up."""
        if self._enforced and window.exhausted:
            wait = max(1, math.ceil(self._time.caller_delay(window.ends_at)))
            raise ApiError(
                429,
                f"Rate limit of {window.policy.limit} requests exceeded; retry in {wait} s",
                details={"limit": window.policy.limit, "retry_after": wait},
                headers={"Retry-After": str(wait)},
            )

    def _make_room(self, now: float) -> None:
        if len(self._windows) >= MAX_WINDOWS:
            self._windows = {key: window for key, window in self._windows.items() if window.ends_at > now}
        if len(self._windows) >= MAX_WINDOWS:
            self._windows.pop(next(iter(self._windows)))
