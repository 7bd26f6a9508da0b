"""Jobs of the job service."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from mock_server.cluster.backend import RequestError
from mock_server.errors import ApiError, Fault, invalid
from mock_server.jobservice.health import require
from mock_server.jobservice.job_requests import FIELDS, HIGHEST, JobCreate, JobListing
from mock_server.jobservice.job_views import (
    JobCancelled,
    JobCreated,
    JobPage,
    JobView,
    state_of,
    status_of,
    type_of,
    view_created,
    view_job,
    view_summary,
)
from mock_server.jobservice.placement import choose_cluster
from mock_server.routes import Call, Routes
from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Reversible

    from mock_server.cluster.job import Job

routes = Routes("jobs", prefix="/api/v1/jobs")


@routes.post("/", status=201, conflicts=True, refusals=(503,))
async def create(call: Call[None, JobCreate]) -> JobCreated:
    """Create job."""
    require(call, "database", "redis", "kubernetes")
    cluster = call.state.cluster
    request = call.body.to_request(user_id=call.credential.user_id, key=call.idempotency_key)
    try:
        job = await cluster.submit(choose_cluster(cluster.clusters.values(), request))
    except RequestError as error:
        fault = Fault(FIELDS.get(error.field, error.field), "invalid_value", str(error))
        raise invalid([fault], JobCreate.complaint) from None
    return view_created(job, cluster.queue_position(job.id))


@routes.get("/", refusals=(503,))
async def list_(call: Call[JobListing, None]) -> JobPage:
    """List jobs."""
    require(call, "database")
    query, jobs = call.query, call.state.cluster.jobs.values()
    found = jobs if query.wants_all else _filtered(query, jobs)
    newest_first = reversed(cast("Reversible[Job]", found))
    page = list(islice(newest_first, query.offset, query.offset + query.size))
    call.saw_active_job = any(not job.state.is_terminal for job in page)
    return {
        "items": [view_summary(job) for job in page],
        "total": len(found),
        "limit": query.size,
        "offset": query.offset,
    }


@routes.get("/{job_id}", refusals=(503,))
async def get(call: Call[None, None]) -> JobView:
    """Get job."""
    require(call, "database")
    await call.state.cluster.recall(call.path["job_id"])
    job = find_job(call)
    call.saw_active_job = not job.state.is_terminal
    return view_job(job, call.mount)


@routes.delete("/{job_id}", conflicts=True, refusals=(503,))
async def cancel(call: Call[None, None]) -> JobCancelled:
    """Cancel job."""
    require(call, "database", "kubernetes")
    job = find_job(call)
    if job.state.is_terminal:
        raise ApiError(409, f"Job {job.id} is already {status_of(job)}")
    job = await call.state.cluster.cancel(job.id, force=True)
    return {"id": job.id, "status": status_of(job), "cancelled_at": iso(job.ended_at or job.updated_at)}


def find_job(call: Call[Any, Any]) -> Job:
    return call.state.cluster.job(call.path["job_id"])


def _filtered(query: JobListing, jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs that pass; the filters come one by one because there may be very many jobs."""
    if query.status is not None:
        state = state_of(query.status)
        jobs = [job for job in jobs if job.state is state]
    if query.priority_min > HIGHEST:
        return []
    if query.priority_min:
        jobs = [job for job in jobs if job.priority >= query.priority_min]
    return [job for job in jobs if query.job_type is None or type_of(job) == query.job_type]
