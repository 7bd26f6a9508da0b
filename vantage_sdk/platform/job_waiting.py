"""Waiting for jobs: one by one, or many with one list call a tick."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from functools import partial

from typing_extensions import Unpack

from vantage_sdk.core.deadline import Seconds
from vantage_sdk.core.request import WaitOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.waiting import POLL_INTERVAL, Pace, ended, per_call, wait_for
from vantage_sdk.exceptions import JobFailedError
from vantage_sdk.models.job import Job
from vantage_sdk.platform.job_watch import Watch

OnUpdate = Callable[[Job], object]
Until = Callable[[Job], bool] | Collection[str]


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
        look = partial(self._core.get, job_id, **per_call(options, pace))
        job = await wait_for(look, self._sender.io.sleep, pace, job_id, until, on_update)
        return _checked(job) if raise_on_failure else job

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
        found: dict[str, Job] = {}
        finished = self.as_completed(
            wanted.values(), timeout=timeout, poll_interval=poll_interval, on_update=on_update, **options
        )
        async with finished:
            async for job in finished:
                found[job.id] = _checked(job) if raise_on_failure else job
        return [found[job_id] for job_id in wanted]

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
        watch = Watch(self._core, per_call(options, pace), _unique(jobs))
        async with aclosing(ended(watch, self._sender.io.sleep, pace, on_update, "wait_all")) as batches:
            async for over in batches:
                yield over


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
