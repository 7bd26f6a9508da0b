"""How jobs look to callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired

from typing_extensions import TypedDict

from mock_server.platform.job_requests import KEY, RESOURCES, SPEC
from mock_server.platform.metrics import JobMetrics, job_metrics
from mock_server.platform.outputs import job_files
from mock_server.platform.storage_views import StorageFile, view_file
from mock_server.wire import iso, iso_or_none, memory_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.job import Job
    from mock_server.cluster.log import LogLine
    from mock_server.state import ServerState


class Resources(TypedDict):
    """What a job asked for."""

    cpus: int
    memory: str
    gpus: int


class JobView(TypedDict):
    """A job."""

    id: str
    name: str
    status: str
    cluster_id: str
    user_id: str
    command: str
    resources: Resources
    created_at: str
    started_at: str | None
    completed_at: str | None
    updated_at: str
    environment: dict[str, str]
    working_directory: NotRequired[str]
    output_path: NotRequired[str]
    spec: NotRequired[dict[str, Any]]
    priority: int
    cancel_reason: NotRequired[str | None]
    idempotency_key: NotRequired[str]
    exit_code: int | None
    reason: str | None
    logs: NotRequired[list[str]]
    outputs: NotRequired[list[StorageFile]]
    metrics: NotRequired[JobMetrics]


class JobPage(TypedDict):
    """A page of jobs."""

    jobs: list[JobView]
    total: int
    page: int
    per_page: int


class JobOutput(TypedDict):
    """What a job left behind."""

    job_id: str
    output_path: str | None
    files: list[StorageFile]
    stdout: str


class JobLogs(TypedDict):
    """Lines of a job's log, oldest first."""

    job_id: str
    lines: list[str]
    total_lines: int


def view_job(job: Job) -> JobView:
    """Return a job as the platform shows it."""
    request = job.request
    view: JobView = {
        "id": job.id,
        "name": job.name,
        "status": job.state.value,
        "cluster_id": job.cluster_id,
        "user_id": request.user_id,
        "command": request.command,
        "resources": _resources(job),
        "created_at": iso(job.created_at),
        "started_at": iso_or_none(job.started_at),
        "completed_at": iso_or_none(job.ended_at),
        "updated_at": iso(job.updated_at),
        "environment": dict(job.environment),
        "priority": job.priority,
        "exit_code": job.exit_code,
        "reason": job.reason,
    }
    if job.working_directory is not None:
        view["working_directory"] = job.working_directory
    if job.output_path is not None:
        view["output_path"] = job.output_path
    if SPEC in request.extras:
        view["spec"] = request.extras[SPEC]
    if job.cancel_reason is not None:
        view["cancel_reason"] = job.cancel_reason
    if KEY in request.extras:
        view["idempotency_key"] = request.extras[KEY]
    return view


async def embed(view: JobView, job: Job, names: Iterable[str], state: ServerState) -> JobView:
    """Add the related data that ``include`` asks for."""
    for name in names:
        if name == "logs":
            view["logs"] = [line.text for line in job.log.lines]
        elif name == "outputs":
            view["outputs"] = await view_files(state.cluster, job)
        else:
            view["metrics"] = job_metrics(job, state.time.now())
    return view


async def view_files(cluster: ClusterBackend, job: Job) -> list[StorageFile]:
    """Return the files that a job wrote, by path."""
    return [view_file(file) for file in await job_files(cluster, job)]


def view_line(line: LogLine, *, timestamps: bool) -> str:
    return f"{iso(line.at)} {line.text}" if timestamps else line.text


def _resources(job: Job) -> Resources:
    sent = job.request.extras.get(RESOURCES)
    if sent is not None:
        return {"cpus": sent["cpus"], "memory": sent["memory"], "gpus": sent["gpus"]}
    asked = job.request.resources
    return {"cpus": asked.cpus, "memory": memory_text(asked.memory), "gpus": asked.gpus}
