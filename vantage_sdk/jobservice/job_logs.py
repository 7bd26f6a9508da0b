"""Logs of a job of the job service: as they are now, and as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_count
from vantage_sdk.core.following import Follower, Whole
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.waiting import leaves_jobs_running
from vantage_sdk.models.base import one
from vantage_sdk.models.jobservice.job import JobServiceJob
from vantage_sdk.models.logs import Logs, logs_of

ALL = 2**31 - 1  # lines: more than any log has, and what every server can count to


class JobLogs(Resource[Mode]):
    """The part of ``jobs`` that reads logs."""

    @method
    async def logs(
        self: JobLogs[Async],
        job_id: str,
        *,
        tail: int | None = None,
        timestamps: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Logs:
        """Fetch the end of the log of a job as it is now.

        ``tail``: the last so many lines, default the server's, which is 100; ``timestamps``: begin each line with its time, default
        the server's, which is yes.  Returns text with a ``lines`` attribute.
        """
        return await self._send(_request(job_id, tail, timestamps), options)

    @stream
    async def logs_stream(
        self: JobLogs[Async],
        job_id: str,
        *,
        tail: int | None = None,
        timestamps: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[str], None]:
        """Yield the last lines of a job's log, then further ones as they are written, until the job has ended and all were sent.

        ``tail``, ``timestamps`` as for ``logs``, so it begins with at most 100 lines unless ``tail`` says more; ``timeout`` is the
        longest silence, keep-alives included, default the client's.

        A connection that breaks is made anew and goes on after the last line received, so that none is lost or repeated: by its
        number if the server numbers lines, else by looking for the lines received in the whole log.  Raises
        ``StreamInterrupted`` when it cannot go on like that: without numbers, if these lines are not in the log any more, or are
        there more than once.  Closing the iterator, or Ctrl-C, leaves the job running.
        """

        async def ended() -> bool:
            request = Request("GET", "/jobs/{job_id}", one(JobServiceJob), {"job_id": job_id})
            return (await self._send(request, options)).is_terminal

        async def lines() -> Sequence[str]:
            return (await self._send(_request(job_id, ALL, timestamps), options)).lines

        request = _request(job_id, tail, timestamps, follow=True)
        follower = Follower(self._sender, request, options, ended, Whole({"tail": ALL}, lines))
        try:
            async with aclosing(follower.batches()) as batches:
                async for found in batches:
                    yield found
        except BaseException as stop:
            if leaves_jobs_running(stop):
                stop.add_note(f"job {job_id} goes on; follow it again with client.jobs.logs_stream({job_id!r})")
            raise


def _request(job_id: str, tail: int | None, timestamps: bool | None, *, follow: bool | None = None) -> Request[Logs]:
    lines = None if tail is None else as_count(tail, "tail", 0)
    query: dict[str, Any] = {"follow": follow, "tail": lines, "timestamps": timestamps}
    accept = "text/event-stream" if follow else "text/plain"
    return Request("GET", "/jobs/{job_id}/logs", logs_of, {"job_id": job_id}, query, accept=accept)
