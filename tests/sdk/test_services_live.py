"""The clients of the job service and of S9S against the server: what users do with them, from end to end."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from vantage_sdk import ConflictError, Duration, Quantity, ResourceNotFoundError, Resynced, ValidationError
from vantage_sdk.testing import instant_retries


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", s9s_port=0, rate_limits=False, check_invariants=True) as running:
        yield running


async def test_an_ai_job_from_its_submission_to_its_end(face: Face, server: MockServer) -> None:
    async with face.job_service(server.url, token=lambda: server.token("alice")) as client:
        made = await client.jobs.create(
            "inference",
            "pytorch-inference:v1.0",
            priority=80,
            config={"model": "resnet50", "batches": 2},
            resources={"cpu": "500m", "memory": "8Gi", "gpu": 1},
        )
        assert (made.status, made.queue_position) == ("pending", 1)
        lines = []
        async with client.jobs.logs_stream(made.id, timestamps=False) as log:
            async for line in log:
                lines.append(line)
        assert lines[0] == "Loading model resnet50..."
        job = await client.jobs.wait(made.id)
        assert (job.status, job.succeeded, job.retry_count) == ("succeeded", True, 0)
        assert job.resources is not None
        assert (job.resources.cpu, job.resources.memory) == (Quantity("500m"), Quantity("8Gi"))
        assert (await client.jobs.logs(job.id, timestamps=False)).lines == lines
        with pytest.raises(ConflictError):
            await client.jobs.cancel(job.id)
        with pytest.raises(ValidationError) as refused:
            await client.jobs.create("inference", "i", resources={"gpu": 1000})
        assert refused.value.details[0]["field"] == "resources.gpu"


async def test_a_gang_and_a_retry(face: Face, server: MockServer) -> None:
    async with face.job_service(server.url, token=server.token("alice")) as client:
        gang = await client.jobs.create(
            "training", "i", config={"command": "sleep 5"}, gang={"enabled": True, "min_members": 3}
        )
        flaky = await client.jobs.create(
            "batch",
            "i",
            config={"command": "exit 3"},
            retry_policy={"max_retries": 2, "backoff_multiplier": 2},
        )
        ended = {job.id: job async for job in client.jobs.as_completed([gang.id, flaky.id])}
        assert ended[gang.id].succeeded
        assert (ended[flaky.id].status, ended[flaky.id].retry_count) == ("failed", 2)
        queues = await client.queues.list()
        assert {queue.name for queue in queues} >= {"default", "high-priority"}
        queue = await client.queues.get("default")
        assert queue.stats is not None
        assert queue.stats.jobs_processed_1h == 2
        assert (await client.metrics.get()).jobs.total_failed_24h >= 1


async def test_a_service_that_is_not_ready_says_what_it_lacks(face: Face, server: MockServer) -> None:
    async with face.job_service(server.url, token="wrong") as client:
        assert (await client.health.live()).status == "ok"
        server.health.fail("redis")
        ready = await client.health.ready()
        assert (ready.status, ready.checks["redis"], ready.checks["database"]) == ("degraded", "error", "ok")


async def test_an_array_and_what_depends_on_it(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url, token="your_token_here") as client:
        array = await client.jobs.submit(name="part", script="echo $SLURM_ARRAY_TASK_ID; sleep 10", array="0-3%2")
        last = await client.jobs.submit(name="sum", script="echo done", dependencies=f"afterok:{array.job_id}")
        assert (await client.jobs.get(last.job_id)).reason == "Dependency"
        job = await client.jobs.wait(last.job_id)
        assert job.succeeded
        tasks = [await client.jobs.get(f"{array.job_id}_{task}") for task in range(4)]
        assert [task.state for task in tasks] == ["COMPLETED"] * 4
        assert all(task.end_time <= job.start_time for task in tasks)
        assert [(await client.jobs.output(task.job_id)).lines for task in tasks] == [["0"], ["1"], ["2"], ["3"]]


async def test_operators(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url, token="your_token_here") as client:
        held = await client.jobs.submit(script="true", partition="cpu")
        await client.jobs.hold(held.job_id, reason="later")
        assert (await client.jobs.get(held.job_id)).reason == "JobHeldUser"
        await client.jobs.set_priority(held.job_id, 1500)
        await client.jobs.release(held.job_id)
        assert (await client.jobs.wait(held.job_id)).priority == 1500
        node = await client.nodes.drain("node001", reason="Hardware maintenance", timeout="2h")
        assert node.state in ("DRAIN", "DRAINING")
        assert (await client.nodes.resume("node001")).state == "MIXED"
        outcomes = await client.jobs.bulk("cancel", [held.job_id, "12345", "99999"])
        assert [outcome.status for outcome in outcomes.results] == ["error", "success", "error"]
        with pytest.raises(ResourceNotFoundError) as caught:
            await client.jobs.get("99999")
        assert caught.value.code == "RESOURCE_NOT_FOUND"
        assert Duration("2:00:00") in [partition.default_time for partition in await client.partitions.list()]


async def test_updates_and_output_as_they_come(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url, token="your_token_here") as client:
        states: list[str | None] = []
        async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
            job = await client.jobs.submit(script="echo one; sleep 30; echo two")
            async for update in updates:
                assert not isinstance(update, Resynced)
                if update.resource_id == job.job_id:
                    states.append(update.data.state)
                if update.resource_id == job.job_id and update.data.is_terminal:
                    break
        assert states == ["PENDING", "RUNNING", "COMPLETED"]
        async with client.jobs.follow(job.job_id) as output:
            assert [line async for line in output] == ["one", "two"]


@pytest.mark.parametrize("fault", ["cut-socket=1", "cut-socket=2", "drop-update=2", "cut-socket=3"])
async def test_updates_are_complete_over_a_bad_line(face: Face, server: MockServer, fault: str) -> None:
    server.faults.set([f"GET /s9s/v1/ws: {fault}, {fault}, ok*", f"GET /v1/ws: {fault}, {fault}, ok*"])
    async with face.s9s(server.s9s_url, token="your_token_here") as client:
        seen: dict[str, str] = {}
        async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
            jobs = [await client.jobs.submit(script=f"sleep {seconds}") for seconds in (5, 10)]
            async for update in updates:
                if isinstance(update, Resynced):
                    seen |= {job.job_id: job.state for job in update.state}
                elif update.data is not None:
                    seen[update.data.job_id] = update.data.state
                if all(seen.get(job.job_id) == "COMPLETED" for job in jobs):
                    break


async def test_exports_and_reports(face: Face, server: MockServer, tmp_path: Path) -> None:
    async with face.s9s(server.s9s_url, token="your_token_here") as client:
        export = await client.exports.create(
            "jobs", filter={"user": "alice", "state": "COMPLETED"}, fields=["job_id", "user", "state", "runtime"]
        )
        export = await client.exports.wait(export)
        path = await client.exports.download(export, tmp_path / "jobs.csv")
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == export.record_count
        assert {row["state"] for row in rows} == {"COMPLETED"}
        assert path.stat().st_size == export.file_size
        report = await client.reports.wait(await client.reports.create("utilization", parameters={"period": "day"}))
        made = await client.reports.download(report, tmp_path / "report.pdf")
        assert made.read_bytes().startswith(b"%PDF-")


async def test_what_there_is_to_know(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url, api_key="YOUR_API_KEY") as client:
        assert (await client.status()).status == "ok"
        found = await client.search("alice gpu", limit=5)
        assert {hit.type for hit in found} <= {"job", "node", "user"}
        stats = await client.metrics.cluster()
        jobs = [job async for job in client.jobs.list_all()]
        assert stats.job_counts["RUNNING"] == sum(job.state == "RUNNING" for job in jobs)
        series = await client.metrics.performance(interval="1h")
        assert series.count == len(series.metrics) == 24
        assert (await client.users.get("alice")).jobs_running == stats.job_counts["RUNNING"]
        assert (await client.openapi())["openapi"].startswith("3.")


async def test_oauth(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url, client_id="your_client_id", client_secret="your_client_secret") as client:
        for _ in range(3):
            await client.status()
        server.advance(4000)
        await client.status()
    assert [record.path for record in server.journal].count("/oauth/token") == 2


async def test_a_job_is_the_same_job_everywhere(face: Face, server: MockServer) -> None:
    async with (
        face.client(server.url) as platform,
        face.job_service(server.url, token=server.token("alice")) as service,
        face.s9s(server.s9s_url, token="your_token_here") as s9s,
    ):
        job = await service.jobs.create("batch", "i", config={"command": "sleep 5"})
        assert (await platform.jobs.wait(job.id)).phase == (await s9s.jobs.get(job.id)).phase
        other = await s9s.jobs.submit(name="n", script="exit 3")
        failed = await platform.jobs.wait(other.job_id)
        assert (failed.name, failed.exit_code) == ("n", 3)
        assert (await service.jobs.get(other.job_id)).status == "failed"
