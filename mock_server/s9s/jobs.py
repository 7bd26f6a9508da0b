"""Jobs of the S9S family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import NotFoundError, RequestError
from mock_server.errors import invalid_field
from mock_server.routes import Call, Routes
from mock_server.s9s import job_actions
from mock_server.s9s.job_lists import JobListing
from mock_server.s9s.job_requests import Cancellation, Hold, JobSubmit, PriorityChange
from mock_server.s9s.job_views import (
    JobAction,
    JobDetail,
    JobHoldAction,
    JobPage,
    JobPriorityAction,
    summarize,
    view_array,
    view_job,
)
from mock_server.s9s.partition_views import default_partition
from mock_server.s9s.people import People
from mock_server.s9s.states import array_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_server.cluster.job import Job

OWN_WORDS = {
    "cpus": "cpus_per_node",
    "command": "script",
    "name": "job_name",
    "cluster_id": "partition",
    "array_limit": "array",
}
"""What the cluster refuses, in the words of this family."""

routes = Routes("jobs", prefix="/v1")


@routes.get("/jobs")
async def list_(call: Call[JobListing, None]) -> JobPage:
    """List jobs."""
    wanted, state = call.query, call.state
    people, now = People(state.users), state.time.now()
    page, total = wanted.page(state.cluster.jobs.values(), people, now)
    call.saw_active_job = any(not job.state.is_terminal for job in page)
    return {
        "jobs": [summarize(job, people, now) for job in page],
        "total": total,
        "limit": wanted.size,
        "offset": wanted.offset,
        "has_more": wanted.offset + len(page) < total,
    }


@routes.post("/jobs", status=201, conflicts=True)
async def submit(call: Call[None, JobSubmit]) -> JobAction:
    """Submit job."""
    body, cluster, user_id = call.body, call.state.cluster, call.credential.user_id
    for number, dependency in enumerate(body.dependencies or ()):
        _check_dependency(call, f"dependencies.{number}.job_id", dependency.job_id)
    request = body.to_request(
        user_id=user_id,
        partition=body.partition or default_partition(cluster),
        key=call.idempotency_key,
    )
    try:
        job = await cluster.submit(request)
    except RequestError as error:
        raise RequestError(OWN_WORDS.get(error.field, error.field), str(error)) from None
    return _acted((job,), job.array_job_id or job.id, "Job submitted successfully")


@routes.get("/jobs/{job_id}")
async def get(call: Call[None, None]) -> JobDetail:
    """Get job details."""
    await call.state.cluster.recall(call.path["job_id"])
    jobs, people, now = _jobs(call), People(call.state.users), call.state.time.now()
    call.saw_active_job = any(not job.state.is_terminal for job in jobs)
    if jobs[0].id == call.path["job_id"]:
        return view_job(jobs[0], people, now)
    return view_array(jobs, people, now)


@routes.delete("/jobs/{job_id}", conflicts=True)
async def cancel(call: Call[Cancellation, None]) -> JobAction:
    """Cancel job."""
    jobs, how = _jobs(call), call.query
    await job_actions.cancel(call.state.cluster, jobs, signal=how.signal, force=how.force)
    # Even while a job that caught the signal is still on its way out.
    return {"job_id": call.path["job_id"], "state": "CANCELLED", "message": "Job cancelled successfully"}


@routes.put("/jobs/{job_id}/hold", conflicts=True, optional_body=True)
async def hold(call: Call[None, Hold]) -> JobHoldAction:
    """Hold job."""
    jobs = _jobs(call)
    await job_actions.hold(call.state.cluster, jobs, call.body.reason)
    return {**_done(call, jobs, "Job held successfully"), "reason": call.body.reason}


@routes.put("/jobs/{job_id}/release", conflicts=True)
async def release(call: Call[None, None]) -> JobAction:
    """Release job."""
    jobs = _jobs(call)
    await job_actions.release(call.state.cluster, jobs)
    return _done(call, jobs, "Job released successfully")


@routes.put("/jobs/{job_id}/priority", conflicts=True)
async def priority(call: Call[None, PriorityChange]) -> JobPriorityAction:
    """Update job priority."""
    jobs = _jobs(call)
    await job_actions.set_priority(call.state.cluster, jobs, call.body.priority)
    return {**_done(call, jobs, "Job priority updated successfully"), "priority": call.body.priority}


def _jobs(call: Call[Any, Any]) -> Sequence[Job]:
    return job_actions.find(call.state.cluster, call.path["job_id"])


def _done(call: Call[Any, Any], jobs: Sequence[Job], message: str) -> JobAction:
    return _acted(jobs, call.path["job_id"], message)


def _acted(jobs: Sequence[Job], job_id: str, message: str) -> JobAction:
    return {"job_id": job_id, "state": array_word(jobs), "message": message}


def _check_dependency(call: Call[Any, Any], field: str, job_id: str | None) -> None:
    if job_id is None:
        return
    try:
        job_actions.find(call.state.cluster, job_id)
    except NotFoundError:
        raise invalid_field(field, f"There is no job {job_id[:100]!r}") from None
