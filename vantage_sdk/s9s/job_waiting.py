"""Waiting for jobs of S9S: one by one, or many with one list call a tick."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from functools import partial

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Id
from vantage_sdk.core.deadline import Seconds
from vantage_sdk.core.request import WaitOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.waiting import POLL_INTERVAL, Pace, ended, per_call, wait_for
from vantage_sdk.exceptions import JobFailedError
from vantage_sdk.models.s9s_job import S9SJob, as_job_id
from vantage_sdk.s9s.job_watch import Watch

OnUpdate = Callable[[S9SJob], object]
Until = Callable[[S9SJob], bool] | Collection[str]


class JobWaiting(Resource[Mode]):
    """The part of ``jobs`` that waits."""

    @method
    async def wait(
        self: JobWaiting[Async],
        job_id: Id,
        *,
        timeout: Seconds | None = None,
        until: Until | None = None,
        raise_on_failure: bool = False,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: OnUpdate | None = None,
        **options: Unpack[WaitOptions],
    ) -> S9SJob:
        """Wait until a job has ended, and return it whatever its end.

        ``timeout``: seconds to wait, default without limit; ``until``: state words, or a function of the job, that end the
        wait earlier; ``raise_on_failure``: raise ``JobFailedError`` unless the job succeeded; ``poll_interval``: seconds
        between the first looks (default 1), growing to a tenth of the time waited, at most 30; ``on_update``: called with the
        job at first sight and whenever its state changes.

        Raises ``DeadlineExceeded`` when the time is over.  The job goes on then, and also after Ctrl-C.
        """
        pace = Pace(poll_interval, timeout, options)
        look = partial(self._core.get, job_id, **per_call(options, pace))
        job = await wait_for(look, self._sender.io.sleep, pace, str(job_id), until, on_update)
        return _checked(job) if raise_on_failure else job

    @method
    async def wait_all(
        self: JobWaiting[Async],
        jobs: Iterable[Id | S9SJob],
        *,
        timeout: Seconds | None = None,
        raise_on_failure: bool = False,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: OnUpdate | None = None,
        **options: Unpack[WaitOptions],
    ) -> Sequence[S9SJob]:
        """Wait until all jobs have ended; return them in the order given.

        ``jobs``: ids or jobs; other parameters as for ``wait``.  From four jobs on, one list call a tick finds those that
        changed.  With ``raise_on_failure`` the first job that fails raises ``JobFailedError``, while the others go on.
        """
        wanted = _unique(jobs)
        found: dict[str, S9SJob] = {}
        finished = self.as_completed(
            [job or job_id for job_id, job in wanted.items()],
            timeout=timeout,
            poll_interval=poll_interval,
            on_update=on_update,
            **options,
        )
        async with finished:
            async for job in finished:
                found[job.job_id] = _checked(job) if raise_on_failure else job
        return [found[job_id] for job_id in wanted]

    @stream
    async def as_completed(
        self: JobWaiting[Async],
        jobs: Iterable[Id | S9SJob],
        *,
        timeout: Seconds | None = None,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: OnUpdate | None = None,
        **options: Unpack[WaitOptions],
    ) -> AsyncGenerator[Sequence[S9SJob], None]:
        """Yield each job once it has ended, whatever its end; parameters and errors as for ``wait_all``."""
        pace = Pace(poll_interval, timeout, options)
        watch = Watch(self._core, per_call(options, pace), _unique(jobs))
        async with aclosing(ended(watch, self._sender.io.sleep, pace, on_update, "wait_all")) as batches:
            async for over in batches:
                yield over


def _unique(jobs: Iterable[Id | S9SJob]) -> dict[str, S9SJob | None]:
    if isinstance(jobs, str) or not hasattr(jobs, "__iter__"):
        raise TypeError(f"jobs takes several ids or jobs, not {type(jobs).__name__}")
    return {as_job_id(job): job if isinstance(job, S9SJob) else None for job in jobs}


def _checked(job: S9SJob) -> S9SJob:
    if job.succeeded:
        return job
    why = [job.reason] if job.reason else []
    if job.exit_code is not None:
        why.append(f"exit code {job.exit_code}")
    raise JobFailedError(
        f"job {job.job_id} ({job.job_name}) {job.state}" + (f": {', '.join(why)}" if why else ""), job=job
    )
