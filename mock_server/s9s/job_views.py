"""How jobs look to callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired

from typing_extensions import TypedDict

from mock_server.cluster.layout import DEFAULT_ACCOUNT
from mock_server.s9s.amounts import memory_text
from mock_server.s9s.durations import clock_text, limit_text
from mock_server.s9s.job_requests import ARRAY
from mock_server.s9s.jobs_seen import (
    JobEfficiency,
    cpus_of,
    efficiency,
    elapsed,
    gpus_of,
    memory_of,
    output_path,
    working_directory,
)
from mock_server.s9s.states import array_word, job_word
from mock_server.wire import iso, iso_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_server.cluster.job import Job
    from mock_server.s9s.people import People


class JobSummary(TypedDict):
    """A job as a list shows it."""

    job_id: str
    job_name: str
    user: str
    account: str
    partition: str
    state: str
    submit_time: str
    start_time: str | None
    end_time: str | None
    elapsed_time: str
    time_limit: str
    nodes: list[str]
    node_count: int
    cpu_count: int
    memory: str
    gpus: int
    priority: int
    qos: str
    working_directory: str
    standard_output: str
    standard_error: str
    exit_code: int | None
    reason: str | None


class DependencyView(TypedDict):
    """Another job that has to be at some point before this one may start."""

    type: str
    job_id: NotRequired[str]


class JobDetail(JobSummary):
    """A job."""

    command: str
    environment: dict[str, str]
    resources: JobEfficiency
    dependencies: list[DependencyView]
    array_job_id: str | None
    array_task_id: str | None


class JobPage(TypedDict):
    """A page of jobs."""

    jobs: list[JobSummary]
    total: int
    limit: int
    offset: int
    has_more: bool


class JobAction(TypedDict):
    """What was done to a job."""

    job_id: str
    state: str
    message: str


class JobHoldAction(JobAction):
    """A job that is held, and why."""

    reason: str | None


class JobPriorityAction(JobAction):
    """A job with its new priority."""

    priority: int


class JobStream(TypedDict):
    """Lines that a job wrote, oldest first."""

    job_id: str
    stream: str
    lines: list[str]
    total_lines: int


def summarize(job: Job, people: People, now: float) -> JobSummary:
    """Return a job as a list shows it."""
    is_held = job.held and job.started_at is None
    return {
        "job_id": job.id,
        "job_name": job.name,
        "user": people.username(job.request.user_id),
        "account": job.account or DEFAULT_ACCOUNT,
        "partition": job.partition,
        "state": job_word(job),
        "submit_time": iso(job.created_at),
        "start_time": iso_or_none(job.started_at),
        "end_time": iso_or_none(job.ended_at),
        "elapsed_time": clock_text(elapsed(job, now)),
        "time_limit": limit_text(job.time_limit),
        "nodes": list(job.node_names),
        "node_count": len(job.node_names) or job.request.nodes,
        "cpu_count": cpus_of(job),
        "memory": memory_text(memory_of(job)),
        "gpus": gpus_of(job),
        "priority": 0 if is_held else job.priority,  # as Slurm shows it
        "qos": job.qos,
        "working_directory": working_directory(job, people),
        "standard_output": output_path(job, "output", people),
        "standard_error": output_path(job, "error", people),
        "exit_code": job.exit_code,
        "reason": job.cancel_reason if job.reason is None else job.reason,
    }


def view_job(job: Job, people: People, now: float) -> JobDetail:
    """Return a job with all its details."""
    return {
        **summarize(job, people, now),
        "command": job.request.command,
        "environment": dict(job.environment),
        "resources": efficiency(job, now),
        "dependencies": [_dependency(part.kind, part.job_id) for part in job.dependencies],
        "array_job_id": job.array_job_id,
        "array_task_id": None if job.array_task_id is None else str(job.array_task_id),
    }


def view_array(tasks: Sequence[Job], people: People, now: float) -> JobDetail:
    """Return an array as one job: its first task, in the state that stands for all, with the ids of the tasks."""
    first = tasks[0]
    view = view_job(first, people, now)
    view["job_id"] = first.array_job_id or first.id
    view["state"] = array_word(tasks)
    view["array_task_id"] = first.request.extras.get(ARRAY) or ",".join(str(task.array_task_id) for task in tasks)
    return view


def _dependency(kind: str, job_id: str | None) -> DependencyView:
    return {"type": kind} if job_id is None else {"type": kind, "job_id": job_id}
