"""Nodes that fail, drain, boot and leave."""

from __future__ import annotations

import pytest

from mock_server.cluster.backend import NotFoundError
from mock_server.cluster.fleet import BOOT_SECONDS
from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.node import NodeState
from mock_server.cluster.site import REQUEUE_SECONDS
from tests.cluster.world import World, text

WHOLE = Resources(4)


def test_the_jobs_of_a_failed_node_start_again(world: World) -> None:
    job = world.submit("echo begin; sleep 100; echo end")
    world.wait(50)
    world.fail_node("main-001")
    assert (job.state, job.restarts, job.reason) == (JobState.QUEUED, 1, "BeginTime")
    assert (job.started_at, job.node_names) == (None, ())
    assert (world.node().state, world.node().reason) == (NodeState.DOWN, "power supply")
    world.wait(REQUEUE_SECONDS - 0.5)
    assert job.state is JobState.QUEUED
    world.wait(1)
    assert job.node_names == ("main-002",)
    world.finish()
    assert text(job) == [
        "begin",
        "Node main-001 failed: power supply. Job requeued, restart 1",
        "begin",
        "end",
    ]
    assert world.kinds(job.id) == [
        "job.created",
        "job.started",
        "job.log",
        "job.requeued",
        "job.log",
        "job.started",
        "job.log",
        "job.log",
        "job.completed",
    ]


def test_a_gang_leaves_all_its_nodes(world: World) -> None:
    gang = world.submit("sleep 10", nodes=2, resources=WHOLE)
    world.wait(1)
    world.fail_node("main-002")
    assert world.node(1).free == world.node(1).capacity
    world.wait(100)
    assert gang.state is JobState.QUEUED
    assert gang.reason == "Resources"
    world.restore_node("main-002")
    world.finish()
    assert (gang.state, gang.restarts) == (JobState.COMPLETED, 1)


def test_a_requeued_job_keeps_its_place() -> None:
    world = World(nodes=1)
    first = world.submit("sleep 10", resources=WHOLE)
    second = world.submit("sleep 10", resources=WHOLE)
    world.wait(1)
    world.fail_node("main-001")
    world.wait(REQUEUE_SECONDS + 1)
    world.restore_node("main-001")
    world.wait(0)
    assert first.state is JobState.RUNNING
    assert second.state is JobState.QUEUED


def test_a_job_can_be_cancelled_and_deleted_while_it_waits_for_its_restart(world: World) -> None:
    jobs = [world.submit("sleep 100"), world.submit("sleep 100")]
    world.wait(1)
    world.fail_node("main-001")
    world.cancel(jobs[0])
    world.delete(jobs[1])
    world.finish()
    assert (jobs[0].state, jobs[0].signal) == (JobState.CANCELLED, None)


def test_a_failed_node_gets_no_jobs_until_it_is_restored() -> None:
    world = World(nodes=1)
    world.fail_node("main-001")
    job = world.submit("true")
    world.wait(1000)
    assert (job.state, job.reason) == (JobState.QUEUED, "Resources")
    world.restore_node("main-001")
    world.finish()
    assert job.state is JobState.COMPLETED
    assert world.node().reason is None
    assert world.kinds("main-001") == ["node.down", "node.up"]


def test_restoring_a_ready_node_changes_nothing(world: World) -> None:
    world.restore_node("main-001")
    assert world.backend.events() == []


def test_a_drained_node_finishes_its_jobs(world: World) -> None:
    world.drain_node("main-002")
    assert world.node(2).state is NodeState.DRAINED
    job = world.submit("sleep 100")
    world.wait(1)
    world.drain_node("main-001")
    assert (world.node(1).state, world.node(1).reason) == (NodeState.DRAINING, "maintenance")
    waiting = world.submit("true")
    world.wait(200)
    assert job.state is JobState.COMPLETED
    assert world.node(1).state is NodeState.DRAINED
    assert waiting.state.value == "queued"
    world.restore_node("main-001")
    world.finish()
    assert waiting.state is JobState.COMPLETED
    assert world.kinds("main-001") == ["node.draining", "node.drained", "node.up"]


def test_a_drain_can_be_undone_before_it_is_complete(world: World) -> None:
    job = world.submit("sleep 100")
    world.wait(1)
    world.drain_node("main-001")
    world.restore_node("main-001")
    assert world.node().state is NodeState.READY
    world.finish()
    assert (job.state, job.restarts) == (JobState.COMPLETED, 0)


