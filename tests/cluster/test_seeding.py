"""Jobs with a past."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest

from mock_server.cluster.backend import RequestError, StateError
from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.seeding import Past
from tests.cluster.world import START, World, request, text

CREATED = datetime(2024, 1, 15, 10, 30, tzinfo=UTC).timestamp()
STARTED = CREATED + 60


@pytest.fixture
def world() -> World:
    return World(now=datetime(2024, 1, 15, 11, 0, tzinfo=UTC).timestamp())


def test_a_running_job_runs_on(world: World) -> None:
    past = Past(created_at=CREATED, started_at=STARTED, log=[(STARTED, "loading"), (STARTED + 5, "simulating")])
    asked = request("python simulate.py", name="simulation-run-1", resources=Resources(4))
    job = world.backend.adopt("job_123", asked, past)
    world.backend.check_invariants()
    assert (job.id, job.name, job.state) == ("job_123", "simulation-run-1", JobState.RUNNING)
    assert (job.created_at, job.started_at, job.updated_at) == (CREATED, STARTED, STARTED)
    assert job.node_names == ("main-001",)
    assert [(line.number, line.at, line.text) for line in job.log.lines[:2]] == [
        (1, STARTED, "loading"),
        (2, STARTED + 5, "simulating"),
    ]
    world.finish()
    assert job.state is JobState.COMPLETED
    assert text(job)[-1] == "simulate.py: finished"


def test_a_past_leaves_no_events(world: World) -> None:
    world.backend.adopt("a", request(), Past(created_at=CREATED, started_at=STARTED, runs_for=60.0))
    world.backend.adopt("b", request(), Past(created_at=CREATED, state=JobState.PENDING))
    past = Past(created_at=CREATED, started_at=STARTED, ended_at=STARTED + 1, state=JobState.COMPLETED)
    world.backend.adopt("c", request(), past)
    assert world.backend.events() == []


def test_a_running_job_can_have_a_given_time_left(world: World) -> None:
    past = Past(created_at=CREATED, started_at=STARTED, runs_for=600.0)
    job = world.backend.adopt("a", request("python simulate.py"), past)
    forever = world.backend.adopt("b", request(), Past(created_at=CREATED, started_at=STARTED, runs_for=inf))
    now = world.backend.now
    world.finish()
    assert (job.state, job.exit_code, job.ended_at) == (JobState.COMPLETED, 0, now + 600)
    assert text(job) == []
    assert forever.state.value == "running"
    world.cancel(forever)
    world.finish()
    assert forever.state is JobState.CANCELLED


def test_a_running_job_may_be_about_to_end(world: World) -> None:
    job = world.backend.adopt("a", request(), Past(created_at=CREATED, started_at=STARTED, runs_for=0.0))
    world.backend.check_invariants()
    assert (job.state, job.ended_at) == (JobState.COMPLETED, world.backend.now)
    assert world.node().running == set()


def test_a_time_limit_counts_from_the_real_start(world: World) -> None:
    past = Past(created_at=CREATED, started_at=STARTED, runs_for=inf)
    job = world.backend.adopt("a", request(time_limit=3600.0), past)
    world.finish()
    assert (job.state, job.reason, job.ended_at) == (JobState.FAILED, "TimeLimit", STARTED + 3600)


def test_a_finished_job_keeps_what_it_had(world: World) -> None:
    past = Past(
        created_at=CREATED,
        started_at=STARTED,
        ended_at=STARTED + 10,
        state=JobState.FAILED,
        exit_code=3,
        log=[(STARTED, "no luck")],
        outputs={"result.txt": b"half"},
    )
    job = world.backend.adopt("a", request(output_path="/data/run"), past)
    world.finish()
    assert (job.state, job.exit_code, job.reason, job.ended_at) == (JobState.FAILED, 3, "NonZeroExitCode", STARTED + 10)
    assert job.log.closed
    assert job.outputs["/data/run/result.txt"].content == b"half"
    done = world.backend.adopt(
        "b", request(), Past(created_at=CREATED, started_at=STARTED, ended_at=STARTED, state=JobState.COMPLETED)
    )
    assert done.exit_code == 0


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.QUEUED])
def test_a_waiting_job_starts(world: World, state: JobState) -> None:
    job = world.backend.adopt("a", request(), Past(created_at=CREATED, state=state))
    assert job.state is state
    assert job.queued_at == (CREATED if state is JobState.QUEUED else None)
    world.finish()
    assert job.state is JobState.COMPLETED


def test_a_held_job_stays(world: World) -> None:
    job = world.backend.adopt("a", request(), Past(created_at=CREATED, state=JobState.QUEUED, held=True))
    world.finish()
    assert (job.state, job.reason, job.held) == (JobState.QUEUED, "JobHeldUser", True)
    world.release(job)
    world.finish()
    assert job.state is JobState.COMPLETED


def test_a_cluster_is_as_old_as_its_oldest_job(world: World) -> None:
    world.backend.adopt("a", request(), Past(created_at=CREATED, started_at=STARTED, runs_for=1.0))
    assert world.cluster.created_at == CREATED
    world.finish()


@pytest.mark.parametrize(
    "past",
    [
        {"created_at": START + 9e9, "state": JobState.PENDING},
        {"created_at": CREATED},
        {"created_at": CREATED, "started_at": CREATED - 1},
        {"created_at": CREATED, "started_at": STARTED, "ended_at": STARTED},
        {"created_at": CREATED, "started_at": STARTED, "state": JobState.COMPLETED},
        {"created_at": CREATED, "started_at": STARTED, "state": JobState.QUEUED},
    ],
)
def test_an_impossible_past_is_refused(world: World, past: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must follow|needs|belongs|has no"):
        world.backend.adopt("a", request(), Past(**past))
    assert world.backend.jobs == {}


def test_what_does_not_fit_is_refused(world: World) -> None:
    past = Past(created_at=CREATED, started_at=STARTED)
    with pytest.raises(RequestError):
        world.backend.adopt("a", request(resources=Resources(99)), past)
    with pytest.raises(StateError, match="no free nodes"):
        world.backend.adopt("a", request(nodes=3), past)
    world.backend.adopt("a", request(), past)
    with pytest.raises(ValueError, match="exists"):
        world.backend.adopt("a", request(), past)
    world.finish()
