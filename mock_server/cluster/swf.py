"""Traces in the Standard Workload Format, version 2.2, as the Parallel Workloads Archive keeps them.

A trace has comment lines that begin with ``;``, then a line of 18 numbers for each job; -1 says that one is not known.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import IO, TYPE_CHECKING

from mock_server.cluster.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mock_server.cluster.job import Job

FIELDS = 18
LINE_CHARACTERS = 4096
FAILED, COMPLETED, CANCELLED = 0, 1, 5

_STATUS = {JobState.FAILED: FAILED, JobState.COMPLETED: COMPLETED, JobState.CANCELLED: CANCELLED}


@dataclass(frozen=True, slots=True)
class TracedJob:
    """One line of a trace: times in seconds, ``submit`` from the start of the log; memory in kilobytes a processor.

    ``status`` is 1 for completed, 0 for failed, 5 for cancelled.  A job may follow a ``preceding_job`` that its user
    thought about for ``think_time``.
    """

    number: int
    submit: float | None = None
    wait: float | None = None
    run: float | None = None
    processors: int | None = None
    cpu_time: float | None = None
    memory: float | None = None
    requested_processors: int | None = None
    requested_time: float | None = None
    requested_memory: float | None = None
    status: int | None = None
    user: int | None = None
    group: int | None = None
    executable: int | None = None
    queue: int | None = None
    partition: int | None = None
    preceding_job: int | None = None
    think_time: float | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """Jobs in the order of the file, and the comments above them without their ``;``."""

    jobs: tuple[TracedJob, ...]
    comments: tuple[str, ...] = ()


_WHOLE = frozenset({0, 4, 7, 10, 11, 12, 13, 14, 15, 16})
"""The fields that count or number something."""


def read_swf(path: str | Path, *, limit: int | None = None) -> Trace:
    """Read a trace, its first ``limit`` jobs if that is given.

    Raises ``ValueError`` with the number of the line for one that is not in the format.
    """
    jobs: list[TracedJob] = []
    comments: list[str] = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(_lines(file), 1):
            if line.startswith(";"):
                comments.append(line[1:].strip())
            elif line and (limit is None or len(jobs) < limit):
                jobs.append(_parse(line, number))
            elif line:
                break
    return Trace(tuple(jobs), tuple(comments))


def write_swf(path: str | Path, trace: Trace) -> None:
    """Write a trace, replacing what was there."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"; {comment}".rstrip() + "\n" for comment in trace.comments)
        file.writelines(" ".join(map(_text, astuple(job))) + "\n" for job in trace.jobs)


def trace_of(jobs: Iterable[Job]) -> Trace:
    """Return what became of some jobs of a cluster as a trace, the oldest at second 0; users are numbered from 1.

    A wait ends with the last start, and a job that has not ended has neither run time nor status.
    """
    ordered = sorted(jobs, key=lambda job: (job.created_at, job.number))
    origin = ordered[0].created_at if ordered else 0.0
    users: dict[str, int] = {}
    traced = [_traced(job, origin, users.setdefault(job.request.user_id, len(users) + 1)) for job in ordered]
    return Trace(tuple(traced), ("Version: 2.2", f"MaxJobs: {len(traced)}", f"UnixStartTime: {int(origin)}"))


def _traced(job: Job, origin: float, user: int) -> TracedJob:
    asked, shares = job.request.resources, job.request.shares
    processors = asked.cpus * shares
    run = job.ended_at - job.started_at if job.started_at is not None and job.ended_at is not None else None
    return TracedJob(
        number=job.number,
        submit=job.created_at - origin,
        wait=None if job.started_at is None else job.started_at - job.created_at,
        run=run,
        processors=None if job.started_at is None else processors,
        requested_processors=processors,
        requested_time=job.time_limit,
        requested_memory=asked.memory / 1000 / asked.cpus if asked.memory and asked.cpus else None,
        status=_STATUS.get(job.state),
        user=user,
    )


def _lines(file: IO[str]) -> Iterator[str]:
    while line := file.readline(LINE_CHARACTERS):
        yield line.strip()


def _parse(line: str, number: int) -> TracedJob:
    words = line.split()
    if len(words) != FIELDS:
        raise ValueError(f"line {number} of the trace has {len(words)} fields instead of {FIELDS}")
    try:
        values = [_value(word, whole=index in _WHOLE) for index, word in enumerate(words)]
    except ValueError as error:
        raise ValueError(f"line {number} of the trace has a field that is no number") from error
    if values[0] is None:
        raise ValueError(f"line {number} of the trace has no job number")
    return TracedJob(*values)  # type: ignore[arg-type]


def _value(word: str, *, whole: bool) -> float | None:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError("not finite")
    if value == -1:
        return None
    return int(value) if whole else value


def _text(value: float | None) -> str:
    if value is None:
        return "-1"
    return str(int(value)) if value == int(value) else repr(round(value, 6))
