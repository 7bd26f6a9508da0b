"""Jobs over HTTP: create, look, change, cancel, delete, output and logs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.job import JobRequest, Resources
from mock_server.wire import memory_bytes, memory_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer

FLAT: dict[str, Any] = {
    "name": "job-name",
    "cluster_id": "cluster_123",
    "command": "python script.py",
    "resources": {"cpus": 2, "memory": "4GB", "gpus": 0},
    "environment": {"ENV_VAR": "value"},
    "working_directory": "/home/user",
    "output_path": "/outputs/",
}
TEMPLATE: dict[str, Any] = {
    "name": "my-job",
    "spec": {
        "image": "ubuntu:22.04",
        "command": ["echo", "hello"],
        "resources": {"cpu": "2", "memory": "4Gi"},
    },
}


def test_the_flat_body_makes_a_job_that_has_what_was_sent(client: httpx.Client) -> None:
    response = client.post("/v1/jobs", json=FLAT)
    assert response.status_code == 201
    job = response.json()
    assert job["status"] == "pending"
    assert {key: job[key] for key in FLAT} == FLAT
    assert job["user_id"] == "user_456"
    assert (job["started_at"], job["completed_at"]) == (None, None)
    assert "spec" not in job
    assert client.get(f"/v1/jobs/{job['id']}").json() == job


def test_the_template_body_is_kept_and_flattened(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=TEMPLATE).json()
    assert job["spec"] == TEMPLATE["spec"]
    assert job["command"] == "echo hello"
    assert job["resources"] == {"cpus": 2, "memory": "4Gi", "gpus": 0}
    assert job["cluster_id"] == "cluster_123"


def test_overrides_next_to_a_template(client: httpx.Client) -> None:
    overrides = {"cluster": "specific-cluster", "priority": 10, "env": {"MY_VAR": "value", "BOTH": "env"}}
    job = client.post("/v1/jobs", json={**TEMPLATE, **overrides, "environment": {"BOTH": "environment"}}).json()
    assert job["cluster_id"] == "cluster_456"
    assert job["priority"] == 10
    assert job["environment"] == {"MY_VAR": "value", "BOTH": "environment"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"cpus": "4", "memory": "8Gi", "gpus": "1"}, {"cpus": 4, "memory": "8Gi", "gpus": 1}),
        ({"cpus": "500m"}, {"cpus": 1, "memory": "1GB", "gpus": 0}),
        ({"cpus": "1.5", "memory": "512MiB"}, {"cpus": 2, "memory": "512MiB", "gpus": 0}),
    ],
)
def test_resources_may_be_written_as_text(client: httpx.Client, sent: dict[str, Any], kept: dict[str, Any]) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "true", "resources": sent}).json()
    assert job["resources"] == kept


def test_an_image_alone_is_enough(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "spec": {"image": "ubuntu:22.04"}}).json()
    assert job["command"] == ""
    assert job["spec"] == {"image": "ubuntu:22.04"}


def test_a_job_runs_to_its_end(server: MockServer, client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "echo out; sleep 5; exit 3"}).json()
    server.advance(2)
    assert client.get(f"/v1/jobs/{job['id']}").json()["status"] == "running"
    server.advance(10)
    ended = client.get(f"/v1/jobs/{job['id']}").json()
    assert (ended["status"], ended["exit_code"]) == ("failed", 3)
    times = [datetime.fromisoformat(ended[f"{step}_at"]) for step in ("created", "started", "completed", "updated")]
    assert times[0] < times[1] < times[2] == times[3]


@pytest.mark.parametrize("query", ["include=logs,outputs,metrics", "include=logs&include=outputs&include=metrics"])
def test_related_data_is_embedded_on_request(server: MockServer, client: httpx.Client, query: str) -> None:
    server.run_until_idle()
    job = client.get(f"/v1/jobs/job-12345?{query}").json()
    assert job["logs"][0] == "starting container"
    assert [file["name"] for file in job["outputs"]] == ["result.json"]
    assert job["outputs"][0]["size"] == len('{"loss": 0.29}\n')
    assert job["metrics"]["job_id"] == "job-12345"
    assert len(job["metrics"]["metrics"]) > 1
    assert not {"logs", "outputs", "metrics"} & client.get("/v1/jobs/job-12345").json().keys()


def test_metrics_of_a_job_that_waits_are_empty(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "true"}).json()
    assert client.get(f"/v1/jobs/{job['id']}?include=metrics").json()["metrics"]["metrics"] == []


def test_output_lists_files_and_stdout(server: MockServer, client: httpx.Client) -> None:
    command = "echo seen; echo kept > a.txt"
    job = client.post("/v1/jobs", json={"name": "n", "command": command, "output_path": "/outputs/"}).json()
    server.run_until_idle()
    output = client.get(f"/v1/jobs/{job['id']}/output").json()
    assert output["output_path"] == "/outputs/"
    assert output["stdout"] == "seen\n"
    assert [file["path"] for file in output["files"]] == ["/outputs/a.txt"]
    assert client.get("/v1/jobs/job-67890/output").json()["output_path"] is None


def test_update_changes_name_priority_and_what_a_waiting_job_still_needs(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=FLAT).json()
    changes = {"name": "renamed", "priority": 20, "environment": {"A": "b"}, "output_path": "/elsewhere/"}
    response = client.patch(f"/v1/jobs/{job['id']}", json=changes)
    assert response.status_code == 200
    assert {key: response.json()[key] for key in changes} == changes


def test_update_of_a_running_job_may_not_touch_its_environment(client: httpx.Client) -> None:
    assert client.patch("/v1/jobs/job_123", json={"name": "other"}).json()["name"] == "other"
    response = client.patch("/v1/jobs/job_123", json={"environment": {}})
    assert response.status_code == 409
    assert response.json()["error"] == "resource_conflict"


def test_cancelling_twice_changes_nothing_the_second_time(server: MockServer, client: httpx.Client) -> None:
    body = {"status": "cancelled", "reason": "User requested cancellation"}
    first = client.patch("/v1/jobs/job-12345", json=body)
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert first.json()["cancel_reason"] == "User requested cancellation"
    server.advance(5)
    second = client.patch("/v1/jobs/job-12345", json={"status": "cancelled", "reason": "other"})
    assert (second.status_code, second.json()) == (200, first.json())


@pytest.mark.parametrize("job_id", ["job_121", "job_122"])
def test_what_has_ended_cannot_be_cancelled(client: httpx.Client, job_id: str) -> None:
    before = client.get(f"/v1/jobs/{job_id}").json()
    response = client.patch(f"/v1/jobs/{job_id}", json={"status": "cancelled", "name": "renamed"})
    assert response.status_code == 409
    assert client.get(f"/v1/jobs/{job_id}").json() == before


def test_delete_removes_the_record_and_stops_the_job(client: httpx.Client) -> None:
    response = client.delete("/v1/jobs/job_123")
    assert (response.status_code, response.content) == (204, b"")
    assert client.get("/v1/jobs/job_123").status_code == 404
    assert client.delete("/v1/jobs/job_123").status_code == 404
    nodes = client.get("/v1/clusters/cluster_abc/nodes").json()["nodes"]
    assert sum(node["running_jobs"] for node in nodes) == 1


def test_logs_as_json(client: httpx.Client) -> None:
    assert client.get("/v1/jobs/job_121/logs").json() == {
        "job_id": "job_121",
        "lines": ["reading 12 files", "wrote table.csv"],
        "total_lines": 2,
    }


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("tail=1", ["wrote table.csv"]),
        ("tail=0", []),
        ("tail=100&since=2024-01-01T00:00:00Z", ["reading 12 files", "wrote table.csv"]),
        ("since=2024-01-15T08:41:00Z", ["wrote table.csv"]),
        ("since=2025-01-01", []),
        ("timestamps=true&tail=1", ["2024-01-15T08:41:39Z wrote table.csv"]),
    ],
)
def test_logs_can_be_narrowed(client: httpx.Client, query: str, lines: list[str]) -> None:
    assert client.get(f"/v1/jobs/job_121/logs?{query}").json()["lines"] == lines


def test_logs_as_text(client: httpx.Client) -> None:
    response = client.get("/v1/jobs/job_121/logs?tail=1", headers={"Accept": "text/plain"})
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text == "wrote table.csv\n"
    both = client.get("/v1/jobs/job_121/logs", headers={"Accept": "text/plain;q=0.5, application/json"})
    assert both.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/jobs/no-such-job", "/v1/jobs/a%2Fb/logs", "/v1/jobs/no-such-job/output"])
def test_an_unknown_job_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["error"] == "resource_not_found"
    assert response.json()["details"]["resource"] == "job"


def test_an_unknown_cluster_is_not_found_on_submission(client: httpx.Client) -> None:
    assert client.post("/v1/jobs", json={**FLAT, "cluster_id": "no-such-cluster"}).status_code == 404


def test_a_job_that_no_node_can_hold_is_refused(client: httpx.Client) -> None:
    response = client.post("/v1/jobs", json={**FLAT, "resources": {"gpus": 99}})
    assert response.status_code == 400
    assert "gpus" in response.json()["details"]["field"]


def test_a_job_of_another_family_is_shown_too(server: MockServer, client: httpx.Client) -> None:
    asked = Resources(cpus=2, memory=3 * 2**30, gpus=0)
    job = server.cluster.submit(JobRequest(name="n", command="true", user_id="someone", resources=asked))
    shown = client.get(f"/v1/jobs/{job.id}").json()
    assert shown["resources"] == {"cpus": 2, "memory": "3Gi", "gpus": 0}
    assert shown["user_id"] == "someone"


@pytest.mark.parametrize(
    ("text", "amount"), [("8GB", 8 * 10**9), ("8Gi", 8 * 2**30), ("1.5KiB", 1536), ("7", 7), ("2M", 2_000_000)]
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert memory_bytes(text) == amount
    assert memory_bytes(memory_text(amount)) == amount


def test_what_is_no_amount_of_memory() -> None:
    with pytest.raises(ValueError, match="memory"):
        memory_bytes("8 apples")


def test_times_have_microseconds_only_when_there_are_some(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(world="empty")
    client = make_client(server)
    assert client.post("/v1/jobs", json=FLAT | {"cluster_id": "default"}).json()["created_at"] == "2024-01-15T10:35:00Z"
    server.advance(0.25)
    job = client.post("/v1/jobs", json=FLAT | {"cluster_id": "default"}).json()
    assert job["created_at"] == "2024-01-15T10:35:00.250000Z"


def test_the_documented_list_sample_has_the_keys_and_types_of_ours(client: httpx.Client) -> None:
    sample = json.loads((Path(__file__).parent / "data" / "platform.jobs_list.response.json").read_text())
    ours = client.get("/v1/jobs?limit=10&status=running&cluster_id=cluster_abc").json()
    assert {key: ours["jobs"][0][key] for key in sample["jobs"][0]} == sample["jobs"][0]
    assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in sample.items()}
    assert (ours["total"], ours["page"], ours["per_page"]) == (2, 1, 10)
