"""Who starts when and where."""

from __future__ import annotations

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import JobState, Resources
from tests.cluster.world import START, World

WHOLE = Resources(4)


def started(world: World) -> list[str]:
    """Return the names of the started jobs in their order."""
    jobs = world.backend.jobs
    return [jobs[event.subject].name for event in world.backend.events() if event.kind == "job.started"]


def test_first_come_first_served() -> None:
    world = World(nodes=1)
    for name in "abcd":
        world.submit("sleep 10", name=name, resources=WHOLE)
    world.finish()
    assert started(world) == ["a", "b", "c", "d"]
    assert [job.started_at for job in world.backend.jobs.values()] == pytest.approx(
        [START + 0.1 + 10 * number for number in range(4)]
    )


def test_higher_priority_first() -> None:
    world = World(nodes=1)
    for name, priority in [("a", 0), ("b", 1), ("c", 5), ("d", 5), ("e", 9)]:
        world.submit("sleep 10", name=name, priority=priority, resources=WHOLE)
    world.finish()
    assert started(world) == ["e", "c", "d", "b", "a"]


def test_a_running_job_is_not_preempted() -> None:
    world = World(nodes=1)
    world.submit("sleep 10", name="a", resources=WHOLE)
    world.wait(1)
    world.submit("sleep 10", name="b", resources=WHOLE, priority=100)
    world.finish()
    assert started(world) == ["a", "b"]


def test_a_changed_priority_reorders_the_queue() -> None:
    world = World(nodes=1)
    jobs = {name: world.submit("sleep 10", name=name, resources=WHOLE) for name in "abcd"}
    world.wait(1)
    world.update(jobs["d"], priority=7)
    world.update(jobs["b"], priority=-7)
    world.finish()
    assert started(world) == ["a", "d", "c", "b"]


def test_the_head_blocks_the_rest(world: World) -> None:
    world.submit("sleep 100", name="running", resources=WHOLE)
    world.submit("sleep 10", name="wide", nodes=2, resources=WHOLE)
    small = world.submit("true", name="small", resources=Resources(1))
    world.wait(50)
    assert (small.state, small.reason) == (JobState.QUEUED, "Priority")
    world.finish()
    assert started(world) == ["running", "wide", "small"]


def test_the_head_of_one_cluster_does_not_block_another(world: World) -> None:
    world.backend.add_cluster(id="c2", name="other", provider="gcp", region="eu", nodes=1, node_shape=WHOLE)
    for _ in range(2):
        world.submit("sleep 100", nodes=2, resources=WHOLE)
    other = world.submit("sleep 1", cluster_id="other")
    world.wait(50)
    assert other.state is JobState.COMPLETED
    assert other.cluster_id == "c2"


def test_jobs_share_a_node_while_they_fit(world: World) -> None:
    jobs = [
        world.submit("sleep 10", resources=Resources(cpus, memory * 10**9, gpus))
        for cpus, memory, gpus in [(1, 0, 1), (1, 0, 1), (1, 0, 1), (1, 16, 0), (3, 0, 0), (1, 0, 0)]
    ]
    world.wait(1)
    assert [job.node_names for job in jobs] == [
        ("main-001",),
        ("main-001",),
        ("main-002",),
        ("main-001",),
        ("main-002",),
        ("main-001",),
    ]


def test_a_gang_starts_all_or_nothing(world: World) -> None:
    world.submit("sleep 10", resources=Resources(3))
    gang = world.submit("sleep 10", nodes=2, resources=Resources(2))
    world.wait(5)
    assert gang.state is JobState.QUEUED
    assert world.node(2).free == world.node(2).capacity
    world.wait(6)
    assert gang.node_names == ("main-001", "main-002")
    assert world.node(1).free.cpus == world.node(2).free.cpus == 2


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("cpus", {"resources": Resources(5)}),
        ("cpus", {"resources": Resources(-1)}),
        ("memory", {"resources": Resources(1, 17 * 10**9)}),
        ("gpus", {"resources": Resources(1, 0, 3)}),
        ("nodes", {"nodes": 0}),
        ("time_limit", {"time_limit": 0.0}),
        ("command", {"command": "x" * 70_000}),
    ],
)
def test_what_could_never_run_is_refused(world: World, field: str, options: dict[str, object]) -> None:
    with pytest.raises(RequestError) as caught:
        world.submit(**options)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert world.backend.jobs == {}
    assert world.backend.events() == []


def test_a_job_too_large_for_the_cluster_steps_aside(world: World) -> None:
    large = world.submit("true", nodes=3)
    small = world.submit("true")
    world.finish()
    assert (large.state, large.reason) == (JobState.QUEUED, "PartitionNodeLimit")
    assert small.state is JobState.COMPLETED
    world.update(large, priority=3)
    world.scale(nodes=3)
    world.finish()
    assert large.state is JobState.COMPLETED


def test_a_job_set_aside_can_be_cancelled(world: World) -> None:
    large = world.submit("true", nodes=3)
    world.wait(1)
    world.cancel(large)
    world.scale(nodes=3)
    world.finish()
    assert large.state is JobState.CANCELLED
    assert large.started_at is None


def test_hold_and_release(world: World) -> None:
    pending, running = world.submit("true"), world.submit("sleep 100")
    world.hold(pending)
    world.wait(5)
    world.hold(running)
    assert (pending.state, pending.reason, pending.held) == (JobState.PENDING, "JobHeldUser", True)
    assert (running.state, running.held) == (JobState.RUNNING, True)
    world.release(pending)
    assert (pending.held, pending.reason) == (False, None)
    world.wait(5)
    assert pending.state is JobState.COMPLETED
    world.release(running)
    world.finish()
    assert running.state is JobState.COMPLETED


def test_a_held_head_lets_others_pass() -> None:
    world = World(nodes=1)
    world.submit("sleep 10", name="a", resources=WHOLE)
    held = world.submit("sleep 10", name="b", resources=WHOLE)
    world.submit("sleep 10", name="c", resources=WHOLE)
    world.wait(1)
    world.hold(held)
    world.wait(30)
    assert (held.state, held.reason) == (JobState.QUEUED, "JobHeldUser")
    world.release(held)
    world.release(held)
    world.finish()
    assert started(world) == ["a", "c", "b"]


def test_a_running_job_that_was_held_stays_after_a_node_failure(world: World) -> None:
    job = world.submit("sleep 100")
    world.wait(1)
    world.hold(job)
    world.fail_node(job.node_names[0])
    world.finish()
    assert (job.state, job.reason) == (JobState.QUEUED, "JobHeldUser")
    world.release(job)
    world.finish()
    assert (job.state, job.restarts) == (JobState.COMPLETED, 1)
