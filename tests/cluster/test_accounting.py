"""Usage accounting: integrals, clipping, conservation."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from mock_server.cluster.accounting import Ledger, StepFunction
from mock_server.cluster.job import Resources
from mock_server.cluster.seeding import Past
from tests.cluster.world import START, World, request

if TYPE_CHECKING:
    from mock_server.cluster.job import Job

HOUR = 3600.0


def test_a_step_function_adds_up() -> None:
    step = StepFunction(0.0)
    step.add(10.0, 2)
    step.add(20.0, 3)
    step.add(20.0, -1)
    step.add(30.0, -4)
    assert [step.level(at) for at in (-1, 0, 10, 15, 20, 30, 99)] == [0, 0, 2, 2, 4, 0, 0]
    assert step.between(0, 100) == 60
    assert step.between(15, 25) == 30
    assert step.between(-50, 12) == 4
    assert step.area(-5) == 0


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(-3, 3)), max_size=12), st.integers(-30, 30), st.integers(0, 40)
)
def test_the_order_of_booking_does_not_matter(changes: list[tuple[int, int]], start: int, length: int) -> None:
    step = StepFunction(0.0)
    for at, change in changes:
        step.add(float(at), change)
    expected = sum(
        sum(change for at, change in changes if at <= second) for second in range(max(start, -20), start + length)
    )
    assert step.between(start, start + length) == expected


def test_a_period_is_clipped_and_a_running_job_counts(world: World) -> None:
    world.submit("sleep 7200", resources=Resources(2, 8 * 10**9, 1), nodes=2)
    world.wait(HOUR + 0.1)
    begin = START + 0.1
    for start, end, hours in [
        (0.0, 9e9, 1.0),
        (begin, begin + HOUR / 2, 0.5),
        (begin + HOUR / 4, begin + HOUR / 2, 0.25),
        (begin + HOUR * 0.75, begin + 5 * HOUR, 0.25),
        (0.0, begin, 0.0),
        (begin + 2 * HOUR, begin + 3 * HOUR, 0.0),
    ]:
        usage = world.backend.usage("main", start, end)
        assert (usage.start, usage.end) == (start, end)
        assert usage.cpu_hours == pytest.approx(4 * hours)
        assert usage.memory_gb_hours == pytest.approx(16 * hours)
        assert usage.gpu_hours == pytest.approx(2 * hours)
    usage = world.backend.usage("cluster-1", begin, begin + HOUR)
    assert usage.jobs_total == 1
    assert (usage.cpu_percent, usage.memory_percent, usage.gpu_percent) == pytest.approx((50, 50, 50))


def test_percentages_follow_the_capacity(world: World) -> None:
    world.submit("sleep 3600", resources=Resources(4))
    world.wait(0.1)
    world.fail_node("main-002")
    world.wait(1800)
    world.restore_node("main-002")
    world.wait(1800)
    usage = world.backend.usage("main", START + 0.1, START + 3600.1)
    assert usage.cpu_percent == pytest.approx(100 * 4 / 6)
    assert usage.gpu_percent == 0


def test_an_empty_period_has_no_usage(world: World) -> None:
    world.ran("sleep 10")
    usage = world.backend.usage("main", START + 5, START + 5)
    assert (usage.cpu_hours, usage.cpu_percent, usage.jobs_total) == (0, 0, 0)
    assert world.backend.usage("main", START + 9, START + 5).cpu_hours == 0


def test_jobs_are_counted_once_whatever_happens(world: World) -> None:
    job = world.submit("sleep 100")
    world.submit("sleep 1")
    world.cancel(world.submit("true"))
    world.wait(10)
    world.fail_node("main-001")
    world.finish()
    assert job.restarts == 1
    assert world.backend.usage("main", 0, 9e9).jobs_total == 2
    assert world.backend.usage("main", START + 20, START + 30).jobs_total == 1
    assert world.backend.usage("main", START + 500, 9e9).jobs_total == 0


def test_a_job_cancelled_after_its_node_failed_is_over(world: World) -> None:
    job = world.submit("sleep 100")
    world.wait(1)
    world.fail_node("main-001")
    world.cancel(job)
    world.finish()
    world.wait(100)
    assert world.backend.usage("main", START + 50, START + 60).jobs_total == 0


def test_a_past_is_booked_at_its_time(world: World) -> None:
    past = Past(created_at=START - 3 * HOUR, started_at=START - 2 * HOUR)
    world.backend.adopt("job_123", request("python simulate.py", resources=Resources(2)), past)
    usage = world.backend.usage("main", START - 3 * HOUR, START)
    assert usage.cpu_hours == pytest.approx(4)
    assert usage.cpu_percent == pytest.approx(100 * 4 / 24)


def test_the_nodes_of_an_older_cluster_are_as_old(world: World) -> None:
    shape = Resources(cpus=4, memory=16 * 10**9)
    world.backend.add_cluster(
        id="old", name="old", provider="aws", region="r", nodes=2, node_shape=shape, created_at=START - HOUR
    )
    past = Past(created_at=START - HOUR, started_at=START - HOUR / 2)
    world.backend.adopt("job_1", request("true", cluster_id="old", resources=Resources(4)), past)
    assert world.backend.usage("old", START - HOUR, START).cpu_percent == pytest.approx(25)


def test_a_requeued_job_remembers_its_earlier_runs(world: World) -> None:
    job = world.submit("sleep 100")
    assert job.runs(world.backend.now) == ()
    world.wait(10.1)
    world.fail_node("main-001")
    assert job.runs(world.backend.now) == ((START + 0.1, START + 10.1),)
    world.wait(20)
    (first, second) = job.runs(world.backend.now)
    assert first == (START + 0.1, START + 10.1)
    assert second == (pytest.approx(START + 15.1), world.backend.now)
    world.finish()
    assert job.runs(9e9)[1] == (job.started_at, job.ended_at)


def test_a_ledger_forgets_nothing_when_jobs_are_deleted(world: World) -> None:
    job = world.ran("sleep 3600")
    before = world.backend.usage("main", 0, 9e9)
    world.delete(job)
    assert world.backend.usage("main", 0, 9e9) == before


def cpu_seconds(job: Job, start: float, end: float, now: float) -> float:
    if job.started_at is None:
        return 0.0
    until = now if job.ended_at is None else job.ended_at
    return job.request.resources.cpus * job.request.nodes * max(0.0, min(end, until) - max(start, job.started_at))


JOBS = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 300), st.integers(0, 100))


@given(st.lists(JOBS, max_size=12), st.integers(0, 600), st.integers(0, 600))
def test_the_jobs_add_up_to_the_usage(jobs: list[tuple[int, int, int, int]], start: int, length: int) -> None:
    world = World(nodes=3)
    for cpus, nodes, seconds, pause in jobs:
        world.submit(f"sleep {seconds}", resources=Resources(cpus), nodes=nodes)
        world.wait(pause)
    begin, end, now = START + start, START + start + length, world.backend.now
    expected = sum(cpu_seconds(job, begin, end, now) for job in world.backend.jobs.values())
    assert world.backend.usage("main", begin, end).cpu_hours * HOUR == pytest.approx(expected, abs=1e-3)


@given(st.lists(st.integers(0, 500), min_size=2, max_size=6).map(sorted))
def test_the_parts_of_a_period_add_up_to_it(cuts: list[int]) -> None:
    world = World(nodes=3)
    for seconds in (10, 200, 400):
        world.submit(f"sleep {seconds}", resources=Resources(3, 10**9), nodes=2)
    world.wait(450)
    whole = world.backend.usage("main", START + cuts[0], START + cuts[-1])
    parts = [world.backend.usage("main", START + start, START + end) for start, end in pairwise(cuts)]
    assert sum(part.cpu_hours for part in parts) == pytest.approx(whole.cpu_hours, abs=1e-9)
    assert sum(part.memory_gb_hours for part in parts) == pytest.approx(whole.memory_gb_hours, abs=1e-9)


def test_a_ledger_takes_few_bytes_a_job() -> None:
    ledger = Ledger(0.0)
    asked = request(resources=Resources(1))
    for number in range(1_000):
        ledger.allocate(float(number), asked, 1)
    assert len(ledger.cpus) == 1_000
    assert len(ledger.gpus) == 1
