"""Looking again and again until something has happened: how often, which failures do not matter, and for how long."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from vantage_sdk.core.deadline import Deadline, Seconds
from vantage_sdk.exceptions import (
    DeadlineExceeded,
    RateLimitError,
    ServerError,
    VantageAPIError,
    VantageConnectionError,
)

if TYPE_CHECKING:
    from vantage_sdk.models.phase import PhasedModel

T = TypeVar("T")
J = TypeVar("J", bound="PhasedModel")
Sleep = Callable[[float], Awaitable[None]]
POLL_INTERVAL = 1.0
LONGEST_INTERVAL = 30.0
SHARE = 0.1
FAILED_POLLS = 5
PASSING = (VantageConnectionError, ServerError, RateLimitError)


class Watch(Protocol[J]):
    """Jobs that have not ended yet; a tick looks at a ``share`` of them."""

    @property
    def pending(self) -> Collection[str]: ...
    @property
    def share(self) -> float: ...
    async def tick(self) -> list[J]:
        """Return the jobs whose state changed since the last tick; those that ended are not pending any more."""
        ...


class Pace:
    """How long to pause between two looks: a tenth of the time waited so far, from ``interval`` to 30 s, with jitter."""

    def __init__(self, interval: Seconds, timeout: Seconds | None, options: Mapping[str, Any]) -> None:
        self.limit, self._name = Deadline.after(timeout, "timeout"), "timeout"
        deadline = Deadline.after(options.get("deadline"))
        if deadline is not None and (self.limit is None or deadline.at < self.limit.at):
            self.limit, self._name = deadline, "deadline"
        started = Deadline.after(interval, "poll_interval")
        if started is None:
            raise ValueError("poll_interval is a number of seconds above 0")
        self._interval = started.budget
        self._since = time.monotonic()
        self._failed = 0
        self._hint = 0.0

    def changed(self) -> None:
        """Look more often again."""
        self._since = time.monotonic()

    def failed(self, error: VantageAPIError) -> None:
        """Overlook a poll that failed for a passing reason, but not the fifth in a row, nor a deadline."""
        self._failed += 1
        self._hint = float(error.retry_after or 0) if isinstance(error, RateLimitError) else 0.0
        if isinstance(error, DeadlineExceeded):
            raise self._over() from error
        if self._failed >= FAILED_POLLS:
            raise error

    def next(self, share: float = 1.0) -> float:
        """Return the next pause in seconds; raise ``DeadlineExceeded`` if the time to wait is over.

        ``share``: of what is waited for, how much one look sees; the less it is, the less the pause grows.
        """
        waited = time.monotonic() - self._since
        pause = min(LONGEST_INTERVAL, max(self._interval, share * SHARE * waited)) * random.uniform(0.8, 1.2)
        pause = max(pause, self._hint)
        if self.limit is not None:
            left = self.limit.remaining()
            if left <= 0:
                raise self._over()
            pause = min(pause, left)
        return pause

    def _over(self) -> DeadlineExceeded:
        budget = 0.0 if self.limit is None else self.limit.budget
        return DeadlineExceeded(f"not finished within the {self._name} of {budget:g} s")

    def fine(self) -> None:
        self._failed, self._hint = 0, 0.0


class Poll(Generic[T]):
    """One thing that is looked at until it is as wanted.

    ``word`` returns what changes of it are told by; ``on_update`` is called at first sight and after each change; ``seen`` is
    what it was at the last one.
    """

    def __init__(
        self, sleep: Sleep, pace: Pace, word: Callable[[T], object], on_update: Callable[[T], object] | None = None
    ) -> None:
        self._sleep = sleep
        self._pace = pace
        self._word = word
        self._on_update = on_update
        self.seen: T | None = None

    async def until(self, look: Callable[[], Awaitable[T]], done: Callable[[T], bool]) -> T:
        """Return the thing once it is ``done``; raise ``DeadlineExceeded`` when the time is over."""
        while True:
            try:
                found = await look()
            except PASSING as error:
                self._pace.failed(error)
            else:
                self._pace.fine()
                self._notice(found)
                if done(found):
                    return found
            await self._sleep(self._pace.next())

    def _notice(self, found: T) -> None:
        if self.seen is None or self._word(self.seen) != self._word(found):
            self.seen = found
            self._pace.changed()
            if self._on_update is not None:
                self._on_update(found)


async def wait_for(
    look: Callable[[], Awaitable[J]],
    sleep: Sleep,
    pace: Pace,
    job_id: str,
    until: Callable[[J], bool] | Collection[str] | None,
    on_update: Callable[[J], object] | None,
) -> J:
    """Look at a job until it has ended, or ``until`` says that it is enough; ``on_update`` is told every new state."""
    poll = Poll[J](sleep, pace, lambda job: job._word, on_update)
    try:
        return await poll.until(look, lambda job: job.is_terminal or _satisfied(job, until))
    except BaseException as stop:
        if not leaves_jobs_running(stop):
            raise
        word = "not seen yet" if poll.seen is None else poll.seen._word
        stop.add_note(f"job {job_id} goes on (last status: {word}); resume with client.jobs.wait({job_id!r})")
        raise


async def ended(
    watch: Watch[J], sleep: Sleep, pace: Pace, on_update: Callable[[J], object] | None, resume: str
) -> AsyncGenerator[Sequence[J], None]:
    """Yield jobs once they have ended; ``resume`` is the method to go on with after an interruption."""
    try:
        while watch.pending:
            try:
                changed = await watch.tick()
            except PASSING as error:
                pace.failed(error)
                changed = []
            else:
                pace.fine()
            for job in changed:
                pace.changed()
                if on_update is not None:
                    on_update(job)
            if over := [job for job in changed if job.is_terminal]:
                yield over
            if watch.pending:
                await sleep(pace.next(watch.share))
    except BaseException as stop:
        if leaves_jobs_running(stop):
            left = list(watch.pending)
            more = f" and {len(left) - 10} more" if left[10:] else ""
            stop.add_note(f"{len(left)} jobs go on; resume with client.jobs.{resume}({left[:10]!r}){more}")
        raise


def leaves_jobs_running(stop: BaseException) -> bool:
    """Tell whether ``stop`` is Ctrl-C, a cancellation or a limit: reasons of the waiter, not of the job."""
    return isinstance(stop, DeadlineExceeded) or not isinstance(stop, Exception | GeneratorExit)


def per_call(options: Mapping[str, Any], pace: Pace) -> dict[str, Any]:
    """Return the options of each look, with the deadline of the whole wait."""
    return dict(options) if pace.limit is None else {**options, "deadline": pace.limit}


def _satisfied(job: J, until: Callable[[J], bool] | Collection[str] | None) -> bool:
    if until is None:
        return False
    if callable(until):
        return bool(until(job))
    return job._word in ((until,) if isinstance(until, str) else until)
