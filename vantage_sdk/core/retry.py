"""When a failed attempt is repeated, after how long, and when not any more.

The table is the policy; tenacity drives the loop with the rules below.  A call that may have arrived is repeated only if
the second time does no harm: it is idempotent, or it carries an idempotency key that the server is known to honour.
"""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar

from vantage_sdk.core.io.port import Failure
from vantage_sdk.core.quota import COST, TIMEOUT_COST
from vantage_sdk.core.request import Safety
from vantage_sdk.core.shapes import as_object
from vantage_sdk.exceptions import DeadlineExceeded, ResourceNotFoundError, VantageAPIError, VantageTimeoutError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

    from vantage_sdk.core.call import Call
    from vantage_sdk.core.quota import Quota

T = TypeVar("T")
log = logging.getLogger("vantage_sdk")

BASE = 0.5
CAP = 8.0
THROTTLED_BASE = 1.0


class Cause(Enum):
    """Why an attempt failed, by what it means for a repeat."""

    UNSENT = auto()  # never reached the server
    STALE = auto()  # a kept-alive connection was gone; not one byte came back
    LOST = auto()  # broke or ran out of time after the request may have arrived
    FAILED = auto()  # 408, 500, 502, 504: the work may have been done
    AWAY = auto()  # 503: the server took no work, but a proxy may have
    UNREADABLE = auto()  # an answer came that a repeat would not make readable; the work was probably done
    REFUSED = auto()  # 425, 429, or 409 while the first request with this key still runs: no work begun
    FINAL = auto()


class Verdict(Enum):
    """What the table says."""

    NEVER = auto()
    AGAIN = auto()
    AT_ONCE = auto()
    IF_HONOURED = auto()  # only when the server is known to honour idempotency keys


TABLE: dict[Cause, dict[Safety, Verdict]] = {
    Cause.UNSENT: {Safety.IDEMPOTENT: Verdict.AGAIN, Safety.KEYED: Verdict.AGAIN},
    Cause.REFUSED: {Safety.IDEMPOTENT: Verdict.AGAIN, Safety.KEYED: Verdict.AGAIN},
    Cause.STALE: {Safety.IDEMPOTENT: Verdict.AT_ONCE, Safety.KEYED: Verdict.IF_HONOURED},
    Cause.AWAY: {Safety.IDEMPOTENT: Verdict.AGAIN, Safety.KEYED: Verdict.IF_HONOURED},
    Cause.FAILED: {Safety.IDEMPOTENT: Verdict.AGAIN, Safety.KEYED: Verdict.IF_HONOURED},
    Cause.LOST: {Safety.IDEMPOTENT: Verdict.AGAIN, Safety.KEYED: Verdict.IF_HONOURED},
    Cause.UNREADABLE: {Safety.IDEMPOTENT: Verdict.NEVER, Safety.KEYED: Verdict.NEVER},
    Cause.FINAL: {Safety.IDEMPOTENT: Verdict.NEVER, Safety.KEYED: Verdict.NEVER},
}
AMBIGUOUS = frozenset({Cause.STALE, Cause.FAILED, Cause.LOST, Cause.UNREADABLE})
_BY_FAILURE = {
    Failure.UNSENT: Cause.UNSENT,
    Failure.STALE: Cause.STALE,
    Failure.CUT: Cause.LOST,
    Failure.LATE: Cause.LOST,
    Failure.UNREADABLE: Cause.UNREADABLE,
    Failure.BAD: Cause.FINAL,
}
_BY_STATUS = {
    408: Cause.FAILED,
    425: Cause.REFUSED,
    429: Cause.REFUSED,
    500: Cause.FAILED,
    502: Cause.FAILED,
    503: Cause.AWAY,
    504: Cause.FAILED,
}
IN_PROGRESS = "idempotency_in_progress"


def cause_of_failure(failure: Failure) -> Cause:
    return _BY_FAILURE[failure]


