"""Logs of the job service: text, or a stream of events that ends with the job."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from mock_server.jobservice.health import require
from mock_server.jobservice.job_requests import LogView
from mock_server.jobservice.job_views import status_of
from mock_server.jobservice.jobs import find_job
from mock_server.platform.follow import LAST_EVENT_ID, follow_log, last_event_id
from mock_server.platform.job_views import view_line
from mock_server.routes import Call, Routes

routes = Routes("jobs", prefix="/api/v1/jobs")


@routes.get(
    "/{job_id}/logs",
    status=200,
    media=("text/plain", "text/event-stream"),
    headers=(LAST_EVENT_ID,),
    refusals=(503,),
)
async def logs(call: Call[LogView, None]) -> Response:
    """Get job logs."""
    require(call, "database")
    job, view = find_job(call), call.query
    call.saw_active_job = not job.state.is_terminal
    lines = job.log.lines
    first = max(0, len(lines) - view.tail)
    if not view.follow:
        text = "".join(f"{view_line(line, timestamps=view.timestamps)}\n" for line in lines[first:])
        return PlainTextResponse(text)
    resumed = last_event_id(call.request)
    stream = follow_log(call.state, job, view, first if resumed is None else resumed, status_of)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
