"""Waiting for jobs of the job service: one, or several side by side."""

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
from vantage_sdk.jobservice.job_watch import Watch
from vantage_sdk.models.jobservice.job import JobServiceJob

OnUpdate = Callable[[JobServiceJob], object]
Until = Callable[[JobServiceJob], bool] | Collection[str]


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
    ) -> JobServiceJob:
        """Wait until a job has ended, and return it whatever its end.

        ``timeout``: seconds to wait, default without limit; ``until``: status words, or a function of the job, that end the
        wait earlier; ``raise_on_failure``: raise ``JobFailedError`` unless the job succeeded; ``poll_interval``: seconds
        between the first looks (default 1), growing to a tenth of the time waited, at most 30; ``on_update``: called with the
        job at first sight and whenever its status changes.

        Raises ``DeadlineExceeded`` when the time is over.  The job goes on then, and also after Ctrl-C.
        """
        pace = Pace(poll_interval, timeout, options)
        look = partial(self._core.get, job_id, **per_call(options, pace))
        job: JobServiceJob = await wait_for(look, self._sender.io.sleep, pace, job_id, until, on_update)
        if raise_on_failure and not job.succeeded:
            raise JobFailedError(f"job {job.id} ({job.job_type}) {job.status}", job=job)
        return job

    @stream
    async def as_completed(
        self: JobWaiting[Async],
        jobs: Iterable[str | JobServiceJob],
        *,
        timeout: Seconds | None = None,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: OnUpdate | None = None,
        **options: Unpack[WaitOptions],
    ) -> AsyncGenerator[Sequence[JobServiceJob], None]:
        """Yield each job once it has ended, whatever its end.

        ``jobs``: ids or jobs; other parameters and errors as for ``wait``.  The service tells of one job at a time, so at most 8 are
        looked at in each turn, those first that were not looked at for the longest time.
        """
        if isinstance(jobs, str):
            raise TypeError("jobs takes several ids or jobs, not one text")
        pace = Pace(poll_interval, timeout, options)
        ids = [job if isinstance(job, str) else job.id for job in jobs]
        watch = Watch(partial(self._core.get, **per_call(options, pace)), self._sender.io.gather, ids)
        async with aclosing(ended(watch, self._sender.io.sleep, pace, on_update, "as_completed")) as batches:
            async for over in batches:
                yield over
