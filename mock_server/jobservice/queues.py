"""Queues of the job service: how many jobs wait and run, which are next, and how it went in the last hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from mock_server.cluster.backend import NotFoundError
from mock_server.cluster.job import JobState
from mock_server.jobservice.clusters import active_jobs, max_jobs
from mock_server.jobservice.health import require
from mock_server.jobservice.job_views import priority_of
from mock_server.routes import Call, Routes
from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import Job
    from mock_server.cluster.statistics import Durations, Statistics

EXTERNAL = "external"
"""The queue that stands for the jobs of all other families, which know none."""

HOUR = 3600.0
MAX_JOBS = 1000

routes = Routes("queues", prefix="/api/v1/queues")


class QueueStatus(TypedDict):
    """A queue."""

    name: str
    depth: int
    processing: int
    max_concurrency: int
    oldest_job_age_seconds: int | None


class QueueList(TypedDict):
    """All queues; together they have all active jobs."""

    queues: list[QueueStatus]
    total_pending: int
    total_processing: int


class QueuedJob(TypedDict):
    """A job that waits."""

    id: str
    priority: int
    queued_at: str


class QueueStats(TypedDict):
    """What became of the jobs that ended in the last hour."""

    jobs_processed_1h: int
    avg_wait_time_seconds: float
    avg_processing_time_seconds: float


class QueueDetail(TypedDict):
    """A queue with its next jobs, 1000 at most."""

    name: str
    depth: int
    processing: int
    max_concurrency: int
    oldest_job_age_seconds: int | None
    jobs: list[QueuedJob]
    stats: QueueStats


@routes.get("/", refusals=(503,))
async def list_(call: Call[None, None]) -> QueueList:
    """Get queue status."""
    require(call, "redis")
    active = _active(call)
    queues = [_status(call, name, jobs) for name, jobs in active.items()]
    call.saw_active_job = any(active.values())
    return {
        "queues": queues,
        "total_pending": sum(queue["depth"] for queue in queues),
        "total_processing": sum(queue["processing"] for queue in queues),
    }


@routes.get("/{queue_name}", refusals=(503,))
async def get(call: Call[None, None]) -> QueueDetail:
    """Get queue details."""
    require(call, "redis")
    name, active = call.path["queue_name"], _active(call)
    if name not in active:
        raise NotFoundError("queue", name)
    waiting = _waiting(call, active[name])
    call.saw_active_job = bool(active[name])
    return {
        **_status(call, name, active[name]),
        "jobs": [_queued(job) for job in waiting[:MAX_JOBS]],
        "stats": _stats(call, name),
    }


def _active(call: Call[Any, Any]) -> dict[str, list[Job]]:
    """Return the jobs that wait or run, by queue."""
    active: dict[str, list[Job]] = {name: [] for name in (*call.state.cluster.queues, EXTERNAL)}
    for job in active_jobs(call.state.cluster):
        active[job.queue or EXTERNAL].append(job)
    return active


def _status(call: Call[Any, Any], name: str, jobs: list[Job]) -> QueueStatus:
    cluster = call.state.cluster
    queue = cluster.queues.get(name)
    since = [_queued_at(job) for job in jobs if job.state is not JobState.RUNNING]
    return {
        "name": name,
        "depth": len(since),
        "processing": len(jobs) - len(since),
        "max_concurrency": max_jobs(cluster.clusters.values()) if queue is None else queue.max_concurrency,
        "oldest_job_age_seconds": int(call.state.time.now() - min(since)) if since else None,
    }


def _waiting(call: Call[Any, Any], jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs that wait, the next one first."""
    priority = call.state.cluster.priority_of
    waiting = [job for job in jobs if job.state is not JobState.RUNNING]
    return sorted(waiting, key=lambda job: (-priority(job.id), job.number))


def _queued_at(job: Job) -> float:
    return job.created_at if job.queued_at is None else job.queued_at


def _queued(job: Job) -> QueuedJob:
    return {"id": job.id, "priority": priority_of(job), "queued_at": iso(_queued_at(job))}


def _stats(call: Call[Any, Any], name: str) -> QueueStats:
    cluster, now = call.state.cluster, call.state.time.now()
    if name != EXTERNAL:
        return _of_last_hour([cluster.statistics(now - HOUR, now, queue=name)], [])
    others = [cluster.statistics(now - HOUR, now, queue=other) for other in cluster.queues]
    return _of_last_hour([cluster.statistics(now - HOUR, now)], others)


def _of_last_hour(added: list[Statistics], taken: list[Statistics]) -> QueueStats:
    """Return what remains of the jobs that are ``added`` without those that are ``taken``."""
    signed = [(1, part) for part in added] + [(-1, part) for part in taken]
    return {
        "jobs_processed_1h": sum(sign * (part.completed + part.failed) for sign, part in signed),
        "avg_wait_time_seconds": _mean([(sign, part.wait) for sign, part in signed]),
        "avg_processing_time_seconds": _mean([(sign, part.run) for sign, part in signed]),
    }


def _mean(signed: list[tuple[int, Durations]]) -> float:
    count = sum(sign * part.count for sign, part in signed)
    total = sum(sign * part.count * part.mean for sign, part in signed)
    return round(max(0.0, total / count), 3) if count else 0.0
