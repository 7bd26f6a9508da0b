"""Jobs of the platform family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from mock_server.cluster.backend import NotFoundError
from mock_server.errors import invalid_field
from mock_server.platform.follow import LAST_EVENT_ID, follow_log, last_event_id
from mock_server.platform.job_requests import JobCreate, JobDetail, JobListing, JobUpdate, LogView, wanted
from mock_server.platform.job_views import JobLogs, JobOutput, JobPage, JobView, embed, view_files, view_job, view_line
from mock_server.routes import Call, Routes
from mock_server.wire import prefers_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.job import Job
    from mock_server.cluster.log import LogLine

routes = Routes("jobs", prefix="/v1")


@routes.get("/jobs")
async def list_(call: Call[JobListing, None]) -> JobPage:
    """List jobs."""
    return page_of(call, lambda _: True)


def page_of(call: Call[JobListing, None], belongs: Callable[[Job], bool]) -> JobPage:
    """Return the page that the query asks for of the jobs that ``belongs`` lets in."""
    filters, cluster = call.query, call.state.cluster
    if filters.idempotency_key is not None and not call.state.honours_keys:
        raise invalid_field("idempotency_key", "Unknown query parameter", "unknown_field")
    text = filters.cluster_id or filters.cluster
    try:
        cluster_id = None if text is None else cluster.cluster(text).id
    except NotFoundError:
        cluster_id = text
    found = filters.select(filter(belongs, cluster.jobs.values()), wanted(filters, cluster_id))
    page = filters.cut(found)
    call.saw_active_job = any(not job.state.is_terminal for job in page)
    return {
        "jobs": [view_job(job) for job in page],
        "total": len(found),
        "page": filters.number,
        "per_page": filters.size,
    }


@routes.post("/jobs", status=201, conflicts=True)
async def create(call: Call[None, JobCreate]) -> JobView:
    """Create job."""
    request = call.body.to_request(user_id=call.credential.user_id, idempotency_key=call.idempotency_key)
    return view_job(await call.state.cluster.submit(request))


@routes.get("/jobs/{job_id}")
async def get(call: Call[JobDetail, None]) -> JobView:
    """Get job."""
    await call.state.cluster.recall(call.path["job_id"])
    job = _job(call)
    call.saw_active_job = not job.state.is_terminal
    return await embed(view_job(job), job, call.query.include, call.state)


@routes.patch("/jobs/{job_id}", conflicts=True)
async def update(call: Call[None, JobUpdate]) -> JobView:
    """Update job."""
    cluster, changes = call.state.cluster, call.body
    job = _job(call)
    if changes.status is not None and job.state.is_terminal:
        # First, so that a refused cancellation changes nothing else.
        job = await cluster.cancel(job.id, changes.reason)
    fields = changes.model_dump(exclude_unset=True, exclude={"status", "reason"})
    if fields:
        job = await cluster.update(job.id, **fields)
    if changes.status is not None and not job.state.is_terminal:
        job = await cluster.cancel(job.id, changes.reason)
    return view_job(job)


@routes.delete("/jobs/{job_id}")
async def delete(call: Call[None, None]) -> None:
    """Delete job."""
    await call.state.cluster.delete(_job(call).id)


@routes.get("/jobs/{job_id}/output")
async def output(call: Call[None, None]) -> JobOutput:
    """Get job output."""
    job = _job(call)
    text = "".join(f"{line.text}\n" for line in job.log.lines if line.stream == "stdout")
    files = await view_files(call.state.cluster, job)
    return {"job_id": job.id, "output_path": job.output_path, "files": files, "stdout": text}


@routes.get("/jobs/{job_id}/logs", media=("text/plain", "text/event-stream"), headers=(LAST_EVENT_ID,))
async def logs(call: Call[LogView, None]) -> JobLogs | Response:
    """Get job logs."""
    job, view = _job(call), call.query
    if view.follow:
        start = last_event_id(call.request)
        stream = follow_log(call.state, job, view, _first(job, view, start))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
    selected = _selected(job, view)
    lines = [view_line(line, timestamps=view.timestamps) for line in _tail(selected, view)]
    if prefers_text(call.request.headers.get("accept", "")):
        return PlainTextResponse("".join(f"{line}\n" for line in lines))
    return {"job_id": job.id, "lines": lines, "total_lines": len(selected)}


def _job(call: Call[Any, Any]) -> Job:
    return call.state.cluster.job(call.path["job_id"])


def _selected(job: Job, view: LogView) -> list[LogLine]:
    return [line for line in job.log.lines if view.since is None or line.at > view.since]


def _tail(lines: list[LogLine], view: LogView) -> list[LogLine]:
    return lines if view.tail is None else lines[max(0, len(lines) - view.tail) :]


def _first(job: Job, view: LogView, resumed: int | None) -> int:
    """Return the number of the last line that a follower does not get."""
    if resumed is not None:
        return resumed
    lines = _tail(_selected(job, view), view)
    return lines[0].number - 1 if lines else len(job.log.lines)
