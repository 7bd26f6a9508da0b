"""How fast the simulated cluster lives: complete jobs per second of processor time, and bytes per finished job."""

from __future__ import annotations

import argparse
import time
import tracemalloc
from typing import TYPE_CHECKING, TypeVar

from mock_server.cluster.founding import HISTORY_LIMIT
from mock_server.cluster.job import JobRequest, JobState, Resources
from mock_server.cluster.simulated import SimulatedCluster

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

COMMANDS = ("true", "echo hi", "sleep 1")
SHAPE = Resources(cpus=64, memory=256 * 10**9, gpus=8)
BATCH = 1_000


def main() -> None:
    """Print one line a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=50_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    for command in COMMANDS:
        rate = max(life_cycles_per_second(command, options.jobs) for _ in range(options.repeat))
        size = bytes_per_job(command, min(options.jobs, 20_000))
        print(f"{command:<8} {rate:>8,.0f} life cycles per CPU second {size:>6,.0f} bytes per finished job")


def life_cycles_per_second(command: str, jobs: int) -> float:
    """Submit in batches and let each batch finish, so that starting, queueing and ending all take part."""
    cluster = new_cluster()
    began = time.process_time()
    live(cluster, command, jobs)
    spent = time.process_time() - began
    assert all(job.state is JobState.COMPLETED for job in cluster.jobs.values())
    return jobs / spent


def bytes_per_job(command: str, jobs: int) -> float:
    """Return what a finished job leaves behind beside its events, whose number is bounded."""
    cluster = new_cluster(history_limit=100)
    live(cluster, command, BATCH)
    tracemalloc.start()
    try:
        live(cluster, command, jobs)
        return tracemalloc.get_traced_memory()[0] / jobs
    finally:
        tracemalloc.stop()


def new_cluster(history_limit: int = HISTORY_LIMIT) -> SimulatedCluster:
    """Return a cluster of 16 nodes with room for a whole batch."""
    cluster = SimulatedCluster(now=0.0, history_limit=history_limit)
    cluster.add_cluster(id="c", name="c", provider="aws", region="us-west-2", nodes=16, node_shape=SHAPE)
    return cluster


def live(cluster: SimulatedCluster, command: str, jobs: int) -> None:
    """Bring so many jobs from submission to completion."""
    for first in range(0, jobs, BATCH):
        for number in range(first, min(first + BATCH, jobs)):
            step(cluster.submit(JobRequest(f"job {number}", command, "user")))
        cluster.run_until_idle()


def step(command: Coroutine[None, None, T]) -> T:
    """Run a coroutine that never suspends."""
    try:
        command.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("the simulated cluster never waits")


if __name__ == "__main__":
    main()
