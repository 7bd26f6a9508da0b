"""A cluster that plans by EASY or conservative backfill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.simulated import SimulatedCluster
from tests.cluster.world import START, World

if TYPE_CHECKING:
    from mock_server.cluster.job import Job

BACKFILL = pytest.mark.parametrize("scheduler", ["easy", "conservative"])
EVERY = pytest.mark.parametrize("scheduler", ["fcfs", "easy", "conservative"])
WHOLE = Resources(4)
BEGIN = START + 0.1


def planned(world: World) -> list[str]:
    return [node.name for node in world.cluster.nodes.values() if node.planned]


@BACKFILL
def test_a_short_job_overtakes_and_the_head_keeps_its_time(scheduler: str) -> None:
    world = World(nodes=2, scheduler=scheduler)
    world.submit("sleep 100", resources=WHOLE, time_limit=100.0)
    head = world.submit("sleep 10", nodes=2, resources=WHOLE, time_limit=10.0)
    fits = world.submit("sleep 99", resources=WHOLE, time_limit=100.0)
    late = world.submit("sleep 1", resources=WHOLE, time_limit=101.0)
    world.wait(1)
    assert [job.state for job in (head, fits, late)] == [JobState.QUEUED, JobState.RUNNING, JobState.QUEUED]
    assert (head.reason, late.reason) == ("Resources", "Priority")
    assert head.predicted_start == BEGIN + 100
    assert planned(world) == ["main-001", "main-002"]
    world.finish()
    assert head.started_at == BEGIN + 100
    assert head.predicted_start is None
    assert late.started_at == BEGIN + 110
    assert planned(world) == []


def test_without_backfill_nobody_overtakes_and_nothing_is_planned() -> None:
    world = World(nodes=2)
    world.submit("sleep 100", resources=WHOLE, time_limit=100.0)
    head = world.submit("sleep 10", nodes=2, resources=WHOLE, time_limit=10.0)
    short = world.submit("sleep 1", resources=WHOLE, time_limit=5.0)
    world.wait(1)
    assert (short.state, head.predicted_start, planned(world)) == (JobState.QUEUED, None, [])


@BACKFILL
def test_an_early_end_is_a_reason_to_plan_again(scheduler: str) -> None:
    world = World(nodes=1, scheduler=scheduler)
    world.submit("sleep 30", resources=Resources(2), time_limit=200.0)
    world.submit("sleep 50", resources=Resources(2), time_limit=100.0)
    head = world.submit("sleep 10", resources=WHOLE, time_limit=10.0)
    world.wait(1)
    assert head.predicted_start == BEGIN + 200
    world.wait(30)
    assert head.predicted_start == BEGIN + 100
    world.finish()
    assert head.started_at == BEGIN + 50


def test_only_conservative_plans_those_behind_the_head() -> None:
    for scheduler, expected in (("easy", None), ("conservative", BEGIN + 110)):
        world = World(nodes=1, scheduler=scheduler)
        world.submit("sleep 100", resources=WHOLE, time_limit=100.0)
        world.submit("sleep 10", resources=WHOLE, time_limit=10.0)
        second = world.submit("sleep 10", resources=WHOLE, time_limit=10.0)
        world.wait(1)
        assert second.predicted_start == expected


@BACKFILL
def test_a_head_that_goes_leaves_its_nodes(scheduler: str) -> None:
    world = World(nodes=2, scheduler=scheduler)
    world.submit("sleep 100", resources=WHOLE, time_limit=100.0)
    head = world.submit("sleep 10", nodes=2, resources=WHOLE, time_limit=10.0)
    long = world.submit("sleep 500", resources=WHOLE, time_limit=500.0)
    world.wait(1)
    assert long.state is JobState.QUEUED
    world.cancel(head)
    assert (long.state, head.predicted_start, planned(world)) == (JobState.RUNNING, None, [])
    world.finish()


@BACKFILL
def test_what_is_promised_follows_the_nodes(scheduler: str) -> None:
    world = World(nodes=2, scheduler=scheduler)
    for limit in (100.0, 200.0):
        world.submit(f"sleep {limit}", resources=WHOLE, time_limit=limit)
    head = world.submit("sleep 10", resources=WHOLE, time_limit=10.0)
    world.wait(1)
    assert (head.predicted_start, planned(world)) == (BEGIN + 100, ["main-001"])
    world.drain_node("main-001")
    world.wait(1)
    assert (head.predicted_start, planned(world)) == (BEGIN + 200, ["main-002"])
    world.restore_node("main-001")
    world.wait(1)
    assert head.predicted_start == BEGIN + 100
    world.finish()


@BACKFILL
def test_raised_in_priority_a_job_takes_over(scheduler: str) -> None:
    world = World(nodes=1, scheduler=scheduler)
    world.submit("sleep 100", resources=WHOLE, time_limit=100.0)
    first, second = (world.submit("sleep 10", resources=WHOLE, time_limit=10.0) for _ in range(2))
    world.wait(1)
    world.update(second, priority=5)
    assert second.predicted_start == BEGIN + 100
    assert first.predicted_start == (None if scheduler == "easy" else BEGIN + 110)
    world.finish()
    assert (second.started_at, first.started_at) == (BEGIN + 100, BEGIN + 110)


@BACKFILL
def test_jobs_that_end_at_once_leave_room_for_others(scheduler: str) -> None:
    world = World(nodes=2, scheduler=scheduler)
    world.submit("sleep 100", resources=WHOLE, time_limit=100.0)
    world.submit("sleep 10", nodes=2, resources=WHOLE, time_limit=10.0)
    short = [world.submit("true", resources=WHOLE, time_limit=5.0) for _ in range(20)]
    world.wait(1)
    assert {job.state for job in short} == {JobState.COMPLETED}
    world.finish()


@EVERY
def test_jobs_that_end_at_once_leave_room_under_a_limit(scheduler: str) -> None:
    world = World(scheduler=scheduler)
    world.scale(nodes=0)
    first = world.submit("true", array=(0, 1, 2), array_limit=2)
    world.wait(1)
    world.scale(nodes=2)
    world.finish()
    assert {task.state for task in world.backend.array(first.array_job_id or "")} == {JobState.COMPLETED}


@BACKFILL
def test_a_listener_may_cancel_who_is_about_to_start(scheduler: str) -> None:
    world = World(nodes=2, scheduler=scheduler)
    world.submit("sleep 100", resources=WHOLE, time_limit=100.0)
    world.submit("sleep 10", nodes=2, resources=WHOLE, time_limit=10.0)
    first, second, third = (world.submit("sleep 5", resources=Resources(2), time_limit=5.0) for _ in range(3))

    def meddle(event: Any) -> None:
        if event.kind == "job.started" and event.subject == first.id:
            world.cancel(second)

    world.backend.subscribe(meddle)
    world.wait(1)
    assert [job.state for job in (first, second, third)] == [JobState.RUNNING, JobState.CANCELLED, JobState.RUNNING]
    world.finish()


@BACKFILL
def test_without_time_limits_nobody_overtakes_on_the_same_node(scheduler: str) -> None:
    world = World(nodes=1, scheduler=scheduler)
    world.submit("sleep 100", resources=Resources(2))
    head = world.submit("sleep 10", resources=WHOLE)
    behind = world.submit("sleep 10", resources=Resources(2))
    world.wait(1)
    assert (behind.state, head.predicted_start) == (JobState.QUEUED, None)
    world.finish()
    assert head.started_at == BEGIN + 100


def test_an_unknown_scheduler_is_refused() -> None:
    with pytest.raises(ValueError, match="scheduler must be fcfs, easy or conservative, not 'sjf'"):
        SimulatedCluster(now=START, scheduler="sjf")  # type: ignore[arg-type]


WORK = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.integers(0, 40),
        st.integers(0, 30),
        st.integers(1, 4),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=12,
)


def live(world: World, work: list[tuple[int, int, int, int, int, bool]], times: float = 1.0) -> list[Job]:
    """Submit jobs as ``(pause, run, spare time, cpus, nodes, gang?)``, and let all of them end."""
    jobs: list[Job] = []
    for pause, length, spare, cpus, shares, packed in work:
        world.backend.advance(world.backend.now + pause * times)
        shape = {"gang": shares} if packed else {"nodes": shares}
        limit = (length + spare + 1) * times
        jobs.append(world.submit(f"sleep {length * times}", resources=Resources(cpus), time_limit=limit, **shape))
    world.finish()
    return jobs


def starts(jobs: list[Job]) -> list[float]:
    return [job.started_at - BEGIN for job in jobs if job.started_at is not None]


@EVERY
@settings(max_examples=20, deadline=None)
@given(work=WORK)
def test_everybody_starts_no_later_than_promised(scheduler: str, work: Any) -> None:
    world = World(nodes=3, scheduler=scheduler)
    promised: dict[str, float] = {}

    def watch(_event: Any) -> None:
        for job in world.backend.jobs.values():
            if job.predicted_start is not None:
                # Only ever earlier: nobody comes ahead of another, nothing is held, changed or broken.
                assert job.predicted_start <= promised.get(job.id, float("inf"))
                promised[job.id] = job.predicted_start

    world.backend.subscribe(watch)
    for job in live(world, work):
        assert job.state is JobState.COMPLETED
        assert job.started_at is not None
        assert job.started_at <= promised.get(job.id, float("inf"))


@EVERY
@settings(max_examples=15, deadline=None)
@given(work=WORK)
def test_the_same_calls_give_the_same_history(scheduler: str, work: Any) -> None:
    first, second = (World(nodes=3, scheduler=scheduler) for _ in range(2))
    live(first, work)
    live(second, work)
    assert first.backend.events() == second.backend.events()


@EVERY
@settings(max_examples=15, deadline=None)
@given(work=WORK)
def test_times_that_are_multiplied_multiply_all_starts(scheduler: str, work: Any) -> None:
    once = starts(live(World(nodes=3, scheduler=scheduler), work))
    often = starts(live(World(nodes=3, scheduler=scheduler), work, times=8.0))
    assert often == pytest.approx([8 * start for start in once], abs=1e-4)


@EVERY
@settings(max_examples=15, deadline=None)
@given(work=WORK)
def test_ids_and_idle_nodes_of_others_change_nothing(scheduler: str, work: Any) -> None:
    plain = starts(live(World(nodes=3, scheduler=scheduler), work))
    other = World(nodes=5, scheduler=scheduler, id_factories={"platform": "z{}".format}, partition=False)
    names = tuple(other.cluster.nodes)
    other.backend.add_partition("idle", "main", names[:2])
    other.backend.add_partition("busy", "main", names[2:], is_default=True)
    assert starts(live(other, work)) == plain


@EVERY
@settings(max_examples=15, deadline=None)
@given(work=WORK)
def test_littles_law(scheduler: str, work: Any) -> None:
    world = World(nodes=3, scheduler=scheduler)
    waiting, area, last = 0, 0.0, START

    def count(event: Any) -> None:
        nonlocal waiting, area, last
        area, last = area + waiting * (event.at - last), event.at
        waiting += {"job.created": 1, "job.started": -1}.get(event.kind, 0)

    world.backend.subscribe(count)
    live(world, work)
    found = world.backend.statistics(START - 1, world.backend.now)
    # The mean number that wait is the rate at which they start times their mean wait.
    assert waiting == 0
    assert area == pytest.approx(found.started * found.wait.mean, abs=1e-3)
