"""Holding, releasing and giving priorities, and what is told of it."""

from __future__ import annotations

import pytest

from mock_server.cluster.job import Job, JobState
from tests.cluster.world import START, World


def told(world: World, job: Job, kind: str) -> list[dict[str, object]]:
    return [event.data for event in world.backend.events() if (event.subject, event.kind) == (job.id, kind)]


def test_a_job_can_be_submitted_held(world: World) -> None:
    job = world.submit("sleep 10", hold=True, priority=5)
    assert (job.held, job.reason, job.eligible_at) == (True, "JobHeldUser", None)
    world.wait(10)
    assert (job.state, world.backend.priority_of(job.id)) == (JobState.PENDING, 0)
    world.release(job)
    assert (job.eligible_at, world.backend.priority_of(job.id)) == (START + 10, 5)
    world.finish()
    assert job.started_at == START + 10.1


def test_why_a_job_is_held(world: World) -> None:
    job = world.submit("sleep 10")
    world.hold(job, "debugging")
    assert (job.hold_reason, job.reason) == ("debugging", "JobHeldUser")
    world.hold(job)
    assert job.hold_reason == "debugging"
    world.hold(job, "still debugging")
    assert job.hold_reason == "still debugging"
    world.release(job)
    assert not job.hold_reason
    assert told(world, job, "job.held") == [
        {"state": "pending", "reason": "debugging"},
        {"state": "pending", "reason": "still debugging"},
    ]
    assert told(world, job, "job.released") == [{"state": "pending"}]
    world.finish()


def test_a_priority_is_told(world: World) -> None:
    job = world.submit("sleep 10")
    world.set_priority(job, 7)
    assert (job.priority, world.backend.priority_of(job.id)) == (7, 7)
    assert told(world, job, "job.priority") == [{"state": "pending", "priority": 7, "previous_priority": 0}]
    world.finish()


def test_waiting_counts_from_the_release(world: World) -> None:
    job = world.submit("true")
    world.wait(0.05)
    world.hold(job)
    world.wait(50)
    world.release(job)
    world.finish()
    assert job.eligible_at == START + 50.05
    assert job.started_at == pytest.approx(START + 50.15)
