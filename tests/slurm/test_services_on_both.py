"""What is built on jobs through the SDK: updates, webhooks, exports, reports, search and figures, over either backend."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.server.receiver import Receiver
from tests.slurm.backends import SIMULATED, SLURMRESTD, served
from vantage_sdk import JobCompleted, JobFailed, JobServiceClient, Resynced, S9SClient, VantageClient, Webhook

QUICK: dict[str, Any] = {"poll_interval": 0.2, "timeout": 60.0}


@pytest.fixture(params=[SIMULATED, SLURMRESTD])
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with served(request) as running:
        yield running


@pytest.fixture
def s9s(server: MockServer) -> Iterator[S9SClient]:
    with S9SClient(base_url=server.s9s_url, token="YOUR_TOKEN") as client:
        yield client


def test_updates_and_output_come_as_they_happen(s9s: S9SClient) -> None:
    states: list[str | None] = []
    with s9s.events.subscribe("jobs") as updates:
        job = s9s.jobs.submit(script="echo one; sleep 1; echo two", name="told")
        for update in updates:
            assert not isinstance(update, Resynced)
            if update.resource_id == job.job_id and update.data.state not in states:
                states.append(update.data.state)
            if update.resource_id == job.job_id and update.data.is_terminal:
                break
    assert states == ["PENDING", "RUNNING", "COMPLETED"]
    with s9s.jobs.follow(job.job_id) as output:
        assert list(output) == ["one", "two"]


def test_webhooks_tell_of_both_ends(server: MockServer) -> None:
    secret = Webhook.new_secret()
    with Receiver() as receiver, VantageClient("your-api-key", server.url) as client:
        client.webhooks.create(receiver.url, ["job.completed", "job.failed"], secret=secret)
        good = client.jobs.submit({"name": "good", "command": "true"})
        bad = client.jobs.submit({"name": "bad", "command": "exit 3"})
        client.jobs.wait_all([good, bad], **QUICK)
        assert all(receiver.arrived.acquire(timeout=60) for _ in range(2))
    told = [Webhook(secret).unwrap(message.body, message.headers) for message in receiver.messages]
    assert {(type(event), event.data.id) for event in told} == {(JobCompleted, good.id), (JobFailed, bad.id)}


def test_exports_and_reports_have_the_jobs(s9s: S9SClient, tmp_path: Path) -> None:
    job = s9s.jobs.submit(script="true", name="exported")
    s9s.jobs.wait(job.job_id, **QUICK)
    export = s9s.exports.wait(s9s.exports.create("jobs", fields=["job_id", "state"]), **QUICK)
    with s9s.exports.download(export, tmp_path / "jobs.csv").open(newline="") as file:
        states = {row["job_id"]: row["state"] for row in csv.DictReader(file)}
    assert states[job.job_id] == "COMPLETED"
    report = s9s.reports.wait(s9s.reports.create("utilization", parameters={"period": "day"}), **QUICK)
    assert s9s.reports.download(report, tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_jobs_are_found_and_counted(server: MockServer, s9s: S9SClient) -> None:
    before = s9s.metrics.cluster().job_counts.get("COMPLETED", 0)
    job = s9s.jobs.submit(script="true", name="zebrafish")
    s9s.jobs.wait(job.job_id, **QUICK)
    assert [hit.id for hit in s9s.search("zebrafish")][:1] == [job.job_id]
    assert s9s.metrics.cluster().job_counts["COMPLETED"] == before + 1
    assert s9s.jobs.get(job.job_id).job_id in {each.job_id for each in s9s.jobs.list_all(state="COMPLETED")}
    with VantageClient("your-api-key", server.url) as client:
        assert client.jobs.get(job.job_id).status == "completed"
        assert client.monitoring.job_metrics(job.job_id) is not None
    with JobServiceClient(server.token("alice"), server.url) as service:
        assert service.jobs.get(job.job_id).succeeded
