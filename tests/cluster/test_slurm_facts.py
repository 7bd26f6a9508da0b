"""What a real Slurm 22.05.8 did, and does the simulated cluster: states, reasons and ends."""

from __future__ import annotations

import re

import pytest

from mock_server.cluster.backend import RequestError, StateError
from mock_server.cluster.job import Dependency, Job, JobState, Resources
from mock_server.cluster.node import NodeState
from tests.cluster.shared_data import shared_data
from tests.cluster.world import World, run

NODE = Resources(cpus=8, memory=16 * 10**9)
WHOLE = Resources(8)


@pytest.fixture
def world() -> World:
    """Four nodes of eight CPUs in a partition of an hour at most."""
    world = World(nodes=4, shape=NODE, partition=False)
    world.backend.add_partition("main", "main", max_time=3600.0)
    return world


def scene(world: World) -> dict[str, Job]:
    """Submit jobs 1 to 11 of the record."""
    jobs = {"1": world.submit("sleep 6", resources=WHOLE), "2": world.submit("sleep 6; exit 3", resources=WHOLE)}
    first, second = jobs["1"].id, jobs["2"].id
    for number, dependencies in (
        ("3", (Dependency("afterok", first),)),
        ("4", (Dependency("afterok", second),)),
        ("5", (Dependency("afternotok", second),)),
        ("6", (Dependency("afterany", first), Dependency("afterany", second))),
    ):
        jobs[number] = world.submit("sleep 1", dependencies=dependencies)
    jobs["7"] = world.submit("sleep 20", hold=True)
    jobs["8"] = world.submit("sleep 5", nodes=4, resources=WHOLE)
    jobs["9"] = world.submit("sleep 30", resources=WHOLE)
    jobs["10"] = world.submit("sleep 1", time_limit=7200.0)
    jobs["11"] = world.submit("sleep 1", nodes=5)
    return jobs


def test_jobs_wait_for_the_reasons_of_the_record(world: World) -> None:
    jobs = scene(world)
    recorded = _record("t+3")
    world.wait(3)
    assert {number: _shown(world, jobs[number]) for number in recorded} == recorded
    assert len(recorded) == 10


def test_jobs_end_as_in_the_record(world: World) -> None:
    jobs = scene(world)
    # The real one had not yet looked at 8 and 9 again.
    recorded = {number: shown for number, shown in _record("t+12").items() if number not in {"8", "9"}}
    world.wait(12)
    assert {number: _shown(world, jobs[number]) for number in recorded} == recorded
    assert len(recorded) == 8


def test_what_is_taken_and_what_is_refused(world: World) -> None:
    jobs = scene(world)
    world.wait(3)
    assert jobs["11"].reason == "PartitionNodeLimit"
    with pytest.raises(RequestError) as caught:
        world.submit(resources=Resources(1, 17 * 10**9))
    assert caught.value.field == "memory"


def test_the_end_of_a_cancelled_and_of_a_late_job(world: World) -> None:
    cancelled, late = world.submit("sleep 100"), world.submit("sleep 100", time_limit=10.0)
    world.wait(1)
    world.cancel(cancelled)
    world.finish()
    assert (cancelled.state, cancelled.signal, cancelled.exit_code) == (JobState.CANCELLED, 15, None)
    assert (late.reason, late.signal, late.exit_code) == ("TimeLimit", 15, None)
    assert world.cancel(cancelled) is cancelled
    with pytest.raises(StateError):
        world.hold(late)


def test_a_node_drains_while_its_job_runs(world: World) -> None:
    job = world.submit("sleep 20", resources=Resources(2), required_nodes=("main-003",))
    world.wait(1)
    world.drain_node("main-003")
    node = world.node(3)
    assert (node.state, node.capacity.cpus - node.free.cpus) == (NodeState.DRAINING, 2)
    world.drain_node("main-001")
    assert world.node(1).state is NodeState.DRAINED
    waiting = world.submit("true", required_nodes=("main-003",))
    world.wait(25)
    assert job.state is JobState.COMPLETED
    assert node.state is NodeState.DRAINED
    assert waiting.reason == "ReqNodeNotAvail, UnavailableNodes:main-003"
    world.restore_node("main-003")
    world.finish()
    assert waiting.state is JobState.COMPLETED


def test_a_node_that_goes_down_gives_its_job_back(world: World) -> None:
    job = world.submit("sleep 20", required_nodes=("main-002",))
    world.wait(1)
    world.fail_node("main-002")
    assert (job.state, job.reason, job.restarts) == (JobState.QUEUED, "BeginTime", 1)
    run(world.backend.delete(job.id))
    world.finish()


def test_a_raised_priority_counts_at_the_next_pass(world: World) -> None:
    low, first, second = (world.submit("sleep 4", nodes=4, resources=WHOLE) for _ in range(3))
    world.wait(1)
    world.set_priority(second, 100)
    world.finish()
    started = [low.started_at or 0, second.started_at or 0, first.started_at or 0]
    assert started == sorted(started)


def _record(at: str) -> dict[str, tuple[str, str | None]]:
    text = shared_data("slurm_golden/features.txt").read_text()
    line = re.compile(rf"^{re.escape(at)} (\d+) Priority=(\d+) JobState=(\w+) Reason=(\S+) ", re.MULTILINE)
    return {found[1]: (found[3], None if found[4] == "None" else found[4]) for found in line.finditer(text)}


def _shown(world: World, job: Job) -> tuple[str, str | None]:
    state = "PENDING" if job.state is JobState.QUEUED else job.state.value.upper()
    assert (world.backend.priority_of(job.id) == 0) or not job.held
    return state, job.reason
