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


def stream_lines(job: Job, stream: StreamName) -> list[LogLine]:
    """Return what a job has written to a stream so far."""
    return [line for line in job.log.lines if line.stream == STREAMS[stream]]


def first_line(job: Job, stream: StreamName, after: int | None, last: int | None) -> int:
    """Return the number of the line behind which a reader begins who has ``after`` or wants the ``last`` ones."""
    total = 0 if last is None else len(stream_lines(job, stream))
    return max(after or 0, 0 if last is None else total - last)


async def follow_lines(
    state: ServerState, job: Job, stream: StreamName, after: int
) -> AsyncGenerator[list[LogLine], None]:
    """Yield the lines behind line ``after`` of a stream as they are written, until the job has ended."""
    position = number = 0
    with state.time.watching():
        while not state.closed:
            state.time.catch_up()
            lines = job.log.after(position)
            if lines:
                position = lines[-1].number
                chosen = [line for line in lines if line.stream == STREAMS[stream]]
                fresh = chosen[max(0, after - number) :]
                number += len(chosen)
                if fresh:
                    yield fresh
            elif job.state.is_terminal or job.id not in state.cluster.jobs:
                return
            elif state.time.automatic and state.time.jump():
                await asyncio.sleep(0)
            else:
                await state.time.wait(job.id, PATIENCE)
