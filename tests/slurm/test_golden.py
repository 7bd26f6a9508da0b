"""The order in which a real Slurm started 26 jobs first come, first served: the simulation's, and that of a fresh run.

Recorded with Slurm 22.05.8 on one node of 16 CPUs with ``sched/builtin``; every pair of jobs that did not start in the
same second has to start in the same order again.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import permutations
from typing import NamedTuple

import pytest

from mock_server import MockServer
from mock_server.cluster.job import Resources
from mock_server.cluster.replay import replay
from mock_server.cluster.simulated import SimulatedCluster
from mock_server.cluster.swf import TracedJob
from tests.slurm.conftest import cluster
from vantage_sdk import S9SClient

WANTED = "SLURM_GOLDEN"


class Recorded(NamedTuple):
    """One job; seconds after the beginning, except for how long it runs and may run."""

    number: int
    submit: int
    run: int
    cpus: int
    limit: int
    start: int


WORKLOAD = [
    Recorded(*row)
    for row in (
        (1, 12, 108, 6, 120, 12),
        (2, 24, 125, 1, 180, 24),
        (3, 28, 18, 2, 60, 28),
        (4, 32, 60, 4, 120, 32),
        (5, 47, 108, 4, 120, 49),
        (6, 56, 60, 2, 120, 92),
        (7, 68, 60, 8, 120, 120),
        (8, 83, 36, 3, 120, 153),
        (9, 98, 54, 2, 60, 158),
        (10, 110, 30, 4, 60, 181),
        (11, 117, 42, 2, 60, 181),
        (12, 126, 84, 4, 120, 181),
        (13, 130, 30, 4, 60, 191),
        (14, 139, 30, 8, 60, 221),
        (15, 151, 36, 3, 120, 224),
        (16, 160, 54, 2, 60, 251),
        (17, 164, 42, 4, 60, 251),
        (18, 171, 60, 2, 120, 251),
        (19, 186, 54, 10, 180, 293),
        (20, 198, 84, 4, 120, 305),
        (21, 207, 54, 16, 180, 389),
        (22, 214, 54, 2, 60, 444),
        (23, 226, 90, 1, 180, 444),
        (24, 233, 36, 2, 120, 444),
        (25, 245, 54, 4, 60, 444),
        (26, 254, 60, 10, 120, 498),
    )
]


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A server over one node that takes jobs strictly in their order."""
    if not os.environ.get(WANTED):
        pytest.skip(f"takes ten minutes; {WANTED}=1 make test-slurm runs it")
    strict = cluster(CPU_NODES=1, GPU_NODES=0, CPUS=16, SCHEDULER="sched/builtin", PRIORITY="priority/basic")
    with strict as site, MockServer(slurm=site.settings(), world="empty", rate_limits=False) as running:
        yield running


def test_the_simulation_starts_them_in_that_order() -> None:
    cluster = SimulatedCluster(now=0.0, scheduler="fcfs")
    cluster.add_cluster(id="c", name="c", provider="p", region="r", nodes=1, node_shape=Resources(16))
    traced = [
        TracedJob(job.number, submit=job.submit, run=job.run, requested_processors=job.cpus, requested_time=job.limit)
        for job in WORKLOAD
    ]
    assert _inverted({number: job.started_at or 0.0 for number, job in replay(cluster, traced).items()}) == []


@pytest.mark.timeout(1200)
def test_a_real_cluster_starts_them_in_that_order(server: MockServer) -> None:
    with S9SClient(server.s9s_url, token="YOUR_TOKEN") as client:
        ids: dict[int, str] = {}
        begin = time.monotonic()
        for job in WORKLOAD:
            threading.Event().wait(begin + job.submit - time.monotonic())
            sent = client.jobs.submit(
                name=f"j{job.number}", script=f"sleep {job.run}", cpus_per_node=job.cpus, time_limit=job.limit
            )
            ids[job.number] = sent.job_id
        done = client.jobs.wait_all(list(ids.values()), timeout=900.0)
        assert {job.state for job in done} == {"COMPLETED"}
        started = {number: job.start_time for number, job in zip(ids, done, strict=True)}
    assert all(isinstance(start, datetime) for start in started.values())
    assert _inverted({number: start.timestamp() for number, start in started.items()}) == []


def _inverted(found: Mapping[int, float]) -> list[tuple[int, int]]:
    """Return the pairs of jobs of which the second started before the first, though it did not in the record."""
    pairs = [(one, other) for one, other in permutations(WORKLOAD, 2) if one.start < other.start]
    assert len(pairs) == 313
    return [(one.number, other.number) for one, other in pairs if found[one.number] > found[other.number]]
