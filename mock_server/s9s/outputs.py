"""What jobs write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from mock_server.errors import invalid_field
from mock_server.routes import Call, Routes
from mock_server.s9s.follow import StreamName, follow_lines, stream_lines
from mock_server.s9s.follow_socket import Follower, first_line
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
    socket = socket_of(call.request)
    if view.follow and socket is not None:
        follower = Follower(call.state, job, stream, first_line(job, stream, view.after, view.lines))
        return SocketResponse(socket, follower.serve, call.fault)
    if view.after is not None:
        raise invalid_field("after", "Only for following over a WebSocket")
    if view.follow:
        lines = follow_lines(call.state, job, stream, view.lines)
        return StreamingResponse(_as_text(lines), media_type="text/plain", headers={"Cache-Control": "no-store"})
    call.saw_active_job = not job.state.is_terminal
    texts = [line.text for line in stream_lines(job, stream, view.lines)]
    if prefers_text(call.request.headers.get("accept", "")):
        return PlainTextResponse("".join(f"{text}\n" for text in texts))
    return {"job_id": job.id, "stream": stream, "lines": texts, "total_lines": len(stream_lines(job, stream))}


async def _as_text(batches: AsyncGenerator[list[LogLine], None]) -> AsyncGenerator[bytes, None]:
    async for lines in batches:
        yield "".join(f"{line.text}\n" for line in lines).encode()
