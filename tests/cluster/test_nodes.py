"""What is known of nodes, draining them, and jobs that want particular ones."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.fleet import BOOT_SECONDS
from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.node import NodeState
from mock_server.cluster.site import REQUEUE_SECONDS
from tests.cluster.world import START, World, reasons, text

WHOLE = Resources(4)


def test_facts(world: World) -> None:
    cluster = world.backend.add_cluster(
        id="c2",
        name="other",
        provider="",
        region="",
        nodes=1,
        node_shape=WHOLE,
        created_at=START - 100,
        features=("gpu", "cuda"),
        gpu_type="nvidia-a100",
    )
    node = cluster.nodes["other-001"]
    assert (node.cluster_id, node.features, node.gpu_type) == ("c2", ("gpu", "cuda"), "nvidia-a100")
    assert (node.boot_time, node.last_busy, node.cpu_load) == (START - 100, None, 0.0)


def test_when_a_node_was_busy(world: World) -> None:
    job = world.submit("./train", resources=Resources(3))
    world.wait(3)
    assert world.node(1).last_busy == job.started_at
    assert 3 * 0.55 <= world.node(1).cpu_load <= 3 * 0.98
    assert job.consumption.cpu_seconds == pytest.approx(2.9 * world.node(1).cpu_load)
    world.finish()
    assert (world.node(1).last_busy, world.node(1).cpu_load) == (job.ended_at, 0.0)
    assert world.node(2).last_busy is None


def test_when_a_node_was_booted(world: World) -> None:
    world.scale(nodes=3)
    world.finish()
    assert world.node(3).boot_time == START + BOOT_SECONDS
    world.wait(10)
    world.drain_node("main-001")
    world.restore_node("main-001")
    assert world.node(1).boot_time == START
    world.fail_node("main-001")
    world.restore_node("main-001")
    assert world.node(1).boot_time == world.backend.now


def test_a_drain_with_a_timeout_sends_away_what_still_runs(world: World) -> None:
    short, long = world.submit("sleep 5"), world.submit("sleep 100", resources=Resources(3))
    world.wait(1)
    world.drain_node("main-001", timeout=20.0)
    assert world.node(1).state is NodeState.DRAINING
    world.wait(19.5)
    assert short.state is JobState.COMPLETED
    assert long.state is JobState.RUNNING
    world.wait(1)
    assert (long.state, long.reason, long.restarts) == (JobState.QUEUED, "BeginTime", 1)
    assert text(long) == ["Node main-001 had to be empty by now: maintenance. Job requeued, restart 1"]
    assert (world.node(1).state, world.node(1).reason) == (NodeState.DRAINED, "maintenance")
    assert world.kinds("main-001") == ["node.draining", "node.drained"]
    world.finish()
    assert long.node_names == ("main-002",)
    assert long.started_at == START + 21 + REQUEUE_SECONDS


def test_who_drains_anew_sets_a_new_time(world: World) -> None:
    job = world.submit("sleep 100")
    world.wait(1)
    world.drain_node("main-001", timeout=10.0)
    world.drain_node("main-001", timeout=30.0)
    world.wait(15)
    assert job.state is JobState.RUNNING
    world.drain_node("main-001")
    world.wait(30)
    assert job.state is JobState.RUNNING
    world.drain_node("main-001", timeout=10.0)
    world.restore_node("main-001")
    world.wait(30)
    assert (job.restarts, world.node(1).state) == (0, NodeState.READY)
    world.finish()


def test_a_drain_without_time_is_at_once(world: World) -> None:
    job = world.submit("sleep 100")
    world.wait(1)
    world.drain_node("main-001", timeout=0.0)
    assert (job.restarts, world.node(1).state) == (1, NodeState.DRAINED)
    with pytest.raises(RequestError) as caught:
        world.drain_node("main-002", timeout=-1.0)
    assert caught.value.field == "timeout"
    assert world.node(2).state is NodeState.READY
    world.finish()


def test_a_job_gets_the_nodes_that_it_requires(world: World) -> None:
    job = world.submit("sleep 10", required_nodes=("main-002",))
    wide = world.submit("sleep 10", required_nodes=("main-002",), nodes=2)
    gang = world.submit("sleep 10", required_nodes=("main-002",), gang=2)
    world.finish()
    assert job.node_names == ("main-002",)
    assert set(wide.node_names) == {"main-001", "main-002"}
    assert gang.allocation == (("main-002", 2),)


def test_a_busy_required_node_is_waited_for(world: World) -> None:
    world.submit("sleep 10", required_nodes=("main-002",), resources=WHOLE)
    job = world.submit("sleep 10", required_nodes=("main-002",))
    world.wait(1)
    assert job.reason == "Resources"
    world.finish()


def test_a_required_node_that_is_not_available(world: World) -> None:
    world.drain_node("main-002")
    job = world.submit("true", required_nodes=("main-002",))
    world.wait(1)
    head = world.submit("sleep 10", nodes=2, required_nodes=("main-001", "main-002"))
    other = world.submit("true")
    world.wait(1)
    assert reasons(job, head) == ["ReqNodeNotAvail, UnavailableNodes:main-002"] * 2
    assert other.state is JobState.COMPLETED
    world.drain_node("main-001")
    assert head.reason == "ReqNodeNotAvail, UnavailableNodes:main-001,main-002"
    for name in ("main-001", "main-002"):
        world.restore_node(name)
    world.finish()
    assert job.state is head.state is JobState.COMPLETED


def test_a_node_that_drains_while_a_job_waits_for_it(world: World) -> None:
    world.submit("sleep 100", resources=WHOLE)
    job = world.submit("true", required_nodes=("main-001",))
    behind = world.submit("sleep 1")
    world.wait(1)
    assert reasons(job, behind) == ["Resources", "Priority"]
    world.drain_node("main-001")
    world.wait(2)
    assert job.reason == "ReqNodeNotAvail, UnavailableNodes:main-001"
    assert behind.state is JobState.COMPLETED
    world.restore_node("main-001")
    world.finish()


@pytest.mark.parametrize("options", [{"required_nodes": ("main-009",)}, {"required_nodes": ("main-001", "main-002")}])
def test_nodes_that_cannot_be_required(world: World, options: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        world.submit(**options)
    assert caught.value.field == "required_nodes"
