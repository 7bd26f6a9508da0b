"""Ids, numbers, idempotency keys."""

from __future__ import annotations

import pytest

from mock_server.cluster.backend import NotFoundError
from mock_server.cluster.seeding import Past
from mock_server.cluster.simulated import SimulatedCluster
from tests.cluster.world import SHAPE, START, World, request, run


def test_ids_count_from_one(world: World) -> None:
    assert [world.submit().id for _ in range(3)] == ["job_1", "job_2", "job_3"]


def test_ids_can_be_made_to_measure() -> None:
    backend = SimulatedCluster(now=START, id_factories={"platform": lambda number: f"job-{number:05d}"})
    backend.add_cluster(id="c", name="c", provider="aws", region="r", nodes=1, node_shape=SHAPE)
    assert run(backend.submit(request())).id == "job-00001"


def test_an_id_that_is_taken_is_skipped(world: World) -> None:
    world.backend.adopt("job_2", request(), Past(created_at=START, started_at=START))
    world.backend.adopt("job_4", request(), Past(created_at=START, started_at=START))
    assert [world.submit().id for _ in range(2)] == ["job_3", "job_5"]
    world.finish()


def test_jobs_are_listed_oldest_first(world: World) -> None:
    view = world.backend.jobs
    world.submit()
    for job_id, age in [("b", 20), ("a", 30), ("c", 10)]:
        past = Past(created_at=START - age, started_at=START - age, runs_for=1.0)
        world.backend.adopt(job_id, request(), past)
    assert list(view) == ["a", "b", "c", "job_1"]
    world.finish()


def test_the_view_cannot_be_written(world: World) -> None:
    with pytest.raises(TypeError):
        world.backend.jobs["x"] = world.submit()  # type: ignore[index]


def test_a_repeated_key_gives_the_first_job(world: World) -> None:
    first = world.submit(idempotency_key="k")
    assert world.submit(idempotency_key="k") is first
    assert world.submit(idempotency_key="other") is not first
    assert world.submit(idempotency_key="k", user_id="bob") is not first
    assert len(world.backend.jobs) == 3
    world.finish()
    assert world.submit(idempotency_key="k") is first
    world.delete(first)
    assert world.submit(idempotency_key="k") is not first


def test_a_deleted_job_is_gone(world: World) -> None:
    job = world.submit("sleep 100")
    world.wait(1)
    world.delete(job)
    with pytest.raises(NotFoundError, match="Job 'job_1' not found"):
        world.backend.job(job.id)
    assert world.kinds(job.id)[-2:] == ["job.cancelled", "job.deleted"]
    assert world.node().running == set()
    world.finish()
