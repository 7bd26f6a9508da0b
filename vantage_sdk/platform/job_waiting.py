"""Waiting for jobs: one by one, or many with one list call a tick."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.deadline import Deadline, Seconds
from vantage_sdk.core.request import WaitOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.exceptions import (
    DeadlineExceeded,
    JobFailedError,
    RateLimitError,
    ServerError,
    VantageAPIError,
    VantageConnectionError,
)
from vantage_sdk.models.job import Job
from vantage_sdk.platform.job_watch import Watch

POLL_INTERVAL = 1.0
LONGEST_INTERVAL = 30.0
SHARE = 0.1
FAILED_POLLS = 5
PASSING = (VantageConnectionError, ServerError, RateLimitError)
OnUpdate = Callable[[Job], object]
Until = Callable[[Job], bool] | Collection[str]


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

    def next(self) -> float:
        """Return the next pause in seconds; raise ``DeadlineExceeded`` if the time to wait is over."""
        waited = time.monotonic() - self._since
        pause = min(LONGEST_INTERVAL, max(self._interval, SHARE * waited)) * random.uniform(0.8, 1.2)
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


class JobWaiting(Resource[Mode]):
    """The part of ``jobs`` that waits."""

    @method
    async def wait(
        self: JobWaiting[Async],
        job_id: str,
        *,
        timeout: Seconds | None = None,
        until: Until | None = None,
        raise_on_failure: bool = False,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: OnUpdate | None = None,
        **options: Unpack[WaitOptions],
    ) -> Job:
        """Wait until a job has ended, and return it whatever its end.

        ``timeout``: seconds to wait, default without limit; ``until``: status words, or a function of the job, that end the
        wait earlier; ``raise_on_failure``: raise ``JobFailedError`` unless the job succeeded; ``poll_interval``: seconds
        between the first looks (default 1), growing to a tenth of the time waited, at most 30; ``on_update``: called with the
        job at first sight and whenever its status changes.

        Raises ``DeadlineExceeded`` when the time is over.  The job goes on then, and also after Ctrl-C.
        """
        pace = Pace(poll_interval, timeout, options)
        call = _per_call(options, pace)
        seen: Job | None = None
        try:
            while True:
                try:
                    job = await self._core.get(job_id, **call)
                except PASSING as error:
                    pace.failed(error)
                else:
                    pace.fine()
                    if seen is None or seen.status != job.status:
                        seen = job
                        pace.changed()
                        if on_update is not None:
                            on_update(job)
                    if job.is_terminal or _satisfied(job, until):
                        return _checked(job) if raise_on_failure else job
                await self._sender.io.sleep(pace.next())
        except BaseException as stop:
            if not leaves_jobs_running(stop):
                raise
            status = "not seen yet" if seen is None else seen.status
            stop.add_note(f"job {job_id} goes on (last status: {status}); resume with client.jobs.wait({job_id!r})")
            raise

    @method
    async def wait_all(
        self: JobWaiting[Async],
        jobs: Iterable[str | Job],
        *,
        timeout: Seconds | None = None,
        raise_on_failure: bool = False,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: OnUpdate | None = None,
        **options: Unpack[WaitOptions],
    ) -> Sequence[Job]:
        """Wait until all jobs have ended; return them in the order given.

        ``jobs``: ids or jobs; other parameters as for ``wait``.  However many there are, one list call a tick finds those that
        changed.  With ``raise_on_failure`` the first job that fails raises ``JobFailedError``, while the others go on.
        """
        wanted = _unique(jobs)
        ended: dict[str, Job] = {}
        finished = self.as_completed(
            wanted.values(), timeout=timeout, poll_interval=poll_interval, on_update=on_update, **options
        )
        async with finished:
            async for job in finished:
                ended[job.id] = _checked(job) if raise_on_failure else job
        return [ended[job_id] for job_id in wanted]

    @stream
    async def as_completed(
        self: JobWaiting[Async],
        jobs: Iterable[str | Job],
        *,
        timeout: Seconds | None = None,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: OnUpdate | None = None,
        **options: Unpack[WaitOptions],
    ) -> AsyncGenerator[Sequence[Job], None]:
        """Yield each job once it has ended, whatever its end; parameters and errors as for ``wait_all``."""
        pace = Pace(poll_interval, timeout, options)
        watch = Watch(self._core, _per_call(options, pace), _unique(jobs))
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
                if ended := [job for job in changed if job.is_terminal]:
                    yield ended
                if watch.pending:
                    await self._sender.io.sleep(pace.next())
        except BaseException as stop:
            if leaves_jobs_running(stop):
                left = list(watch.pending)
                more = f" and {len(left) - 10} more" if left[10:] else ""
                stop.add_note(f"{len(left)} jobs go on; resume with client.jobs.wait_all({left[:10]!r}){more}")
            raise


def leaves_jobs_running(stop: BaseException) -> bool:
    """Tell whether ``stop`` is Ctrl-C, a cancellation or a limit: reasons of the waiter, not of the job."""
    return isinstance(stop, DeadlineExceeded) or not isinstance(stop, Exception | GeneratorExit)


def _per_call(options: Mapping[str, Any], pace: Pace) -> dict[str, Any]:
    return dict(options) if pace.limit is None else {**options, "deadline": pace.limit}


def _satisfied(job: Job, until: Until | None) -> bool:
    if until is None:
        return False
    if callable(until):
        return bool(until(job))
    return job.status in ((until,) if isinstance(until, str) else until)


def _unique(jobs: Iterable[str | Job]) -> dict[str, str | Job]:
    if isinstance(jobs, str):
        raise TypeError("jobs takes several ids or jobs, not one text")
    return {job if isinstance(job, str) else job.id: job for job in jobs}


def _checked(job: Job) -> Job:
    if job.succeeded:
        return job
    why = [text for text in (job.reason, job.cancel_reason) if text]
    if job.exit_code is not None:
        why.append(f"exit code {job.exit_code}")
    raise JobFailedError(f"job {job.id} ({job.name}) {job.status}" + (f": {', '.join(why)}" if why else ""), job=job)
