"""Gangs: all members at one instant, or none."""

from __future__ import annotations

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import JobState, Resources
from tests.cluster.world import World


def test_members_are_packed(world: World) -> None:
    gang = world.submit("sleep 10", gang=3, resources=Resources(2, 10, 1))
    world.wait(1)
    assert gang.allocation == (("main-001", 2), ("main-002", 1))
    assert gang.gpu_ids == ((0, 1), (0,))
    assert (world.node(1).free, world.node(2).free.cpus) == (Resources(0, 16 * 10**9 - 20, 0), 2)
    world.finish()
    assert gang.state is JobState.COMPLETED
    assert world.backend.usage("main", 0, world.backend.now).cpu_hours == pytest.approx(6 * 10 / 3600)


def test_no_member_starts_alone(world: World) -> None:
    world.submit("sleep 10", resources=Resources(3))
    gang = world.submit("sleep 10", gang=4, resources=Resources(2))
    small = world.submit("sleep 1", resources=Resources(1))
    world.wait(5)
    assert (gang.state, gang.allocation, gang.reason) == (JobState.QUEUED, (), "Resources")
    assert small.state is JobState.QUEUED
    world.finish()
    assert gang.started_at is not None
    assert small.started_at is not None
    assert gang.started_at < small.started_at


def test_a_failed_node_sends_the_whole_gang_back(world: World) -> None:
    gang = world.submit("sleep 100", gang=8, resources=Resources(1))
    world.wait(1)
    world.fail_node("main-002")
    assert (gang.state, gang.reason, gang.restarts, gang.allocation) == (JobState.QUEUED, "BeginTime", 1, ())
    assert world.node(1).free == world.node(1).capacity
    world.wait(50)
    assert gang.state.value == "queued"
    world.restore_node("main-002")
    world.finish()
    assert gang.state is JobState.COMPLETED


def test_a_gang_too_large_for_the_partition_waits(world: World) -> None:
    gang = world.submit("true", gang=9, resources=Resources(1))
    world.wait(1)
    assert gang.reason == "PartitionNodeLimit"
    world.scale(nodes=3)
    world.finish()
    assert gang.state is JobState.COMPLETED


def test_a_gang_wakes_up_an_autoscaled_cluster() -> None:
    world = World(nodes=0)
    world.scale(min_nodes=0, max_nodes=5)
    gang = world.submit("sleep 1", gang=7, resources=Resources(2))
    world.finish()
    assert gang.state is JobState.COMPLETED


def test_a_gang_needs_members(world: World) -> None:
    with pytest.raises(RequestError) as caught:
        world.submit(gang=0)
    assert caught.value.field == "gang"


def test_gpus_have_numbers_of_their_own(world: World) -> None:
    jobs = [world.submit(f"sleep {10 * number}", resources=Resources(1, 0, 1)) for number in (1, 2, 3, 4)]
    world.wait(1)
    assert [(job.node_names, job.gpu_ids) for job in jobs] == [
        (("main-001",), ((0,),)),
        (("main-001",), ((1,),)),
        (("main-002",), ((0,),)),
        (("main-002",), ((1,),)),
    ]
    world.wait(10)
    later = world.submit("true", resources=Resources(1, 0, 1))
    world.finish()
    assert (later.node_names, later.gpu_ids) == (("main-001",), ((0,),))
    assert world.node(1).gpus_in_use == world.node(2).gpus_in_use == set()
