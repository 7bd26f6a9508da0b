"""Scaling within a range."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from mock_server.cluster.autoscaler import COOL_DOWN_SECONDS
from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.node import NodeState, ScalePolicy
from tests.cluster.world import World

WHOLE = Resources(4)


def size(world: World) -> int:
    return sum(not node.retiring for node in world.cluster.nodes.values())


def test_a_range_takes_effect_at_once() -> None:
    world = World(nodes=3)
    world.scale(min_nodes=5, max_nodes=9)
    assert size(world) == 5
    world.scale(min_nodes=0, max_nodes=2)
    world.finish()
    assert size(world) == 0
    assert world.cluster.scaling == ScalePolicy(min_nodes=0, max_nodes=2)


def test_load_adds_nodes_up_to_the_maximum_and_idleness_removes_them() -> None:
    world = World(nodes=1)
    world.scale(min_nodes=1, max_nodes=6, target_utilization=1.0)
    jobs = [world.submit("sleep 1000", resources=WHOLE) for _ in range(10)]
    world.wait(1)
    assert size(world) == 6
    world.wait(60)
    assert [job.state for job in jobs].count(JobState.RUNNING) == 6
    world.finish()
    assert all(job.state is JobState.COMPLETED and job.restarts == 0 for job in jobs)
    assert size(world) == 1


def test_the_target_leaves_room() -> None:
    world = World(nodes=1)
    world.scale(min_nodes=1, max_nodes=100, target_utilization=0.5)
    for _ in range(4):
        world.submit("sleep 1000", resources=Resources(2))
    world.wait(1)
    assert size(world) == 4
    other = World(nodes=1)
    other.scale(min_nodes=1, max_nodes=100, target_utilization=0.1)
    other.submit("sleep 1000", resources=Resources(4, 0, 1))
    other.submit("sleep 1000", resources=Resources(0, 0, 0), nodes=1)
    other.wait(1)
    assert size(other) == 10


def test_an_empty_cluster_wakes_up_for_a_gang() -> None:
    world = World(nodes=0)
    world.scale(min_nodes=0, max_nodes=5)
    gang = world.submit("sleep 10", nodes=5, resources=Resources(0))
    impossible = world.submit("true", nodes=6)
    world.finish()
    assert gang.state is JobState.COMPLETED
    assert impossible.reason == "PartitionNodeLimit"
    assert size(world) == 0


def test_nothing_changes_within_the_cool_down() -> None:
    world = World(nodes=1)
    world.scale(min_nodes=1, max_nodes=10, target_utilization=1.0)
    for _ in range(20):
        world.submit("sleep 20", resources=WHOLE)
        world.wait(7)
    world.finish()
    changes = [event.at for event in world.backend.events() if event.kind == "cluster.scaled"][1:]
    assert len(changes) > 2
    gaps = [later - earlier for earlier, later in pairwise(changes)]
    assert min(gaps) >= COOL_DOWN_SECONDS


def test_a_failed_node_is_replaced() -> None:
    world = World(nodes=1)
    world.scale(min_nodes=1, max_nodes=3, target_utilization=1.0)
    job = world.submit("sleep 100", resources=WHOLE)
    world.wait(1)
    world.fail_node(job.node_names[0])
    world.finish()
    assert (job.state, job.restarts) == (JobState.COMPLETED, 1)


@pytest.mark.parametrize(
    ("field", "policy"),
    [
        ("nodes", ScalePolicy(nodes=-1)),
        ("nodes", ScalePolicy(nodes=1, min_nodes=1, max_nodes=2)),
        ("nodes", ScalePolicy(nodes=1, target_utilization=0.5)),
        ("min_nodes", ScalePolicy()),
        ("min_nodes", ScalePolicy(max_nodes=2)),
        ("max_nodes", ScalePolicy(min_nodes=2)),
        ("min_nodes", ScalePolicy(min_nodes=3, max_nodes=2)),
        ("min_nodes", ScalePolicy(min_nodes=-1, max_nodes=2)),
        ("target_utilization", ScalePolicy(min_nodes=1, max_nodes=2, target_utilization=0.0)),
        ("target_utilization", ScalePolicy(min_nodes=1, max_nodes=2, target_utilization=1.5)),
    ],
)
def test_impossible_policies_are_refused(world: World, field: str, policy: ScalePolicy) -> None:
    before = world.cluster.scaling
    with pytest.raises(RequestError) as caught:
        world.scale(**{name: getattr(policy, name) for name in ScalePolicy.__dataclass_fields__})
    assert caught.value.field == field
    assert world.cluster.scaling == before


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 300), st.integers(0, 90)), max_size=15),
    st.integers(0, 3),
    st.integers(3, 6),
    st.sampled_from([0.3, 0.8, 1.0]),
)
def test_a_busy_node_is_never_taken(
    jobs: list[tuple[int, int, int, int]], lowest: int, highest: int, target: float
) -> None:
    world = World(nodes=2)
    world.scale(min_nodes=lowest, max_nodes=highest, target_utilization=target)
    for cpus, nodes, seconds, pause in jobs:
        world.submit(f"sleep {seconds}", resources=Resources(cpus), nodes=nodes)
        world.wait(pause)
        assert all(node.state is not NodeState.DRAINING for node in world.cluster.nodes.values())
        assert lowest <= size(world) <= highest
    world.finish()
    assert all(job.state is JobState.COMPLETED and job.restarts == 0 for job in world.backend.jobs.values())
    assert size(world) == lowest
