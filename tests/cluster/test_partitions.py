"""Partitions: who may run where, for how long, on how many nodes."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.cluster.backend import NotFoundError, RequestError
from mock_server.cluster.job import JobState, Resources
from tests.cluster.world import World, reasons, run

WHOLE = Resources(4)


@pytest.fixture
def world() -> World:
    """Four nodes, and the partitions ``left`` (1, 2), ``middle`` (2, 3) and ``right`` (3, 4)."""
    world = World(nodes=4)
    for name, numbers in (("left", (1, 2)), ("middle", (2, 3)), ("right", (3, 4))):
        world.add_partition(name, numbers, default_time=600.0, max_time=3600.0, max_nodes=2)
    return world


def test_a_cluster_has_a_partition_of_its_own(world: World) -> None:
    own = world.backend.partitions["main"]
    assert own.is_default
    assert len(own.node_names) == 4
    world.scale(nodes=5)
    assert own.node_names == tuple(world.cluster.nodes)
    assert world.backend.partitions["left"].node_names == ("main-001", "main-002")
    assert world.submit().partition == "main"
    world.finish()


def test_jobs_stay_in_their_partition(world: World) -> None:
    jobs = [world.submit("sleep 10", partition="right", nodes=2, resources=WHOLE) for _ in range(2)]
    other = world.submit("sleep 10", partition="left")
    world.wait(5)
    assert jobs[0].node_names == ("main-003", "main-004")
    assert reasons(*jobs) == [None, "Resources"]
    assert other.node_names == ("main-001",)
    world.finish()


def test_who_waits_keeps_the_nodes_of_its_partition_from_those_behind(world: World) -> None:
    world.submit("sleep 100", partition="left", resources=WHOLE)
    wide = world.submit("sleep 10", partition="left", nodes=2, resources=WHOLE)
    shared = world.submit("sleep 10", partition="middle", resources=WHOLE)
    ahead = world.submit("sleep 10", partition="middle", resources=WHOLE, priority=1)
    behind = world.submit("true", partition="left")
    world.wait(1)
    assert reasons(wide, behind) == ["Resources", "Priority"]
    assert ahead.node_names == ("main-002",)
    # Node 2 is kept for the job of "left", so that only node 3 is left of "middle".
    assert shared.node_names == ("main-003",)
    world.finish()
    assert wide.started_at == pytest.approx(world.backend.jobs["job_1"].ended_at)


def test_without_a_limit_the_partition_gives_one(world: World) -> None:
    job = world.submit("sleep 1000", partition="left")
    unlimited = world.submit("sleep 1000")
    world.backend.add_partition("long", "main", max_time=50.0)
    bounded = world.submit("sleep 100", partition="long")
    assert (job.time_limit, unlimited.time_limit, bounded.time_limit) == (600.0, None, 50.0)
    world.finish()
    assert job.ended_at is not None
    assert job.started_at is not None
    assert job.reason == "TimeLimit"
    assert job.ended_at - job.started_at == pytest.approx(600)
    assert unlimited.state is JobState.COMPLETED


def test_what_a_partition_does_not_allow_waits_as_with_a_real_slurm(world: World) -> None:
    long = world.submit(partition="left", time_limit=3601.0)
    wide = world.submit(partition="left", nodes=3)
    inside = world.submit(partition="left", time_limit=3600.0, nodes=2)
    world.backend.partitions["middle"].max_nodes = 1
    narrow = world.submit(partition="middle", nodes=2)
    world.finish()
    assert reasons(long, wide, narrow) == ["PartitionTimeLimit", "PartitionNodeLimit", "PartitionNodeLimit"]
    assert inside.state is JobState.COMPLETED
    with pytest.raises(RequestError) as caught:
        world.submit(partition="left", resources=Resources(1, 17 * 10**9))
    assert caught.value.field == "memory"


def test_the_default_partition_may_yet_grow(world: World) -> None:
    world.backend.add_partition("small", "main", ("main-001",), is_default=True)
    assert not world.backend.partitions["main"].is_default
    job = world.submit(nodes=2)
    world.wait(1)
    assert (job.partition, job.reason) == ("small", "PartitionNodeLimit")
    world.scale(nodes=5)
    world.finish()
    assert job.node_names == ("main-001", "main-005")


@pytest.mark.parametrize("state", ["DOWN", "INACTIVE"])
def test_a_partition_that_is_down_starts_nothing(world: World, state: Any) -> None:
    running = world.submit("sleep 50", partition="left")
    waiting = world.submit("sleep 50", partition="left", resources=WHOLE, nodes=2)
    world.wait(1)
    world.backend.set_partition_state("left", state)
    world.wait(100)
    assert running.state is JobState.COMPLETED
    assert (waiting.state, waiting.reason) == (JobState.QUEUED, "PartitionDown")
    world.backend.set_partition_state("left", "UP")
    world.finish()
    assert waiting.state is JobState.COMPLETED


@pytest.mark.parametrize(("state", "taken"), [("UP", True), ("DOWN", True), ("DRAIN", False), ("INACTIVE", False)])
def test_which_partitions_take_jobs_in(world: World, state: Any, taken: bool) -> None:
    world.backend.set_partition_state("left", state)
    if taken:
        world.submit(partition="left")
    else:
        with pytest.raises(RequestError) as caught:
            world.submit(partition="left")
        assert caught.value.field == "partition"
    world.finish()


def test_partitions_belong_to_clusters(world: World) -> None:
    world.backend.add_cluster(id="c2", name="other", provider="", region="", nodes=1, node_shape=WHOLE)
    assert world.submit(partition="other").cluster_id == "c2"
    assert world.submit(partition="other", cluster_id="other").cluster_id == "c2"
    for options in ({"partition": "nowhere"}, {"partition": "other", "cluster_id": "main"}):
        with pytest.raises(RequestError) as caught:
            world.submit(**options)
        assert caught.value.field == "partition"
    for name, cluster, nodes in (("left", "main", None), ("new", "main", ("other-001",)), ("new", "c2", ("main-001",))):
        with pytest.raises(ValueError, match="exists|no nodes called"):
            world.backend.add_partition(name, cluster, nodes)
    with pytest.raises(NotFoundError):
        world.backend.set_partition_state("nowhere", "UP")


def test_names_of_nodes_are_unique_over_all_clusters(world: World) -> None:
    cluster, node = world.backend.node("main-003")
    assert (cluster.id, node.name, node.cluster_id) == ("cluster-1", "main-003", "cluster-1")
    with pytest.raises(NotFoundError) as caught:
        world.backend.node("main-009")
    assert caught.value.kind == "node"
    with pytest.raises(ValueError, match="nodes called main-001 exist"):
        world.backend.add_cluster(
            id="x", name="x", provider="", region="", nodes=1, node_shape=WHOLE, node_name="main-{:03d}".format
        )
    world.backend.add_cluster(id="c2", name="other", provider="", region="", nodes=1, node_shape=WHOLE)
    with pytest.raises(NotFoundError):
        run(world.backend.fail_node("other", "main-001", "no such node there"))


def test_the_autoscaler_does_not_grow_for_a_partition_of_chosen_nodes(world: World) -> None:
    world.scale(min_nodes=4, max_nodes=8, target_utilization=1.0)
    for _ in range(6):
        world.submit("sleep 500", partition="left", resources=WHOLE)
    world.wait(200)
    assert len(world.cluster.nodes) == 4
    for _ in range(4):
        world.submit("sleep 500", resources=WHOLE)
    world.wait(200)
    assert len(world.cluster.nodes) > 4
