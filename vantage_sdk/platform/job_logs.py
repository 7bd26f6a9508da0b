"""Logs of a job: as they are now, and as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from typing_extensions import Unpack

from vantage_sdk.core.following import Follower
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.waiting import leaves_jobs_running
from vantage_sdk.models.base import one
from vantage_sdk.models.job import Job
from vantage_sdk.models.logs import Logs, logs_of


class JobLogs(Resource[Mode]):
    """The part of ``jobs`` that reads logs."""

    @method
    async def logs(
        self: JobLogs[Async],
        job_id: str,
        *,
        tail: int | None = None,
        since: str | datetime | None = None,
        timestamps: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Logs:
        """Fetch the log of a job as it is now.

        ``tail``: only the last so many lines; ``since``: only later lines, ISO 8601 text or an aware ``datetime``;
        ``timestamps``: begin each line with its time.  Returns text with a ``lines`` attribute.
        """
        query = {"tail": tail, "since": since, "timestamps": timestamps}
        return await self._send(Request("GET", "/jobs/{job_id}/logs", logs_of, {"job_id": job_id}, query), options)

    @stream
    async def logs_stream(
        self: JobLogs[Async],
        job_id: str,
        *,
        tail: int | None = None,
        since: str | datetime | None = None,
        timestamps: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[str], None]:
        """Yield the lines of a job's log as they are written, until the job has ended and all were sent.

        A connection that breaks is made anew and goes on after the last line received, so that none is lost or repeated.
        ``tail``, ``since``, ``timestamps`` as for ``logs``; ``timeout`` is the longest silence, keep-alives included,
        default the client's.  Raises ``StreamInterrupted`` when it cannot go on without losing or repeating a line.
        Closing the iterator, or Ctrl-C, leaves the job running.
        """
        query = {"tail": tail, "since": since, "timestamps": timestamps, "follow": True}
        request = Request("GET", "/jobs/{job_id}/logs", one(Job), {"job_id": job_id}, query, accept="text/event-stream")

        async def ended() -> bool:
            job = await self._send(Request("GET", "/jobs/{job_id}", one(Job), {"job_id": job_id}), options)
            return job.is_terminal

        follower = Follower(self._sender, request, options, ended)
        try:
            async with aclosing(follower.batches()) as batches:
                async for lines in batches:
                    yield lines
        except BaseException as stop:
            if leaves_jobs_running(stop):
                stop.add_note(f"job {job_id} goes on; follow it again with client.jobs.logs_stream({job_id!r})")
            raise
