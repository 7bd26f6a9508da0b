"""Jobs that try again."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import JobState
from tests.cluster.world import START, World, text


def test_pauses_grow_by_the_multiplier(world: World) -> None:
    job = world.ran("echo try; sleep 10; exit 3", max_retries=3, backoff_multiplier=2.0)
    assert (job.state, job.exit_code, job.reason, job.retries) == (JobState.FAILED, 3, "NonZeroExitCode", 3)
    runs = job.runs(world.backend.now)
    assert len(runs) == 4
    assert [later[0] - before[1] for before, later in zip(runs, runs[1:], strict=False)] == pytest.approx([1, 2, 4])
    assert text(job)[:3] == ["try", "Job failed with exit code 3. Retry 1 of 3 in 1 s", "try"]
    assert next(event.data for event in world.backend.events() if event.kind == "job.retrying") == {
        "state": "queued",
        "previous": "running",
        "retries": 1,
        "at": pytest.approx(START + 11.1),
    }
    assert world.backend.usage("main", 0, world.backend.now).jobs_total == 1


def test_while_it_pauses(world: World) -> None:
    job = world.submit("sleep 10; false", max_retries=1)
    world.wait(10.5)
    assert (job.state, job.reason, job.exit_code, job.started_at) == (JobState.QUEUED, "BeginTime", None, None)
    assert job.eligible_at == pytest.approx(START + 11.1)
    assert world.node(1).free == world.node(1).capacity
    world.cancel(job)
    world.finish()
    assert (job.state, job.retries) == (JobState.CANCELLED, 1)


def test_a_time_limit_is_a_failure_too(world: World) -> None:
    job = world.ran("sleep 10", time_limit=5.0, max_retries=1)
    assert (job.state, job.reason, job.retries) == (JobState.FAILED, "TimeLimit", 1)
    assert text(job)[1] == "Job exceeded its time limit. Retry 1 of 1 in 1 s"


def test_a_success_ends_it(world: World) -> None:
    assert world.ran("true", max_retries=3).retries == 0
    assert world.ran("cat tried && exit 0; echo yes > tried; exit 1", max_retries=3).state is JobState.COMPLETED


def test_a_cancelled_job_does_not_try_again(world: World) -> None:
    job = world.submit("sleep 10", max_retries=3)
    world.wait(1)
    world.cancel(job)
    world.finish()
    assert (job.state, job.retries) == (JobState.CANCELLED, 0)


def test_failed_nodes_do_not_count(world: World) -> None:
    job = world.submit("sleep 10; false", max_retries=1)
    world.wait(1)
    world.fail_node("main-001")
    world.finish()
    assert (job.restarts, job.retries, len(job.earlier_runs)) == (1, 1, 2)


def test_a_pause_goes_on_while_the_job_is_held(world: World) -> None:
    job = world.submit("sleep 1; false", max_retries=1, backoff_multiplier=10.0)
    world.hold(world.submit("true"))
    world.wait(1.5)
    world.hold(job)
    assert job.reason == "JobHeldUser"
    world.wait(0.2)
    world.release(job)
    assert job.reason == "BeginTime"
    world.wait(0.3)
    assert job.state is JobState.QUEUED
    world.wait(0.2)
    assert job.state.value == "running"
    assert job.started_at == pytest.approx(START + 2.1)
    world.finish()


def test_an_endless_pause_is_cut(world: World) -> None:
    job = world.submit("false", max_retries=400, backoff_multiplier=1e300)
    world.backend.advance(START + 70 * 86_400)
    assert job.retries == 4
    world.cancel(job)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_retries", -1),
        ("backoff_multiplier", 0.0),
        ("backoff_multiplier", float("nan")),
        ("backoff_multiplier", -1.0),
    ],
)
def test_nonsense_is_refused(world: World, field: str, value: Any) -> None:
    with pytest.raises(RequestError) as caught:
        world.submit(**{field: value})
    assert caught.value.field == field
