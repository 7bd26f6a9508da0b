"""How jobs look to callers of the job service, whichever family they came from."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NotRequired

from typing_extensions import TypedDict

from mock_server.cluster.job import JobState
from mock_server.jobservice.job_requests import EXTRAS, HIGHEST
from mock_server.wire import iso, iso_or_none, memory_text

if TYPE_CHECKING:
    from mock_server.cluster.job import Job

FOREIGN_TYPE = "batch"
"""The kind of a job that another family took in."""

WORKER = "jobservice.worker_id"
"""Where a job that was there from the start keeps the id of its worker."""


class Resources(TypedDict):
    """What a job asked for."""

    cpu: str
    memory: str
    gpu: int


class GangView(TypedDict):
    """Members that start together or not at all."""

    enabled: bool
    min_members: int


class RetryPolicyView(TypedDict):
    """How often a failed job is run again, and how much longer each wait is than the one before."""

    max_retries: int
    backoff_multiplier: float


class JobCreated(TypedDict):
    """A job that has just been taken in."""

    id: str
    job_type: str
    priority: int
    status: str
    created_at: str
    queue_position: int | None


class JobSummary(TypedDict):
    """A job in a list."""

    id: str
    job_type: str
    priority: int
    status: str
    created_at: str
    started_at: str | None


class JobPage(TypedDict):
    """A page of jobs, the newest first."""

    items: list[JobSummary]
    total: int
    limit: int
    offset: int


class JobView(TypedDict):
    """A job."""

    id: str
    job_type: str
    priority: int
    status: str
    image: str
    config: dict[str, Any]
    resources: Resources
    gang: GangView
    timeout_seconds: NotRequired[int]
    retry_policy: RetryPolicyView
    created_at: str
    started_at: str | None
    completed_at: str | None
    cancelled_at: NotRequired[str]
    retry_count: int
    worker_id: str | None
    logs_url: str


class JobCancelled(TypedDict):
    """A job that has been cancelled."""

    id: str
    status: str
    cancelled_at: str


def status_of(job: Job) -> str:
    """Return the service's word for a job's state."""
    return "succeeded" if job.state is JobState.COMPLETED else job.state.value


def state_of(status: str) -> JobState:
    """Return the state that has the service's word ``status``."""
    return JobState.COMPLETED if status == "succeeded" else JobState(status)


def priority_of(job: Job) -> int:
    """Return a priority of this service's scale, whose ends stand for all that is beyond them."""
    return min(HIGHEST, max(0, job.priority))


def type_of(job: Job) -> str:
    return str(job.request.extras.get("jobservice.job_type", FOREIGN_TYPE))


def view_created(job: Job, position: int | None) -> JobCreated:
    return {
        "id": job.id,
        "job_type": type_of(job),
        "priority": priority_of(job),
        "status": status_of(job),
        "created_at": iso(job.created_at),
        "queue_position": position,
    }


def view_summary(job: Job) -> JobSummary:
    return {
        "id": job.id,
        "job_type": type_of(job),
        "priority": priority_of(job),
        "status": status_of(job),
        "created_at": iso(job.created_at),
        "started_at": iso_or_none(job.started_at),
    }


def view_job(job: Job, mount: str) -> JobView:
    """Return a job as the service shows it, with its link below ``mount``."""
    sent, time_limit = _sent(job), job.request.time_limit
    view: JobView = {
        "id": job.id,
        "job_type": sent["job_type"],
        "priority": priority_of(job),
        "status": status_of(job),
        "image": job.request.image or "",
        "config": sent["config"],
        "resources": sent["resources"],
        "gang": sent["gang"],
        "retry_policy": sent["retry_policy"],
        "created_at": iso(job.created_at),
        "started_at": iso_or_none(job.started_at),
        "completed_at": iso_or_none(job.ended_at),
        "retry_count": job.retries,
        "worker_id": _worker(job),
        "logs_url": f"{mount}/api/v1/jobs/{job.id}/logs",
    }
    if time_limit is not None:
        view["timeout_seconds"] = max(1, round(time_limit))
    if job.state is JobState.CANCELLED and job.ended_at is not None:
        view["cancelled_at"] = iso(job.ended_at)
    return view


def _sent(job: Job) -> dict[str, Any]:
    """Return what the caller sent or, of another family, would have sent here for the same job."""
    request, asked = job.request, job.request.resources
    same: dict[str, Any] = {
        "job_type": FOREIGN_TYPE,
        "config": {"command": request.command},
        "resources": {"cpu": str(asked.cpus), "memory": memory_text(asked.memory), "gpu": asked.gpus},
        "gang": {"enabled": request.shares > 1, "min_members": request.shares},
        "retry_policy": {"max_retries": request.max_retries, "backoff_multiplier": request.backoff_multiplier},
    }
    return {name: request.extras.get(f"jobservice.{name}", same[name]) for name in EXTRAS}


def _worker(job: Job) -> str | None:
    """Return the id of the worker that runs the job, or ran it last; each attempt has another one."""
    attempt = job.retries + job.restarts
    if job.started_at is None:
        return None
    if attempt == 0 and WORKER in job.request.extras:
        return str(job.request.extras[WORKER])
    return f"worker-{blake2b(f'{job.id}:{attempt}'.encode(), digest_size=5).hexdigest()}"
