"""What jobs write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from mock_server.routes import Call, Routes
from mock_server.s9s.follow import StreamName, first_line, follow_lines, stream_lines
from mock_server.s9s.follow_socket import Follower
from mock_server.s9s.job_requests import Reading
from mock_server.s9s.job_views import JobStream
from mock_server.sockets import SocketResponse, socket_of
from mock_server.wire import prefers_text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mock_server.cluster.log import LogLine

routes = Routes("jobs", prefix="/v1")


@routes.get("/jobs/{job_id}/output", media=("text/plain",), socket=True)
async def output(call: Call[Reading, None]) -> JobStream | Response:
    """Get job output."""
    return _read(call, "output")


@routes.get("/jobs/{job_id}/error", media=("text/plain",), socket=True)
async def error(call: Call[Reading, None]) -> JobStream | Response:
    """Get job error output."""
    return _read(call, "error")


def _read(call: Call[Reading, None], stream: StreamName) -> JobStream | Response:
    job, view = call.state.cluster.job(call.path["job_id"]), call.query
    first = first_line(job, stream, view.after, view.lines)
    socket = socket_of(call.request)
    if view.follow and socket is not None:
        return SocketResponse(call, socket, Follower(call.state, job, stream, first).serve)
    if view.follow:
        lines = follow_lines(call.state, job, stream, first)
        return StreamingResponse(_as_text(lines), media_type="text/plain", headers={"Cache-Control": "no-store"})
    call.saw_active_job = not job.state.is_terminal
    written = stream_lines(job, stream)
    texts = [line.text for line in written[first:]]
    if prefers_text(call.request.headers.get("accept", "")):
        return PlainTextResponse("".join(f"{text}\n" for text in texts))
    return {"job_id": job.id, "stream": stream, "lines": texts, "total_lines": len(written)}


async def _as_text(batches: AsyncGenerator[list[LogLine], None]) -> AsyncGenerator[bytes, None]:
    async for lines in batches:
        yield "".join(f"{line.text}\n" for line in lines).encode()
