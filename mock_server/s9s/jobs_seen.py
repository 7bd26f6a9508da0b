"""Jobs of all families in the terms of Slurm: times, sums over the nodes, efficiency, paths of the output."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Literal

from typing_extensions import TypedDict

from mock_server.s9s.amounts import memory_text
from mock_server.s9s.durations import hours_text

if TYPE_CHECKING:
    from mock_server.cluster.job import Job
    from mock_server.s9s.people import People

_PLACE = re.compile(r"%(\d{0,2})([jAaxuN%])", re.ASCII)


class JobEfficiency(TypedDict):
    """What a job made of what it was given: shares of its CPUs, memory and GPUs, and two amounts; null if unknown."""

    cpu_efficiency: float | None
    memory_efficiency: float | None
    gpu_utilization: float | None
    max_memory_used: str | None
    max_cpu_time: str | None


def cpus_of(job: Job) -> int:
    return job.request.resources.cpus * job.request.shares


def gpus_of(job: Job) -> int:
    return job.request.resources.gpus * job.request.shares


def memory_of(job: Job) -> int:
    return job.request.resources.memory * job.request.shares


def elapsed(job: Job, now: float) -> float:
    """Return the seconds that a job has run, the last time if it had to begin again."""
    if job.started_at is None:
        return 0.0
    return max(0.0, (now if job.ended_at is None else job.ended_at) - job.started_at)


def efficiency(job: Job, now: float) -> JobEfficiency:
    """Return what a job has made of its resources so far; what it was not given is not used either."""
    used = job.consumption
    seconds = sum(end - start for start, end in job.runs(now))
    return {
        "cpu_efficiency": _ratio(used.cpu_seconds, seconds * cpus_of(job)),
        "memory_efficiency": _ratio(used.max_memory, memory_of(job)),
        "gpu_utilization": _ratio(used.gpu_seconds, seconds * gpus_of(job)),
        "max_memory_used": None if used.max_memory is None else memory_text(used.max_memory),
        "max_cpu_time": None if used.cpu_seconds is None else hours_text(used.cpu_seconds),
    }


def output_path(job: Job, stream: Literal["output", "error"], people: People) -> str:
    """Return where a job writes, with the placeholders of Slurm filled in."""
    request = job.request
    given = request.stdout_path if stream == "output" else request.stderr_path
    ending = "out" if stream == "output" else "err"
    default = f"slurm-%j.{ending}" if job.array_job_id is None else f"slurm-%A_%a.{ending}"
    directory = working_directory(job, people)
    return posixpath.join(directory, expand_path(given or default, job, people))


def expand_path(template: str, job: Job, people: People) -> str:
    """Fill in ``%j`` (job), ``%A`` (array), ``%a`` (task), ``%x`` (name), ``%u`` (user) and ``%N`` (first node)."""
    values = {
        "j": job.id,
        "A": job.array_job_id or job.id,
        "a": "4294967294" if job.array_task_id is None else str(job.array_task_id),  # as Slurm has it
        "x": job.name,
        "u": people.username(job.request.user_id),
        "N": job.node_names[0] if job.node_names else "",
        "%": "%",
    }

    def fill(match: re.Match[str]) -> str:
        width = int(match[1] or 0) if match[2] in "jAa" else 0
        return values[match[2]].zfill(min(width, 10))

    return _PLACE.sub(fill, template)


def working_directory(job: Job, people: People) -> str:
    return job.working_directory or people.home(job.request.user_id)


def _ratio(part: float | None, whole: float) -> float | None:
    if not whole:
        return 0.0
    return None if part is None else round(min(1.0, part / whole), 4)