def test_a_node_that_is_down_cannot_drain(world: World) -> None:
    world.fail_node("main-001")
    world.drain_node("main-001")
    assert world.node().state is NodeState.DOWN


def test_more_nodes_boot_before_they_take_jobs(world: World) -> None:
    world.scale(nodes=4)
    assert [node.state for node in world.cluster.nodes.values()].count(NodeState.BOOTING) == 2
    wide = world.submit("true", nodes=4)
    world.wait(BOOT_SECONDS - 1)
    assert wide.state.value == "queued"
    world.wait(1)
    assert wide.state is JobState.COMPLETED
    assert world.kinds("main-004") == ["node.up"]
    assert world.kinds("cluster-1") == ["cluster.scaled"]


def test_fewer_nodes_leave_idle_ones_first_and_drain_busy_ones() -> None:
    world = World(nodes=4)
    jobs = [world.submit("sleep 100", resources=WHOLE) for _ in range(3)]
    world.wait(1)
    world.scale(nodes=1)
    assert list(world.cluster.nodes) == ["main-001", "main-002", "main-003"]
    assert [node.state.value for node in world.cluster.nodes.values()] == ["ready", "draining", "draining"]
    assert [job.state for job in jobs] == [JobState.RUNNING] * 3
    world.finish()
    assert list(world.cluster.nodes) == ["main-001"]
    assert all(job.state is JobState.COMPLETED for job in jobs)
    assert world.kinds("main-004") == world.kinds("main-003") == ["node.removed"]


def test_an_idle_node_leaves_before_a_newer_busy_one(world: World) -> None:
    world.submit("sleep 10", resources=WHOLE)
    world.submit("sleep 100", resources=WHOLE)
    world.wait(50)
    world.scale(nodes=1)
    assert list(world.cluster.nodes) == ["main-002"]
    assert world.node(2).state is NodeState.READY


def test_the_other_nodes_of_a_gang_finish_their_drain(world: World) -> None:
    world.submit("sleep 100", resources=WHOLE, nodes=2)
    world.wait(1)
    world.drain_node("main-002")
    world.fail_node("main-001")
    assert world.node(2).state is NodeState.DRAINED
    world.backend.check_invariants()


def test_growing_again_keeps_the_nodes_that_were_to_leave() -> None:
    world = World(nodes=2)
    world.submit("sleep 100", resources=WHOLE, nodes=2)
    world.wait(1)
    world.scale(nodes=0)
    world.scale(nodes=2)
    assert [node.state for node in world.cluster.nodes.values()] == [NodeState.READY] * 2
    world.finish()
    assert len(world.cluster.nodes) == 2


def test_growing_again_does_not_undo_somebodys_drain() -> None:
    world = World(nodes=1)
    world.submit("sleep 100", resources=WHOLE)
    world.wait(1)
    world.drain_node("main-001")
    world.scale(nodes=0)
    world.scale(nodes=1)
    world.finish()
    assert world.node().state is NodeState.DRAINED


def test_a_node_leaving_or_failing_while_it_boots_never_comes_up(world: World) -> None:
    world.scale(nodes=4)
    world.fail_node("main-003")
    world.scale(nodes=3)
    assert "main-003" not in world.cluster.nodes
    world.scale(nodes=2)
    world.finish()
    assert list(world.cluster.nodes) == ["main-001", "main-002"]
    assert world.kinds("main-004") == ["node.removed"]


def test_a_leaving_node_that_fails_is_gone(world: World) -> None:
    job = world.submit("sleep 100", resources=WHOLE, nodes=2)
    world.wait(1)
    world.scale(nodes=1)
    world.fail_node("main-002")
    assert list(world.cluster.nodes) == ["main-001"]
    world.finish()
    assert (job.state, job.reason) == (JobState.QUEUED, "PartitionNodeLimit")


def test_names_are_not_used_twice(world: World) -> None:
    world.scale(nodes=1)
    world.scale(nodes=2)
    assert list(world.cluster.nodes) == ["main-001", "main-003"]


def test_unknown_nodes_and_clusters(world: World) -> None:
    with pytest.raises(NotFoundError, match="Node 'main-009' not found"):
        world.fail_node("main-009")
    with pytest.raises(NotFoundError, match="Cluster 'x' not found"):
        world.backend.cluster("x")