def cause_of_answer(error: VantageAPIError) -> Cause:
    """Classify an HTTP error; a 409 is final unless it says that the first request with this key still runs."""
    if error.status_code == 409:
        details = as_object(error.details) or {}
        return Cause.REFUSED if IN_PROGRESS in (error.code, details.get("code")) else Cause.FINAL
    return _BY_STATUS.get(error.status_code or 0, Cause.FINAL)


class Rules:
    """The retry, wait and stop rules of one call, as tenacity asks for them."""

    def __init__(self, call: Call, quota: Quota, *, honours: Callable[[], bool], max_wait: float) -> None:
        self._call = call
        self._quota = quota
        self._honours = honours
        self._max_wait = max_wait
        self.cause = Cause.FINAL
        self.out_of_time = False

    def retry(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, VantageAPIError):
            return False
        return self.allows()

    def allows(self) -> bool:
        """Tell whether the table lets the last failure be repeated."""
        verdict = TABLE[self.cause][self._call.request.safety]
        return verdict in (Verdict.AGAIN, Verdict.AT_ONCE) or (verdict is Verdict.IF_HONOURED and self._honours())

    def wait(self, state: RetryCallState) -> float:
        """Wait as long as the server asked, else full jitter below an exponential ceiling; never before a hint."""
        if self._call.hint is not None:
            return self._call.hint + random.random() * min(1.0, self._call.hint / 10)
        if TABLE[self.cause][self._call.request.safety] is Verdict.AT_ONCE:
            return 0.0
        base = THROTTLED_BASE if self.cause is Cause.REFUSED else BASE
        return random.random() * min(CAP, base * 2.0 ** (state.attempt_number - 1))

    def stop(self, state: RetryCallState) -> bool:
        call, wait = self._call, state.upcoming_sleep
        if state.attempt_number >= call.max_attempts or (call.hint is not None and call.hint > self._max_wait):
            return True
        if call.deadline is not None and wait >= call.deadline.remaining():
            self.out_of_time = call.hint is None
            return True
        error = state.outcome.exception() if state.outcome else None
        cost = TIMEOUT_COST if isinstance(error, VantageTimeoutError) else COST
        if not self._quota.take(cost):
            log.warning("not retried: too many calls of this client fail (retry quota used up)")
            return True
        call.tokens = cost
        return False

    def before_sleep(self, state: RetryCallState) -> None:
        last = self._call.trail[-1]
        self._call.trail[-1] = replace(last, wait=round(state.upcoming_sleep, 3))
        request = self._call.request
        log.info("retrying %s %s in %.2f s: %s", request.method, self._call.path, state.upcoming_sleep, last.cause)


async def again(
    attempt: Callable[[], Awaitable[T]], first: VantageAPIError, rules: Rules, sleep: Callable[[float], Awaitable[None]]
) -> T:
    """Go on after a failed first attempt.

    The first attempt runs outside tenacity, whose set-up costs more than everything else around a call that succeeds;
    here tenacity meets its failure as if it had made the attempt itself.
    """
    from tenacity import AsyncRetrying  # most programs never need it

    failed = [first]

    async def next_attempt() -> T:
        if failed:
            raise failed.pop()
        return await attempt()

    loop = AsyncRetrying(
        sleep=sleep, retry=rules.retry, wait=rules.wait, stop=rules.stop, before_sleep=rules.before_sleep, reraise=True
    )
    return await loop(next_attempt)


def passes(cause: Cause) -> bool:
    """Tell whether a call that does no harm the second time may be repeated after this failure."""
    return TABLE[cause][Safety.IDEMPOTENT] is not Verdict.NEVER


def gone_is_done(error: ResourceNotFoundError) -> bool:
    """Tell whether a 404 answers the repeat of a deletion that may have been done by an earlier attempt."""
    return len(error.attempts) > 1


def out_of_time(error: VantageAPIError, budget: float) -> DeadlineExceeded:
    """Return the error for a deadline that leaves no time for the retry that ``error`` calls for."""
    late = error._as_kind(DeadlineExceeded)
    late.message = f"the deadline of {budget:g} s left no time for another try after: {error.message}"
    return late
