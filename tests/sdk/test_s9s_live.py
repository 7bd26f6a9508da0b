"""The client of S9S against the server: jobs from their submission to their end, nodes, exports, and faults on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from mock_server.cluster.backend import Measure
from mock_server.cluster.simulated import SimulatedCluster
from tests.support.faces import Face
from vantage_sdk import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    Dependency,
    Phase,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
)
from vantage_sdk.testing import instant_retries


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="manual", rate_limits=False) as running:
        yield running


async def submitted(client: Any, script: str = "sleep 60", **given: Any) -> str:
    job_id: str = (await client.jobs.submit(name="n", script=script, partition="cpu", **given)).job_id
    return job_id


async def test_a_job_from_its_submission_to_its_end(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url) as client:
        first = await submitted(client, "echo one; sleep 60; echo two", time_limit=timedelta(hours=1), memory="2GB")
        then = await submitted(client, "exit 3", dependencies=[Dependency("afterok", first)])
        never = await submitted(client, dependencies=f"afterok:{then},singleton")
        assert (await client.jobs.get(first)).time_limit == "1h"
        assert [item.to_dict() for item in (await client.jobs.get(then)).dependencies] == [
            {"type": "afterok", "job_id": first}
        ]
        server.run_until_idle()
        ended = await client.jobs.wait_all([first, then])
        assert [(job.state, job.phase, job.exit_code) for job in ended] == [
            ("COMPLETED", Phase.SUCCEEDED, 0),
            ("FAILED", Phase.FAILED, 3),
        ]
        assert ended[0].memory == "2GB"
        assert (await client.jobs.output(first)).lines == ["one", "two"]
        assert (await client.jobs.output(first, lines=1)).lines == ["two"]
        waiting = await client.jobs.get(never)
        assert (waiting.phase, waiting.is_terminal) == (Phase.PENDING, False)


async def test_an_array_is_several_jobs(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url) as client:
        array = await submitted(client, "sleep 5", array="0-3%2")
        server.run_until_idle()
        parts = [job async for job in client.jobs.list_all(page_size=3) if job.job_id.startswith(f"{array}_")]
        assert len(parts) == 4
        task = await client.jobs.get(f"{array}_3")
        assert (task.array_job_id, task.array_task_id, task.succeeded) == (array, "3", True)
        assert (await client.jobs.wait(array)).succeeded


async def test_a_job_is_held_released_preferred_and_cancelled(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url) as client:
        job_id = await submitted(client)
        assert (await client.jobs.hold(job_id, reason="wait for me")).reason == "wait for me"
        server.run_until_idle()
        assert (await client.jobs.get(job_id)).state == "PENDING"
        assert (await client.jobs.set_priority(job_id, 1500)).priority == 1500
        await client.jobs.release(job_id)
        server.advance(1)
        assert (await client.jobs.get(job_id)).state == "RUNNING"
        assert (await client.jobs.cancel(job_id, signal="SIGKILL", force=True)).state == "CANCELLED"
        assert (await client.jobs.cancel(job_id)).phase is Phase.CANCELLED
        with pytest.raises(ConflictError):
            await client.jobs.hold(job_id)
        done = await client.jobs.cancel_batch([job_id, await submitted(client), 99999], reason="over")
        assert [outcome.success for outcome in done.results] == [True, True, False]
        assert (done.summary.total, done.summary.failed) == (3, 1)


async def test_a_node_is_taken_out_and_back(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url) as client:
        node = next(node.node_name for node in await client.nodes.list(partition="cpu", state="IDLE"))
        assert (await client.nodes.drain(node, reason="Hardware maintenance", timeout="2h")).state == "DRAIN"
        assert (await client.nodes.get(node)).reason == "Hardware maintenance"
        assert node not in {found.node_name for found in await client.nodes.list(available=True)}
        assert (await client.nodes.resume(node)).state == "IDLE"
        assert (await client.nodes.set_state(node, "DOWN", reason="r")).state == "DOWN"
        with pytest.raises(ValidationError):
            await client.nodes.set_state(node, "UPSIDE_DOWN")
        with pytest.raises(ResourceNotFoundError):
            await client.nodes.get("node999")


async def test_rows_and_reports_arrive(face: Face, server: MockServer, tmp_path: Path) -> None:
    async with face.s9s(server.s9s_url) as client:
        export = await client.exports.create(format="json", fields=["job_id", "state"], filter={"state": "COMPLETED"})
        with pytest.raises(ConflictError):
            await client.exports.download(export, tmp_path / "rows.json")
        report = await client.reports.create("utilization", parameters={"period": "month"})
        server.run_until_idle()
        export = await client.exports.wait(export)
        path = await client.exports.download(export, tmp_path / "rows.json")
        assert path.stat().st_size == export.file_size
        assert await client.exports.download_to_bytes(export.export_id) == path.read_bytes()
        report = await client.reports.wait(report)
        assert (await client.reports.download(report, tmp_path / "r.pdf")).read_bytes().startswith(b"%PDF-")
        server.advance(2 * 86_400)
        with pytest.raises(ResourceNotFoundError):
            await client.exports.download(export, path)


async def test_it_is_found_measured_and_described(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url) as client:
        assert {hit.type for hit in await client.search("alice")} >= {"job", "user"}
        assert (await client.metrics.cluster()).job_counts["RUNNING"] > 0
        series = await client.metrics.performance(interval="1h")
        assert (series.count, len(series.metrics), series.interval) == (24, 24, "1h")
        assert all(job.runtime >= "5m" for job in (await client.metrics.efficiency(min_runtime="5m")).jobs)
        submitted_only = (await client.metrics.performance(metrics=["jobs_submitted"])).metrics
        assert [point.jobs_submitted for point in submitted_only] == [point.jobs_submitted for point in series.metrics]
        assert {point.gpu_utilization for point in submitted_only} == {None}
        gpus = await client.metrics.efficiency(metrics=["gpu_utilization"])
        assert {*gpus.averages} == {"gpu_utilization"}
        assert {job.cpu_efficiency for job in gpus.jobs} == {None}
        assert (await client.openapi())["paths"]["/v1/jobs"]
        assert (await client.users.get("alice")).default_account == "research"
        assert {partition.name for partition in await client.partitions.list()} >= {"gpu", "normal", "cpu"}


async def test_what_the_cluster_does_not_watch_is_refused_when_it_is_asked_for_by_name(
    face: Face, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedCluster, "unmeasured", {Measure.GPU: "nobody looks"})
    async with face.s9s(server.s9s_url) as client:
        assert (await client.metrics.efficiency()).total
        assert (await client.metrics.efficiency(metrics=["cpu_efficiency", "memory_efficiency"])).total
        with pytest.raises(
            ServerError, match="GPU utilisation is not supported by this backend: nobody looks"
        ) as caught:
            await client.metrics.efficiency(metrics=["gpu_utilization"])
        assert (caught.value.status_code, caught.value.code) == (501, "NOT_SUPPORTED")
        assert (await client.metrics.performance(metrics=["gpu_utilization"])).count == 24


@pytest.mark.parametrize("fault", ["reset-after", "500"])
async def test_a_submission_whose_answer_is_lost_is_one_job(face: Face, server: MockServer, fault: str) -> None:
    async with face.s9s(server.s9s_url) as client:
        before = (await client.jobs.list(limit=1)).total
        server.faults.set(f"POST /v1/jobs: {fault}")
        with instant_retries():
            job_id = await submitted(client, idempotency_key=f"key-{fault}")
        assert (await client.jobs.get(job_id)).job_name == "n"
        assert (await client.jobs.list(limit=1)).total == before + 1
    assert sum(record.method == "POST" for record in server.journal) == 2


async def test_who_may_not_is_refused(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url, token="nobody") as client:
        with pytest.raises(AuthenticationError):
            await client.jobs.list()
    async with face.s9s(server.s9s_url, api_key="read-only-token") as client:
        assert (await client.status()).status == "ok"
        with pytest.raises(AuthorizationError):
            await submitted(client)
