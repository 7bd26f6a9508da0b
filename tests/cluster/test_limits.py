"""How many jobs run at once: queues, qualities of service, arrays."""

from __future__ import annotations

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import Job, JobState, Resources
from mock_server.cluster.layout import Account, Association, Qos, QueueInfo
from tests.cluster.world import World, reasons


@pytest.fixture
def world() -> World:
    world = World(nodes=4)
    facility = world.backend._facility
    facility.queues["narrow"] = QueueInfo("narrow", 2)
    facility.qos["few"] = Qos("few", priority=10, max_jobs_per_user=1, max_wall=100.0)
    return world


def running(jobs: list[Job]) -> list[int]:
    return [index for index, job in enumerate(jobs) if job.state is JobState.RUNNING]


def test_a_queue_limits_how_many_run(world: World) -> None:
    jobs = [world.submit("sleep 10", queue="narrow") for _ in range(5)]
    other = world.submit("sleep 10", queue="default")
    world.wait(5)
    assert running(jobs) == [0, 1]
    assert reasons(*jobs[2:]) == ["QueueConcurrencyLimit"] * 3
    assert other.state is JobState.RUNNING
    world.cancel(jobs[1])
    world.wait(1)
    assert running(jobs) == [0, 2]
    world.finish()
    assert [job.state for job in jobs].count(JobState.COMPLETED) == 4


def test_the_limit_of_a_queue_holds_over_all_clusters(world: World) -> None:
    world.backend.add_cluster(id="c2", name="other", provider="", region="", nodes=1, node_shape=Resources(4))
    here = [world.submit("sleep 10", queue="narrow") for _ in range(2)]
    there = [world.submit("sleep 10", queue="narrow", cluster_id="c2") for _ in range(2)]
    world.wait(5)
    assert (running(here), running(there)) == ([0, 1], [])
    assert there[0].reason == "QueueConcurrencyLimit"
    world.wait(6)
    assert running(there) == [0, 1]
    world.finish()


def test_a_job_over_a_limit_keeps_no_nodes_from_others(world: World) -> None:
    jobs = [world.submit("sleep 50", queue="narrow", priority=9) for _ in range(3)]
    small = world.submit("sleep 1")
    world.wait(5)
    assert (jobs[2].state, small.state) == (JobState.QUEUED, JobState.COMPLETED)
    world.finish()


def test_a_user_has_so_many_jobs_of_a_quality(world: World) -> None:
    own = [world.submit("sleep 10", qos="few", time_limit=50.0) for _ in range(2)]
    other = world.submit("sleep 10", qos="few", time_limit=50.0, user_id="bob")
    normal = world.submit("sleep 10")
    world.wait(5)
    assert running(own) == [0]
    assert own[1].reason == "QOSMaxJobsPerUserLimit"
    assert other.state is normal.state is JobState.RUNNING
    world.finish()


def test_a_quality_limits_how_long_a_job_runs(world: World) -> None:
    long = world.submit("sleep 10", qos="few", time_limit=101.0)
    world.wait(5)
    assert long.reason == "QOSMaxWallDurationPerJobLimit"
    unlimited = world.submit("sleep 1000", qos="few")
    world.finish()
    assert (unlimited.time_limit, unlimited.reason) == (100.0, "TimeLimit")


def test_a_quality_adds_to_the_priority() -> None:
    world = World(nodes=1)
    world.submit("sleep 10", resources=Resources(4))
    normal = world.submit("sleep 10", resources=Resources(4), priority=999)
    high = world.submit("sleep 10", resources=Resources(4), qos="high", time_limit=60.0)
    assert [world.backend.priority_of(job.id) for job in (normal, high)] == [999, 1000]
    world.finish()
    assert high.started_at is not None
    assert normal.started_at is not None
    assert high.started_at < normal.started_at


def test_who_may_use_what(world: World) -> None:
    backend = world.backend
    world.add_partition("open", (1, 2))
    backend.add_account(Account("physics"), Association("alice", "physics", "open", ("normal", "few")))
    job = world.submit(partition="open", qos="few", account="physics", time_limit=9.0)
    assert job.account == "physics"
    assert world.submit().account == "physics"
    assert world.submit(user_id="bob").account == "default"
    assert [association.user_id for association in backend.associations] == ["alice"]
    assert set(backend.accounts) == {"root", "default", "physics"}
    for field, options in (
        ("qos", {"qos": "unheard-of"}),
        ("qos", {"qos": "high", "partition": "open"}),
        ("account", {"account": "unheard-of"}),
        ("account", {"account": "default"}),
        ("queue", {"queue": "unheard-of"}),
    ):
        with pytest.raises(RequestError) as caught:
            world.submit(**options)
        assert caught.value.field == field


def test_places_in_a_queue(world: World) -> None:
    backend = world.backend
    jobs = [world.submit("sleep 10", queue="narrow") for _ in range(4)]
    world.wait(1)
    urgent = world.submit("sleep 10", queue="narrow", priority=5, hold=True)
    elsewhere = world.submit("sleep 10", queue="default", hold=True)
    places = [backend.queue_position(job.id) for job in (*jobs, urgent, elsewhere)]
    assert places == [None, None, 2, 3, 1, 1]
    assert backend.waiting("narrow") == [urgent, jobs[2], jobs[3]]
    world.set_priority(jobs[3], 7)
    assert backend.waiting("narrow") == [jobs[3], urgent, jobs[2]]
    world.cancel(urgent)
    assert backend.waiting("narrow") == [jobs[3], jobs[2]]
    world.cancel(elsewhere)
    world.fail_node(jobs[0].node_names[0])
    assert backend.waiting("narrow") == jobs[:2]
    assert [backend.queue_position(job.id) for job in jobs] == [1, 2, None, None]
    world.finish()
    assert backend.waiting("narrow") == []


def test_places_without_a_queue_are_those_in_the_cluster(world: World) -> None:
    world.submit("sleep 10", nodes=4, resources=Resources(4))
    world.wait(1)
    jobs = [world.submit("sleep 10", priority=priority) for priority in (0, 3)]
    world.submit("sleep 10", queue="default", priority=9)
    world.wait(1)
    assert [world.backend.queue_position(job.id) for job in jobs] == [2, 1]
    world.finish()
