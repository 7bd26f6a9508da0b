"""Logs of a job: as they are now, and as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import Unpack

from vantage_sdk.core.following import Follower
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.shapes import as_list, as_object
from vantage_sdk.models.base import one, parsed
from vantage_sdk.models.job import Job
from vantage_sdk.platform.job_waiting import leaves_jobs_running

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer


class Logs(str):
    """The text of a log, with its ``lines`` and the number of lines before ``tail`` cut some off."""

    __slots__ = ("lines", "total_lines")

    lines: list[str]
    total_lines: int

    def __new__(cls, lines: Sequence[str], total_lines: int | None = None) -> Self:
        text = super().__new__(cls, "\n".join(lines))
        text.lines = [*lines]
        text.total_lines = len(lines) if total_lines is None else total_lines
        return text

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.lines, self.total_lines


def _logs(answer: Answer) -> Logs:
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return Logs(answer.body.decode("utf-8", "replace").splitlines())
    body = as_object(parsed(answer)) or {}
    lines = as_list(body.get("lines"))
    if lines is None:
        raise ValueError("no list under 'lines'")
    return Logs([str(line) for line in lines], body.get("total_lines"))


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
        return await self._send(Request("GET", "/jobs/{job_id}/logs", _logs, {"job_id": job_id}, query), options)

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
