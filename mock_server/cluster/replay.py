"""Runs a recorded workload through a simulated cluster, in simulated time only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.job import JobRequest, Resources
from mock_server.cluster.swf import FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from mock_server.cluster.job import Job
    from mock_server.cluster.simulated import SimulatedCluster
    from mock_server.cluster.swf import TracedJob


def request_for(job: TracedJob) -> JobRequest:
    """Return a job that asks for what the traced one asked for, and sleeps for as long as that ran.

    Each processor is a member of a gang, so that the job fits on one large node as well as on many small ones.  The time
    limit is the requested time, or the time that it ran where that was longer: it runs as long as it did.
    """
    run = job.run or 0.0
    limit = None if job.requested_time is None else max(job.requested_time, run)
    return JobRequest(
        name=f"job {job.number}",
        command=f"sleep {run:.6f}" + ("; exit 1" if job.status == FAILED else ""),
        user_id=f"user_{job.user or 0}",
        resources=Resources(cpus=1),
        gang=job.requested_processors or job.processors or 1,
        time_limit=limit,
    )


def replay(
    cluster: SimulatedCluster,
    jobs: Iterable[TracedJob],
    *,
    request: Callable[[TracedJob], JobRequest] = request_for,
) -> dict[int, Job]:
    """Submit the jobs at their times, counted from now, and let all of them end; return them by number.

    Jobs that did not run are left out.  A ``request`` of your own may ask for other shapes, partitions or accounts.
    """
    origin = cluster.now
    ran = [job for job in jobs if job.run is not None and job.run > 0]
    submitted: dict[int, Job] = {}
    for job in sorted(ran, key=lambda job: job.submit or 0.0):
        cluster.advance(origin + (job.submit or 0.0))
        submitted[job.number] = _step(cluster.submit(request(job)))
    cluster.run_until_idle()
    return submitted


def _step(command: Coroutine[None, None, Job]) -> Job:
    """Run a command, none of which ever suspends."""
    try:
        command.send(None)
    except StopIteration as end:
        job: Job = end.value
        return job
    raise AssertionError("the simulated cluster never waits")
