"""How long a transfer keeps trying: failures count from the last byte that got through."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.call import retries_of
from vantage_sdk.core.deadline import Deadline
from vantage_sdk.core.quota import COST, TIMEOUT_COST
from vantage_sdk.core.retry import BASE, CAP, out_of_time
from vantage_sdk.exceptions import Attempt, DeadlineExceeded, VantageAPIError, VantageTimeoutError

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender


class Patience:
    """Pauses after a failure that may pass, and raises any other, the one after too many, or one past the deadline."""

    def __init__(self, sender: Sender, options: Mapping[str, Any]) -> None:
        self._sender = sender
        self._limit = retries_of(options, sender.config)
        self._deadline = Deadline.after(options.get("deadline", sender.config.deadline))
        self._trail: list[Attempt] = []
        self._tokens = 0

    def progressed(self) -> None:
        """Forget the failures before: something got through."""
        if self._trail:
            self._sender.shared.quota.give_back(self._tokens)
            self._trail, self._tokens = [], 0

    async def failed(self, error: VantageAPIError) -> None:
        """Pause before the next try, as long as the server asked or with full jitter; or raise ``error``."""
        said = f"{error.status_code} {error.code or ''}".strip() if error.status_code else error.message
        self._trail.append(Attempt(len(self._trail) + 1, said, None, error.status_code, error.request_id))
        error.attempts, error.max_attempts = tuple(self._trail), self._limit + 1
        hint = error.retry_after
        late = isinstance(error, VantageTimeoutError) and not isinstance(error, DeadlineExceeded)
        if late and self._deadline is not None and self._deadline.remaining() <= 0:
            raise out_of_time(error, self._deadline.budget) from error
        if not error._passing or isinstance(error, DeadlineExceeded) or len(self._trail) > self._limit:
            raise error
        if hint is not None and hint > self._sender.config.max_retry_wait:
            raise error
        pause = random.random() * min(CAP, BASE * 2.0 ** (len(self._trail) - 1)) + (hint or 0)
        if self._deadline is not None and pause >= self._deadline.remaining():
            raise out_of_time(error, self._deadline.budget) from error
        cost = TIMEOUT_COST if isinstance(error, VantageTimeoutError) else COST
        if not self._sender.shared.quota.take(cost):
            raise error
        self._tokens += cost
        self._trail[-1] = replace(self._trail[-1], wait=round(pause, 3))
        await self._sender.io.sleep(pause)
