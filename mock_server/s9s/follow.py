"""Following one stream of a job's log until the job has ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mock_server.cluster.job import Job
    from mock_server.cluster.log import LogLine
    from mock_server.state import ServerState

PATIENCE = 15.0
"""Real seconds after which a follower looks whether the server is still there."""

StreamName = Literal["output", "error"]
STREAMS: dict[StreamName, Literal["stdout", "stderr"]] = {"output": "stdout", "error": "stderr"}


def stream_lines(job: Job, stream: StreamName, last: int | None = None) -> list[LogLine]:
    """Return what a job has written to a stream so far, only the ``last`` lines if that is given."""
    lines = [line for line in job.log.lines if line.stream == STREAMS[stream]]
    return lines if last is None else lines[max(0, len(lines) - last) :]


async def follow_lines(
    state: ServerState, job: Job, stream: StreamName, last: int | None = None
) -> AsyncGenerator[list[LogLine], None]:
    """Yield lines as they are written, beginning with all or the ``last`` that are there, until the job has ended."""
    begin = stream_lines(job, stream, last)
    sent = 0 if last is None else begin[0].number - 1 if begin else len(job.log.lines)
    with state.time.watching():
        while not state.closed:
            state.time.catch_up()
            lines = job.log.after(sent)
            if lines:
                sent = lines[-1].number
                if chosen := [line for line in lines if line.stream == STREAMS[stream]]:
                    yield chosen
            elif job.state.is_terminal or job.id not in state.cluster.jobs:
                return
            elif state.time.automatic and state.time.jump():
                await asyncio.sleep(0)
            else:
                await state.time.wait(job.id, PATIENCE)
