"""Time limits to the second, where Slurm knows minutes and looks every half of one.

A start is known in whole seconds, so a job gets up to one second more and never less than it asked for.  What was submitted
past the server, which has no command here, is left to Slurm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mock_server.cluster.job import JobState

if TYPE_CHECKING:
    from mock_server.cluster.job import Job
    from mock_server.cluster.slurm.records import JobRecord

_PRECISION = 1.0


def minutes(limit: float) -> int:
    """Return the limit that Slurm is given."""
    return max(1, math.ceil(limit / 60))


def limit_of(job: Job, record: JobRecord) -> float | None:
    """Return the seconds that a job has: those of its request, unless somebody gave it others in Slurm."""
    asked = job.request.time_limit
    if asked is not None and record.time_limit in {None, minutes(asked) * 60.0}:
        return asked
    return record.time_limit if record.time_limit is not None else job.time_limit


def is_over(job: Job, now: float) -> bool:
    """Tell whether the server has to end a job."""
    limit = _kept(job)
    if limit is None or job.state is not JobState.RUNNING or job.started_at is None:
        return False
    return now >= job.started_at + limit + _PRECISION


def was_late(job: Job, record: JobRecord) -> bool:
    """Tell whether a job that was cancelled, but not by a caller, had outlived its limit."""
    limit = _kept(job)
    if limit is None or record.state != "CANCELLED" or job.started_at is None:
        return False
    return record.ended - record.started >= limit


def _kept(job: Job) -> float | None:
    """Return the limit that the server sees to."""
    limit = job.request.time_limit
    if limit is None or limit != job.time_limit or (not job.request.command and limit % 60 == 0):
        return None
    return limit
