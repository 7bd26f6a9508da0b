"""Following one stream of a job over a WebSocket: a message a line, then one that says how the job ended."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pydantic_core

from mock_server.s9s.follow import PATIENCE, STREAMS, StreamName
from mock_server.s9s.states import job_word
from mock_server.sockets import RESTART, GoneError, first
from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.job import Job
    from mock_server.sockets import Socket
    from mock_server.state import ServerState

BATCH = 500
"""How many messages are made at a time."""


class Follower:
    """Sends the lines of a stream behind line ``after``, which count from 1, as they are written."""

    def __init__(self, state: ServerState, job: Job, stream: StreamName, after: int) -> None:
        self._state = state
        self._job = job
        self._stream: StreamName = stream
        self._after = after
        self._position = 0
        self._number = 0

    async def serve(self, socket: Socket, request_id: str) -> None:  # noqa: ARG002 - nothing is refused here
        """Serve one reader until one of the two goes, or the job has ended."""
        # What the reader says means nothing, but that it goes does.
        await first(socket.gone(), self._send(socket), self._state.time.wait("", math.inf))
        if socket.is_silent:
            await socket.gone()
        elif self._state.closed:
            await socket.expel(RESTART, "The server begins anew")

    async def _send(self, socket: Socket) -> None:
        time, job = self._state.time, self._job
        with time.watching(), suppress(GoneError):
            while True:
                time.catch_up()
                for batch in self._batches():
                    await socket.send(batch)
                if self._position < len(job.log.lines):
                    continue
                if job.state.is_terminal or job.id not in self._state.cluster.jobs:
                    await socket.send([self._end()])
                    await socket.close()
                    return
                if time.automatic:
                    await socket.caught_up()
                    if self._position == len(job.log.lines) and not time.jump():
                        await time.wait(job.id, PATIENCE)
                else:
                    await time.wait(job.id, PATIENCE)

    def _batches(self) -> Iterator[list[bytes]]:
        """Yield the messages for the lines that are there and were not looked at yet."""
        batch = list[bytes]()
        for line in self._job.log.after(self._position):
            self._position = line.number
            if line.stream != STREAMS[self._stream]:
                continue
            self._number += 1
            if self._number > self._after:
                batch.append(self._message("line", line.at, {"line": self._number, "text": line.text}))
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _end(self) -> bytes:
        job = self._job
        at = self._state.time.now() if job.ended_at is None else job.ended_at
        return self._message("end", at, {"lines": self._number, "state": job_word(job), "exit_code": job.exit_code})

    def _message(self, action: str, at: float, data: dict[str, Any]) -> bytes:
        message = {"channel": self._stream, "action": action, "resource_id": self._job.id, "timestamp": iso(at)}
        return pydantic_core.to_json({**message, "data": data})
