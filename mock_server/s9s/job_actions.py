"""What can be done to a job, or to all tasks of an array that have not ended yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.backend import NotFoundError, StateError
from mock_server.cluster.job import JobState
from mock_server.s9s.states import array_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.job import Job
    from mock_server.s9s.states import JobWord

ENDED: dict[JobWord, str] = {
    "COMPLETED": "Job already completed",
    "FAILED": "Job already failed",
    "TIMEOUT": "Job already timed out",
    "NODE_FAIL": "Job already failed",
    "CANCELLED": "Job already cancelled",
}


def find(cluster: ClusterBackend, job_id: str) -> Sequence[Job]:
    """Return the job with an id, or the tasks of the array with that id."""
    if job_id in cluster.jobs:
        return (cluster.job(job_id),)
    try:
        return cluster.array(job_id)
    except NotFoundError:
        raise NotFoundError("job", job_id) from None


async def cancel(
    cluster: ClusterBackend, jobs: Sequence[Job], *, signal: str, force: bool, reason: str | None = None
) -> bool:
    """Cancel what is active; ``False`` if all of it was cancelled before."""
    if all(job.state is JobState.CANCELLED for job in jobs):
        return False
    for job_id in _active(jobs):
        await cluster.cancel(job_id, reason, signal=signal, force=force)
    return True


async def hold(cluster: ClusterBackend, jobs: Sequence[Job], reason: str | None) -> None:
    for job_id in _active(jobs):
        await cluster.hold(job_id, reason)


async def release(cluster: ClusterBackend, jobs: Sequence[Job]) -> None:
    for job_id in _active(jobs):
        await cluster.release(job_id)


async def set_priority(cluster: ClusterBackend, jobs: Sequence[Job], priority: int) -> None:
    for job_id in _active(jobs):
        await cluster.set_priority(job_id, priority)


def _active(jobs: Sequence[Job]) -> list[str]:
    """Return the id of what is active; several tasks have that of their array, which a cluster takes as one."""
    active = [job for job in jobs if not job.state.is_terminal]
    if not active:
        raise StateError(ENDED[array_word(jobs)])
    array = active[0].array_job_id
    return [active[0].id if array is None or len(jobs) == 1 else array]
