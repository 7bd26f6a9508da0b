"""The job service of the bundled server, asked by the client on every face."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.crowd import crowd
from tests.support.faces import Face
from vantage_sdk import AuthenticationError, ConflictError, Gang, ResourceNotFoundError, ValidationError

SHORT = {"model": "resnet50", "batches": 3, "duration_seconds": 3}


@pytest.fixture
def manual() -> Iterator[MockServer]:
    with MockServer(clock="manual", rate_limits=False) as server:
        yield server


async def test_a_job_lives_from_creation_to_its_end(face: Face, server: MockServer) -> None:
    async with face.job_service(server.url, token="<token>") as client:
        given = {"cpu": "500m", "memory": "8GB", "gpu": 1}
        made = await client.jobs.create("inference", "img:1", priority=80, config=SHORT, resources=given)
        assert (made.status, made.queue_position) == ("pending", 1)
        lines = [line async for line in client.jobs.logs_stream(made.id, timestamps=False)]
        job = await client.jobs.wait(made.id, timeout=30, poll_interval=0.05)
        assert (job.succeeded, job.image, job.config, job.priority) == (True, "img:1", SHORT, 80)
        assert job.resources.to_dict() == given
        assert lines == (await client.jobs.logs(made.id, timestamps=False)).lines
        assert (await client.jobs.logs(made.id, tail=1, timestamps=False)).lines == lines[-1:]
        stamped = (await client.jobs.logs(made.id)).lines
        assert [line.partition(" ")[2] for line in stamped] == lines
        with pytest.raises(ConflictError):
            await client.jobs.cancel(made.id)


async def test_a_followed_log_survives_every_fault(face: Face) -> None:
    faults = [{"path": "*/logs", "cut_body": size, "times": 1} for size in (1, 40, 90, 200)]
    with MockServer(clock="auto", faults=faults) as server:
        async with face.job_service(server.url, token="<token>") as client:
            job = await client.jobs.create("inference", "img", config={"batches": 30, "duration_seconds": 3})
            lines = [line async for line in client.jobs.logs_stream(job.id, tail=1000)]
            assert lines == (await client.jobs.logs(job.id, tail=1000)).lines
            assert len(lines) == 33


async def test_tokens_that_end_are_asked_for_anew_by_the_crowd_once(face: Face, manual: MockServer) -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append(manual.token("alice", lifetime=60))
        return asked[-1]

    async with face.job_service(manual.url, token=token) as client:
        for _ in range(3):
            await client.queues.list()
        assert len(asked) == 1
        manual.advance(3600)
        came_to = await crowd(face, 20, client.queues.list)
    assert {type(one).__name__ for one in came_to} == {"Queues"}
    assert len(asked) == 2


async def test_what_the_server_refuses_is_told(face: Face, manual: MockServer) -> None:
    async with face.job_service(manual.url, token="<token>") as client:
        with pytest.raises(ValidationError) as caught:
            await client.jobs.create("t", "i", resources={"cpus": 2})
        assert caught.value.details[0]["field"] == "resources.cpus"
        for call in (client.jobs.get, client.jobs.cancel, client.queues.get, client.clusters.get):
            with pytest.raises(ResourceNotFoundError):
                await call("none")
        with pytest.raises(ValidationError):
            await client.jobs.list(status="asleep")
    async with face.job_service(manual.url, token="expired") as client:
        with pytest.raises(AuthenticationError):
            await client.jobs.list()


async def test_lists_and_views_tell_of_the_same_jobs(face: Face, manual: MockServer) -> None:
    async with face.job_service(manual.url, token="<token>") as client:
        gang = Gang(enabled=True, min_members=2)
        made = [(await client.jobs.create("train", "i", gang=gang, config=SHORT)).id for _ in range(3)]
        found = [job.id async for job in client.jobs.list_all(job_type="train", page_size=2)]
        assert sorted(found) == sorted(made)
        cancelled = await client.jobs.cancel(made[0])
        assert cancelled.phase == "cancelled"
        assert [job.id async for job in client.jobs.list_all(status="cancelled", job_type="train")] == made[:1]
        manual.run_until_idle()
        ended = [job async for job in client.jobs.as_completed(made, timeout=30)]
        assert sorted((job.id, job.status) for job in ended) == sorted(
            [(made[0], "cancelled"), (made[1], "succeeded"), (made[2], "succeeded")]
        )
        assert {"default", "high-priority"} <= {queue.name for queue in await client.queues.list()}
        names = [cluster.name for cluster in await client.clusters.list()]
        assert "gpu-cluster" in names
        node: Any = (await client.clusters.get("gpu-cluster")).nodes[0]
        assert 0 <= node.memory.available <= node.memory.total
        assert (await client.metrics.get()).jobs.total_completed_24h >= 2


async def test_a_degraded_service_says_so(face: Face, manual: MockServer) -> None:
    async with face.job_service(manual.url, token="none is sent") as client:
        assert (await client.health.live()).is_ok
        assert (await client.health.ready()).is_ok
        manual.health.fail("redis")
        assert (await client.health.ready()).failing == ["redis"]
