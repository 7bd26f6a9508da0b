"""Jobs that wait for others."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import Dependency, Job, JobState, Resources
from tests.cluster.world import World, reasons


def after(kind: Any, *jobs: Job | str) -> tuple[Dependency, ...]:
    return tuple(Dependency(kind, job if isinstance(job, str) else job.id) for job in jobs)


@pytest.mark.parametrize(
    ("kind", "command", "reason"),
    [
        ("afterok", "sleep 5", None),
        ("afterok", "sleep 5; exit 3", "DependencyNeverSatisfied"),
        ("afternotok", "sleep 5", "DependencyNeverSatisfied"),
        ("afternotok", "sleep 5; exit 3", None),
        ("afterany", "sleep 5", None),
        ("afterany", "sleep 5; exit 3", None),
    ],
)
def test_what_has_become_of_another_job(world: World, kind: str, command: str, reason: str | None) -> None:
    first = world.submit(command)
    second = world.submit("sleep 1", dependencies=after(kind, first))
    assert (second.state, second.reason, second.eligible_at) == (JobState.PENDING, "Dependency", None)
    world.wait(3)
    assert (second.state, second.reason) == (JobState.PENDING, "Dependency")
    world.finish()
    assert second.reason == reason
    if reason is None:
        assert second.state is JobState.COMPLETED
        assert second.eligible_at == first.ended_at
        assert second.started_at == pytest.approx(first.ended_at, abs=0.11)
    else:
        assert second.state is JobState.PENDING
        world.cancel(second)


@pytest.mark.parametrize(("kind", "reason"), [("afterok", "DependencyNeverSatisfied"), ("afternotok", None)])
def test_a_cancelled_job_has_not_succeeded(world: World, kind: str, reason: str | None) -> None:
    first = world.submit("sleep 5")
    second = world.submit("true", dependencies=after(kind, first))
    world.cancel(first)
    world.finish()
    assert second.reason == reason
    world.cancel(second) if reason else None


def test_after_a_start(world: World) -> None:
    first = world.submit("sleep 100", hold=True)
    second = world.submit("true", dependencies=after("after", first))
    cancelled = world.submit("true", hold=True)
    third = world.submit("true", dependencies=after("after", cancelled))
    world.wait(10)
    assert reasons(second, third) == ["Dependency", "Dependency"]
    world.release(first)
    world.cancel(cancelled)
    world.wait(10)
    assert first.state is JobState.RUNNING
    assert second.state is third.state is JobState.COMPLETED
    world.finish()


def test_all_of_several(world: World) -> None:
    first, second = world.submit("sleep 5"), world.submit("sleep 50; false")
    both = world.submit("true", dependencies=after("afterany", first, second))
    mixed = world.submit("true", dependencies=(*after("afterok", first), *after("afternotok", second)))
    world.wait(20)
    assert reasons(both, mixed) == ["Dependency", "Dependency"]
    world.finish()
    assert both.started_at == mixed.started_at == pytest.approx(second.ended_at, abs=0.11)


def test_what_has_happened_already_counts(world: World) -> None:
    done, failed = world.ran("true"), world.ran("false")
    jobs = [world.submit("true", dependencies=after(kind, done)) for kind in ("after", "afterok", "afterany")]
    never = world.submit("true", dependencies=after("afterok", failed))
    assert reasons(never, jobs[0]) == ["DependencyNeverSatisfied", None]
    world.delete(failed)
    world.finish()
    assert all(job.state is JobState.COMPLETED for job in jobs)
    assert never.state is JobState.PENDING
    world.cancel(never)


def test_singletons_run_one_after_the_other(world: World) -> None:
    own = (Dependency("singleton"),)
    first = world.submit("sleep 10", name="daily")
    jobs = [world.submit("sleep 10", name="daily", dependencies=own) for _ in range(2)]
    other = world.submit("sleep 10", name="daily", dependencies=own, user_id="bob")
    world.wait(1)
    assert reasons(*jobs) == ["Dependency", "Dependency"]
    assert other.state is JobState.RUNNING
    world.finish()
    runs = [first, *jobs]
    for before, later in zip(runs, runs[1:], strict=False):
        assert later.started_at == pytest.approx(before.ended_at, abs=0.11)


def test_an_array_stands_for_its_tasks(world: World) -> None:
    task = world.submit("sleep 1$SLURM_ARRAY_TASK_ID; exit $SLURM_ARRAY_TASK_ID", array=(0, 1))
    assert task.array_job_id is not None
    whole = [world.submit("true", dependencies=after(kind, task.array_job_id)) for kind in ("afterany", "afternotok")]
    one = world.submit("true", dependencies=after("afterok", f"{task.array_job_id}_0"))
    never = world.submit("true", dependencies=after("afterok", task.array_job_id))
    world.wait(10.5)
    assert one.state is JobState.COMPLETED
    assert reasons(*whole) == ["Dependency"] * 2
    world.finish()
    assert all(job.state is JobState.COMPLETED for job in whole)
    assert never.reason == "DependencyNeverSatisfied"
    world.cancel(never)


def test_over_clusters(world: World) -> None:
    world.backend.add_cluster(id="c2", name="other", provider="", region="", nodes=1, node_shape=Resources(4))
    first = world.submit("sleep 10")
    second = world.submit("true", cluster_id="c2", dependencies=after("afterok", first))
    world.finish()
    assert second.state is JobState.COMPLETED


def test_a_retry_is_no_end(world: World) -> None:
    first = world.submit("sleep 5; false", max_retries=1)
    second = world.submit("true", dependencies=after("afternotok", first))
    world.wait(8)
    assert (first.retries, second.reason) == (1, "Dependency")
    world.finish()
    assert second.state is JobState.COMPLETED


def test_hold_and_dependency_together(world: World) -> None:
    first = world.submit("sleep 5")
    second = world.submit("true", dependencies=after("afterok", first), hold=True)
    third = world.submit("true", dependencies=after("afterok", first))
    world.hold(third)
    assert reasons(second, third) == ["JobHeldUser", "JobHeldUser"]
    world.release(second)
    assert second.reason == "Dependency"
    world.wait(20)
    assert (second.state, third.reason) == (JobState.COMPLETED, "JobHeldUser")
    world.release(third)
    world.finish()
    assert third.state is JobState.COMPLETED


@pytest.mark.parametrize(
    "dependencies",
    [after("afterok", "nobody"), (Dependency("afterok"),), (Dependency("afterwards", "job_1"),)],  # type: ignore[arg-type]
)
def test_an_unknown_dependency_is_refused(world: World, dependencies: tuple[Dependency, ...]) -> None:
    world.ran("true")
    before = world.backend.events()
    with pytest.raises(RequestError) as caught:
        world.submit("true", dependencies=dependencies)
    assert caught.value.field == "dependencies"
    assert world.backend.events() == before
