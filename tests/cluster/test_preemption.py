"""Jobs of a better quality of service take nodes from running ones, if that is switched on."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.cluster.job import Job, JobState, Resources
from mock_server.cluster.layout import Qos
from mock_server.cluster.priority import Weights
from mock_server.cluster.site import REQUEUE_SECONDS
from tests.cluster.world import World, text

WHOLE = Resources(cpus=4)
HALF = Resources(cpus=2)


def world(nodes: int = 2, **options: Any) -> World:
    made = World(nodes=nodes, **{"preemption": True, **options})
    qos = made.backend._facility.qos
    qos["scavenger"] = Qos("scavenger", priority=-10)
    qos["middle"] = Qos("middle", priority=500)
    return made


def running(made: World, count: int, **options: Any) -> list[Job]:
    jobs = []
    for _ in range(count):
        jobs.append(made.submit("sleep 1000", **{"resources": WHOLE, "time_limit": 2000.0, **options}))
        made.wait(1)
    assert {job.state for job in jobs} == {JobState.RUNNING}
    return jobs


@pytest.mark.parametrize("scheduler", ["fcfs", "easy", "conservative"])
def test_a_better_quality_of_service_takes_the_nodes_it_needs(scheduler: str) -> None:
    made = world(scheduler=scheduler)
    first, second = running(made, 2)
    urgent = made.submit("sleep 60", resources=WHOLE, qos="high", time_limit=100.0)
    made.wait(1)
    assert urgent.state is JobState.RUNNING
    assert (first.state, second.state) == (JobState.RUNNING, JobState.QUEUED), "the one that started last makes way"
    assert second.restarts == 1
    assert "job.requeued" in made.kinds(second.id)
    assert f"Preempted by job {urgent.id}. Job requeued, restart 1" in text(second)
    made.wait(100)
    assert second.state is JobState.RUNNING, "it runs again where the urgent one was"
    made.finish()
    assert {job.state for job in (first, second, urgent)} == {JobState.COMPLETED}


@pytest.mark.parametrize("scheduler", ["fcfs", "easy"])
def test_it_is_off_by_default(scheduler: str) -> None:
    made = World(scheduler=scheduler)
    running(made, 2)
    urgent = made.submit(resources=WHOLE, qos="high")
    made.wait(10)
    assert urgent.state is JobState.QUEUED


def test_nobody_is_stopped_for_an_equal() -> None:
    made = world()
    jobs = running(made, 2, qos="high")
    made.submit(resources=WHOLE, qos="high", priority=5000)
    made.wait(10)
    assert {job.restarts for job in jobs} == {0}


def test_the_least_important_go_first() -> None:
    made = world(nodes=3)
    (scavenger,) = running(made, 1, qos="scavenger")
    (middle,) = running(made, 1, qos="middle")
    (normal,) = running(made, 1)
    for expected in ([1, 0, 0], [1, 1, 0], [1, 1, 1]):
        made.submit("sleep 1000", resources=WHOLE, qos="high")
        made.wait(1)
        assert [job.restarts for job in (scavenger, normal, middle)] == expected


def test_those_who_are_not_needed_are_spared() -> None:
    """The lesser one stands on another node than the one that has to be emptied."""
    made = world(nodes=2)
    scavenger = running(made, 1, qos="scavenger", resources=HALF, required_nodes=("main-001",))[0]
    keeper = running(made, 1, qos="high", resources=HALF, required_nodes=("main-001",))[0]
    normal = running(made, 1, required_nodes=("main-002",))[0]
    made.submit("sleep 10", resources=WHOLE, qos="high")
    made.wait(1)
    assert (scavenger.restarts, keeper.restarts, normal.restarts) == (0, 0, 1)


def test_nobody_is_stopped_in_vain() -> None:
    made = world(nodes=2)
    jobs = [*running(made, 1), *running(made, 1, qos="high")]
    made.submit(resources=WHOLE, qos="high", nodes=2)
    made.wait(10)
    assert [job.restarts for job in jobs] == [0, 0]


def test_a_gang_is_made_room_for_as_a_whole() -> None:
    made = world(nodes=3)
    jobs = running(made, 3)
    gang = made.submit("sleep 10", resources=HALF, gang=4, qos="high")
    made.wait(1)
    assert gang.state is JobState.RUNNING
    assert [job.restarts for job in jobs] == [0, 1, 1]


def test_a_job_over_its_own_limit_takes_nothing() -> None:
    made = world(nodes=2)
    made.backend._facility.qos["few"] = Qos("few", priority=100, max_jobs_per_user=1)
    jobs = [*running(made, 1, qos="few"), *running(made, 1)]
    made.submit(resources=WHOLE, qos="few")
    made.wait(10)
    assert [job.restarts for job in jobs] == [0, 0]


def test_a_job_that_is_being_cancelled_is_cancelled_at_once() -> None:
    made = world(nodes=1)
    job = made.submit("trap 'sleep 20' TERM; sleep 1000", resources=WHOLE)
    made.wait(1)
    made.cancel(job, "enough")
    assert job.state is JobState.RUNNING
    urgent = made.submit("sleep 1", resources=WHOLE, qos="high")
    made.wait(0.5)
    assert (job.state, job.cancel_reason, urgent.state) == (JobState.CANCELLED, "enough", JobState.RUNNING)


def test_it_may_start_again_after_a_pause() -> None:
    made = world(nodes=1)
    (job,) = running(made, 1)
    urgent = made.submit("true", resources=WHOLE, qos="high")
    made.wait(0.5)
    assert urgent.state is JobState.COMPLETED
    made.wait(REQUEUE_SECONDS - 1)
    assert (job.state, job.reason) == (JobState.QUEUED, "BeginTime")
    made.wait(1)
    assert job.state is JobState.RUNNING


@pytest.mark.parametrize("partition", ["main", "other"])
@pytest.mark.parametrize("scheduler", ["fcfs", "easy", "conservative"])
def test_what_is_kept_for_a_job_ahead_is_not_taken(scheduler: str, partition: str) -> None:
    """The first in the queue waits for both nodes; one that has come later takes nothing before it."""
    made = world(nodes=2, scheduler=scheduler, weights=Weights())
    made.add_partition("other", (1, 2))
    jobs = running(made, 2)
    ahead = made.submit("sleep 10", resources=WHOLE, nodes=2, time_limit=20.0)
    made.wait(1)
    urgent = made.submit("sleep 10", resources=WHOLE, qos="high", time_limit=20.0, partition=partition)
    made.wait(10)
    assert [job.state for job in (*jobs, ahead, urgent)] == [JobState.RUNNING] * 2 + [JobState.QUEUED] * 2


@pytest.mark.parametrize("scheduler", ["easy", "conservative"])
def test_a_plan_is_made_anew(scheduler: str) -> None:
    """What was reserved for those behind may come later now, and is said so."""
    made = world(nodes=2, scheduler=scheduler)
    running(made, 2)
    behind = made.submit("sleep 10", resources=WHOLE, nodes=2, time_limit=20.0)
    made.wait(1)
    before = behind.predicted_start
    urgent = made.submit("sleep 3000", resources=WHOLE, qos="high", time_limit=4000.0)
    made.wait(1)
    assert urgent.state is JobState.RUNNING
    assert before is not None
    assert behind.predicted_start is not None
    assert behind.predicted_start > before
