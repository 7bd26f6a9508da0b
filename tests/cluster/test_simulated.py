"""The port as the families see it, and determinism."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import mock_server.cluster
from mock_server.cluster.backend import NotFoundError, RequestError, StateError
from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.simulated import SimulatedCluster
from tests.cluster.world import SHAPE, START, World, request, run
from tests.support.effort import effort

if TYPE_CHECKING:
    from mock_server.cluster.backend import ClusterBackend


def test_it_is_a_backend(world: World) -> None:
    backend: ClusterBackend = world.backend
    assert backend.cluster("main") is backend.cluster("cluster-1") is backend.clusters["cluster-1"]
    assert backend.next_event_at() is None


def test_the_first_cluster_is_the_default(world: World) -> None:
    world.backend.add_cluster(id="c2", name="other", provider="gcp", region="eu", nodes=1, node_shape=SHAPE)
    assert world.submit().cluster_id == "cluster-1"
    assert world.submit(cluster_id="other").cluster_id == "c2"
    assert world.submit(cluster_id="c2").cluster_id == "c2"
    with pytest.raises(NotFoundError, match="Cluster 'nowhere' not found"):
        world.submit(cluster_id="nowhere")
    world.finish()


def test_ids_and_names_of_clusters_are_unique(world: World) -> None:
    for name, cluster_id in [("main", "x"), ("x", "cluster-1")]:
        with pytest.raises(ValueError, match="exists"):
            world.backend.add_cluster(id=cluster_id, name=name, provider="", region="", nodes=0, node_shape=SHAPE)


def test_nodes_can_have_names_to_measure() -> None:
    backend = SimulatedCluster(now=START)
    cluster = backend.add_cluster(
        id="c",
        name="c",
        provider="",
        region="",
        nodes=2,
        node_shape=SHAPE,
        node_name="node{:03d}".format,
        created_at=0.0,
    )
    assert list(cluster.nodes) == ["node001", "node002"]
    assert cluster.created_at == 0.0


def test_without_a_cluster_nothing_can_be_submitted() -> None:
    with pytest.raises(RequestError) as caught:
        run(SimulatedCluster(now=START).submit(request()))
    assert caught.value.field == "cluster_id"


@pytest.mark.parametrize("command", ["true", "false"])
def test_a_finished_job_refuses_commands(world: World, command: str) -> None:
    job = world.ran(command)
    before = world.backend.events()
    for refused in (world.cancel, world.hold, world.release):
        with pytest.raises(StateError, match=f"is {job.state.value}"):
            refused(job)
    assert world.backend.events() == before


@pytest.mark.parametrize("name", ["cancel", "delete", "hold", "release", "update"])
def test_unknown_jobs(world: World, name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        run(getattr(world.backend, name)("nobody"))
    assert (caught.value.kind, caught.value.key) == ("job", "nobody")


def test_update_changes_what_is_given(world: World) -> None:
    job = world.submit("echo $A > f", environment={"A": "1"})
    world.update(job, name="renamed", priority=3, environment={"A": "2"}, output_path="/data")
    assert (job.name, job.priority, job.environment, job.output_path) == ("renamed", 3, {"A": "2"}, "/data")
    assert (job.request.name, job.request.environment) == ("a job", {"A": "1"})
    world.finish()
    assert job.outputs["/data/f"].content == b"2\n"
    assert world.kinds(job.id)[:2] == ["job.created", "job.updated"]


def test_update_without_changes_is_silent(world: World) -> None:
    job = world.submit()
    world.update(job)
    assert world.kinds(job.id) == ["job.created"]


def test_a_started_job_keeps_its_environment(world: World) -> None:
    job = world.submit("sleep 10")
    world.wait(1)
    changes: list[dict[str, Any]] = [{"environment": {}}, {"output_path": "/x"}]
    for change in changes:
        with pytest.raises(StateError, match="fixed at its start"):
            world.update(job, name="new", **change)
    assert job.name == "a job"
    world.update(job, name="new", priority=2)
    assert (job.name, job.priority) == ("new", 2)


def test_the_environment_of_the_caller_is_copied(world: World) -> None:
    environment = {"A": "1"}
    job = world.submit("echo $A", environment=environment)
    environment["A"] = "2"
    world.finish()
    assert [line.text for line in job.log.lines] == ["1"]


def test_time_only_moves_forward(world: World) -> None:
    job = world.submit("sleep 10")
    assert world.backend.next_event_at() == pytest.approx(START + 0.1)
    world.backend.advance(START + 5)
    world.backend.advance(START)
    assert world.backend.now == START + 5
    assert world.backend.next_event_at() == pytest.approx(START + 10.1)
    world.finish()
    assert job.state is JobState.COMPLETED
    assert world.backend.next_event_at() is None


def play(seed: int, choices: int) -> list[str]:
    """Give a long, arbitrary but repeatable series of commands; return the history."""
    random = Random(choices)
    world = World(nodes=3, seed=seed)
    commands = ["true", "echo hi; sleep 5", "python train.py", "exit 2", "seq 3000", "echo $X > f; cat f"]
    for _ in range(150):
        jobs = [job for job in world.backend.jobs.values() if not job.state.is_terminal]
        match random.randrange(7):
            case 0 if jobs:
                world.cancel(random.choice(jobs))
            case 1 if jobs:
                world.update(random.choice(jobs), priority=random.randrange(5))
            case 2:
                name = random.choice(list(world.cluster.nodes))
                random.choice([world.fail_node, world.restore_node, world.restore_node, world.drain_node])(name)
            case _:
                asked = Resources(random.randint(1, 4), gpus=random.randint(0, 2))
                world.submit(random.choice(commands), resources=asked, nodes=random.randint(1, 2))
        world.wait(random.uniform(0, 20))
    for name in world.cluster.nodes:
        world.restore_node(name)
    world.finish()
    assert all(job.state.is_terminal for job in world.backend.jobs.values())
    return list(map(repr, world.backend.events()))


@pytest.mark.parametrize("choices", range(effort(2, 5)))
def test_the_same_seed_and_calls_give_the_same_history(choices: int) -> None:
    first = play(seed=7, choices=choices)
    assert len(first) > 500
    assert play(seed=7, choices=choices) == first
    assert play(seed=8, choices=choices) != first


def test_events_are_numbered_and_ordered_in_time(world: World) -> None:
    for command in ("true", "sleep 3", "python x.py"):
        world.submit(command)
        world.wait(1)
    world.finish()
    events = world.backend.events()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert world.backend.events(events[-2].sequence) == [events[-1]]


def test_many_small_steps_are_one_large_step() -> None:
    def history(steps: int) -> list[str]:
        world = World()
        for command in ("echo a; sleep 7; echo b", "python train.py", "seq 2500", "sleep 100"):
            world.submit(command, resources=Resources(3))
        for step in range(1, steps + 1):
            world.backend.advance(START + 600 * step / steps)
        return list(map(repr, world.backend.events()))

    assert history(1) == history(977)


FORBIDDEN = {"asyncio", "threading", "socket", "subprocess", "time", "os", "httpx", "starlette", "secrets", "datetime"}


def test_the_simulation_touches_nothing_of_the_host() -> None:
    folder = Path(mock_server.cluster.__file__).parent
    for path in [*folder.glob("*.py"), *folder.glob("shell/*.py")]:
        if path.name == "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not FORBIDDEN & {name.split(".")[0] for name in names}, path
