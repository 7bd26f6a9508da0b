"""What a job of S9S writes, as it writes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Literal

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Id, as_word, id_text
from vantage_sdk.core.lines import ServerSentEvent
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, stream as streamed
from vantage_sdk.core.shapes import as_object, is_whole
from vantage_sdk.core.socket_following import SocketFollower
from vantage_sdk.core.waiting import leaves_jobs_running
from vantage_sdk.models.base import one
from vantage_sdk.models.s9s_job import S9SJob
from vantage_sdk.s9s.frames import decoded, error_of


class JobOutput(Resource[Mode]):
    """The part of ``jobs`` that follows what a job writes."""

    @streamed
    async def follow(
        self: JobOutput[Async],
        job_id: Id,
        stream: Literal["output", "error"] = "output",
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[str], None]:
        """Yield the lines that a job writes, from the first one on, until it has ended and all were sent.

        ``stream``: ``output`` or ``error``.  A connection that breaks is made anew and goes on after the last line received, so that
        none is lost or repeated; a silent one is asked for a sign of life after 20 seconds.  Raises ``StreamInterrupted`` when it
        cannot go on without losing or repeating a line.  Closing the iterator, or Ctrl-C, leaves the job running.  Needs the
        extra ``events``.
        """
        place = as_word(stream, "stream", ("output", "error"))
        values = {"job_id": id_text(job_id, "job_id")}
        request = Request(
            "GET", f"/jobs/{{job_id}}/{place}", one(S9SJob), values, {"follow": True}, accept="text/plain, */*;q=0.1"
        )

        async def ended() -> bool:
            job = await self._send(Request("GET", "/jobs/{job_id}", one(S9SJob), values), options)
            return job.is_terminal

        understand = partial(_events, self._sender, request.path)
        follower = SocketFollower(self._sender, request, options, ended, understand, "jobs.follow()")
        try:
            async with aclosing(follower.batches()) as batches:
                async for lines in batches:
                    yield lines
        except BaseException as stop:
            if leaves_jobs_running(stop):
                stop.add_note(f"job {job_id} goes on; follow it again with client.jobs.follow({job_id!r}, {place!r})")
            raise


def _events(sender: Any, path: str, text: str) -> list[ServerSentEvent]:
    """Return the event that a frame is, nothing for a frame of a kind that is not known."""
    frame = decoded(text, path)
    if (error := error_of(frame, sender, path)) is not None:
        raise error
    if frame.get("action") == "end":
        return [ServerSentEvent("end", "", None)]
    data = as_object(frame.get("data")) or {}
    if frame.get("action") != "line" or not isinstance(data.get("text"), str):
        return []
    number = data.get("line")
    return [ServerSentEvent("message", data["text"], str(number) if is_whole(number, 1) else None)]
