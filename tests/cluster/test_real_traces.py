"""The scheduler against recorded workloads: what others computed, and what a real Slurm did.

HPC2N log by Ake Sandgren, Parallel Workloads Archive.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from mock_server.cluster.founding import SCHEDULERS
from mock_server.cluster.job import Resources
from mock_server.cluster.replay import replay
from mock_server.cluster.simulated import SimulatedCluster
from mock_server.cluster.site import DISPATCH_SECONDS
from mock_server.cluster.swf import read_swf
from tests.cluster.shared_data import golden, golden_workload, shared_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_server.cluster.founding import SchedulerName
    from mock_server.cluster.swf import TracedJob

JOBS = 1_500


def starts(jobs: Sequence[TracedJob], nodes: int, cpus: int, scheduler: SchedulerName = "fcfs") -> dict[int, float]:
    """Run the jobs on equal nodes and return when each one started, without the pause before it is looked at."""
    backend = SimulatedCluster(now=0.0, scheduler=scheduler)
    backend.add_cluster(id="c", name="c", provider="p", region="r", nodes=nodes, node_shape=Resources(cpus))
    found: dict[int, float] = {}
    for number, job in replay(backend, jobs).items():
        assert job.started_at is not None
        found[number] = job.started_at - DISPATCH_SECONDS
    return found


def inversions(ours: Mapping[int, float], theirs: Mapping[int, float]) -> tuple[int, int]:
    """Return how many pairs of jobs start in the other order than theirs, and how many pairs have an order."""
    ordered = [(first, second) for first, second in permutations(theirs, 2) if theirs[first] < theirs[second]]
    return sum(ours[first] > ours[second] for first, second in ordered), len(ordered)


def hpc2n() -> list[TracedJob]:
    ran = [job for job in read_swf(shared_data("hpc2n.swf")).jobs if job.run is not None and job.run > 0]
    return ran[:JOBS]


def waits_and_slowdowns(jobs: Sequence[TracedJob], found: Mapping[int, float]) -> tuple[float, float]:
    """Return the mean wait in seconds and the mean bounded slowdown with a threshold of 10 seconds."""
    waits = [found[job.number] - (job.submit or 0.0) for job in jobs]
    runs = [job.run or 0.0 for job in jobs]
    slowdowns = [max(1.0, (wait + run) / max(10.0, run)) for wait, run in zip(waits, runs, strict=True)]
    return sum(waits) / len(jobs), sum(slowdowns) / len(jobs)


def test_first_come_first_served_is_what_another_simulator_computed() -> None:
    jobs = hpc2n()
    wait, slowdown = waits_and_slowdowns(jobs, starts(jobs, nodes=1, cpus=240))
    assert (round(wait, 2), round(slowdown, 3)) == (2901.43, 20.406)


def test_backfill_shortens_the_waits_as_it_does_for_others() -> None:
    """The figures of a textbook model are EASY 2007.43 and 10.522, conservative 2037.92 and 9.999: they, too, leave
    open which of two equal jobs goes first, and what a plan does with an early end.
    """
    jobs = hpc2n()
    fcfs = waits_and_slowdowns(jobs, starts(jobs, 1, 240))
    easy = waits_and_slowdowns(jobs, starts(jobs, 1, 240, "easy"))
    conservative = waits_and_slowdowns(jobs, starts(jobs, 1, 240, "conservative"))
    assert fcfs[0] > conservative[0] > easy[0]
    assert fcfs[1] > easy[1] > conservative[1]
    assert easy == pytest.approx((2007.43, 10.522), rel=0.02)
    assert conservative == pytest.approx((2037.92, 9.999), rel=0.03)


def test_many_small_nodes_are_as_good_as_a_large_one() -> None:
    jobs = hpc2n()[:300]
    assert starts(jobs, nodes=240, cpus=1) == starts(jobs, nodes=1, cpus=240)


def test_first_come_first_served_is_what_a_real_slurm_did() -> None:
    theirs = {int(number): start for number, (_, start) in golden("starts.json")["fcfs"].items()}
    ours = starts(golden_workload(), nodes=1, cpus=16)
    assert inversions(ours, theirs) == (0, 313)
    assert all(-1e-6 <= theirs[number] - start <= 4 for number, start in ours.items())


def test_easy_backfill_is_the_nearest_to_a_real_slurm_s() -> None:
    """On 16 nodes of one CPU, which Slurm reserves one by one."""
    theirs = {int(number): start for number, start in golden("starts_x20_16nodes.json")["easy"].items()}
    jobs = golden_workload(scale=20)
    found = {name: starts(jobs, 16, 1, name) for name in SCHEDULERS}
    wrong = {name: inversions(ours, theirs)[0] for name, ours in found.items()}
    assert wrong["easy"] == 0
    assert min(wrong["fcfs"], wrong["conservative"]) > 5
    late = [theirs[number] - start for number, start in found["easy"].items()]
    assert sum(abs(seconds) <= 120 for seconds in late) >= 15
