"""Jobs of the job service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import Resources

JOBS = "/api/v1/jobs/"
MINIMUM = {"job_type": "inference", "image": "pytorch-inference:v1.0"}

PRINTED = {
    "job_type": "inference",
    "priority": 80,
    "image": "pytorch-inference:v1.0",
    "config": {"model": "resnet50", "batch_size": 32},
    "resources": {"cpu": "2", "memory": "8Gi", "gpu": 1},
    "gang": {"enabled": False, "min_members": 1},
    "timeout_seconds": 3600,
    "retry_policy": {"max_retries": 3, "backoff_multiplier": 2},
}


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key="<token>")


def created(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post(JOBS, json={**MINIMUM, **fields})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def shown(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(JOBS + job["id"]).json()
    return found


def refused(answer: httpx.Response, status: int, code: str, message: str = "") -> list[dict[str, str]]:
    """Check a refusal and return its details."""
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert message in error["message"]
    details: list[dict[str, str]] = error["details"]
    return details


def test_the_printed_job(make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]) -> None:
    server = make_server()
    client = make_client(server, key="<token>")
    answer = client.post(JOBS, json=PRINTED)
    job = answer.json()
    assert answer.status_code == 201
    assert job["id"].startswith("job-")
    assert {**job, "id": ""} == {
        "id": "",
        "job_type": "inference",
        "priority": 80,
        "status": "pending",
        "created_at": "2024-01-15T10:35:00Z",
        "queue_position": job["queue_position"],
    }
    server.advance(60)
    found = shown(client, job)
    assert {name: found[name] for name in PRINTED} == PRINTED
    assert (found["status"], found["retry_count"]) == ("succeeded", 0)
    assert found["worker_id"].startswith("worker-")
    assert found["logs_url"] == f"{JOBS}{job['id']}/logs"
    assert "cancelled_at" not in found


def test_what_is_left_out(client: httpx.Client) -> None:
    found = shown(client, created(client))
    assert found["priority"] == 50
    assert found["config"] == {}
    assert found["resources"] == {"cpu": "1", "memory": "1Gi", "gpu": 0}
    assert found["gang"] == {"enabled": False, "min_members": 1}
    assert found["retry_policy"] == {"max_retries": 0, "backoff_multiplier": 1}
    assert "timeout_seconds" not in found
    assert [found[name] for name in ("started_at", "completed_at", "worker_id")] == [None, None, None]


def test_a_link_is_below_the_mount_that_was_used(client: httpx.Client) -> None:
    job = created(client)
    link = client.get("/jobservice" + JOBS + job["id"]).json()["logs_url"]
    assert link == f"/jobservice{JOBS}{job['id']}/logs"
    assert client.get(link).status_code == 200


@pytest.mark.parametrize("priority", [-1, 101, 10**20])
def test_a_priority_out_of_range_is_refused_in_the_printed_words(client: httpx.Client, priority: int) -> None:
    answer = client.post(JOBS, json={**MINIMUM, "priority": priority})
    details = refused(answer, 400, "VALIDATION_ERROR", "Invalid job configuration")
    assert details == [{"field": "priority", "message": "Priority must be between 0 and 100"}]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["job_type", "image"]),
        ({**MINIMUM, "unknown": 1}, ["unknown"]),
        ({**MINIMUM, "priority": "80"}, ["priority"]),
        ({**MINIMUM, "priority": None}, ["priority"]),
        ({**MINIMUM, "image": "", "job_type": 5}, ["job_type", "image"]),
        ({**MINIMUM, "config": []}, ["config"]),
        (
            {**MINIMUM, "resources": {"cpu": "two", "memory": "8 Gi", "gpu": -1}},
            ["resources.cpu", "resources.memory", "resources.gpu"],
        ),
        ({**MINIMUM, "resources": {"cpus": "2"}}, ["resources.cpus"]),
        ({**MINIMUM, "gang": {"enabled": "yes", "min_members": 0}}, ["gang.enabled", "gang.min_members"]),
        ({**MINIMUM, "timeout_seconds": 0}, ["timeout_seconds"]),
        ({**MINIMUM, "retry_policy": {"max_retries": -1}}, ["retry_policy.max_retries"]),
        ({**MINIMUM, "retry_policy": {"backoff_multiplier": 0}}, ["retry_policy.backoff_multiplier"]),
        ([], [""]),
    ],
)
def test_a_job_that_cannot_be(client: httpx.Client, body: Any, fields: list[str]) -> None:
    details = refused(client.post(JOBS, json=body), 400, "VALIDATION_ERROR", "Invalid job configuration")
    assert list(dict.fromkeys(detail["field"] for detail in details)) == fields
    assert all(detail["message"] for detail in details)
    assert client.get(JOBS).json()["total"] == 0


def test_a_body_that_is_no_json(client: httpx.Client) -> None:
    answer = client.post(JOBS, content=b"{", headers={"Content-Type": "application/json"})
    refused(answer, 400, "VALIDATION_ERROR", "not valid JSON")
    refused(client.post(JOBS, content=b"{}", headers={"Content-Type": "text/plain"}), 415, "VALIDATION_ERROR")


def test_numbers_may_be_texts_and_texts_numbers(client: httpx.Client) -> None:
    found = shown(client, created(client, resources={"cpu": 2, "memory": "8GB", "gpu": "0"}, priority=50.0))
    assert found["resources"] == {"cpu": "2", "memory": "8GB", "gpu": 0}


def test_the_scheduler_counts_whole_cores_and_bytes(server: MockServer, client: httpx.Client) -> None:
    job = created(client, resources={"cpu": "2500m", "memory": "1.5Gi"})
    assert server.cluster.job(job["id"]).request.resources == Resources(3, 3 * 2**29, 0)
    assert shown(client, job)["resources"] == {"cpu": "2500m", "memory": "1.5Gi", "gpu": 0}


# Lists


def test_the_list_has_the_newest_first(server: MockServer, client: httpx.Client) -> None:
    jobs = [created(client) for _ in range(2)]
    server.advance(1)
    jobs.append(created(client))
    page = client.get(JOBS).json()
    assert [item["id"] for item in page["items"]] == [job["id"] for job in reversed(jobs)]
    assert {name: page[name] for name in ("total", "limit", "offset")} == {"total": 3, "limit": 50, "offset": 0}
    assert list(page["items"][0]) == ["id", "job_type", "priority", "status", "created_at", "started_at"]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [4, 3, 2, 1, 0]),
        ("status=running", [2, 0]),
        ("status=queued", []),
        ("status=succeeded", [1]),
        ("status=failed", [4]),
        ("status=cancelled", [3]),
        ("status=pending", []),
        ("job_type=training", [2, 1]),
        ("job_type=nothing", []),
        ("priority_min=80", [4, 2]),
        ("priority_min=81", [4]),
        ("priority_min=81&job_type=training", []),
        ("limit=2", [4, 3]),
        ("limit=2&offset=1", [3, 2]),
        ("limit=2&offset=1&priority_min=10", [2, 1]),
        ("offset=5", []),
        ("limit=1000", [4, 3, 2, 1, 0]),
    ],
)
def test_filters(server: MockServer, client: httpx.Client, query: str, numbers: list[int]) -> None:
    jobs = [
        created(client, priority=10, config={"command": "sleep 100"}),
        created(client, job_type="training", config={"command": "true"}),
        created(client, job_type="training", priority=80),
        created(client, priority=5),
        created(client, priority=100, config={"command": "false"}),
    ]
    client.delete(JOBS + jobs[3]["id"])
    server.advance(1)
    page = client.get(f"{JOBS}?{query}").json()
    assert [item["id"] for item in page["items"]] == [jobs[number]["id"] for number in numbers]
    limit = int(dict(part.split("=") for part in query.split("&") if part).get("limit", 50))
    assert page["limit"] == min(limit, 100)
    if "limit" not in query and "offset" not in query:
        assert page["total"] == len(numbers)


@pytest.mark.parametrize(
    "query",
    ["status=completed", "status=", "limit=0", "limit=x", "offset=-1", "priority_min=-1", "priority_min=x", "page=1"],
)
def test_a_filter_that_cannot_be(client: httpx.Client, query: str) -> None:
    details = refused(client.get(f"{JOBS}?{query}"), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in details] == [query.partition("=")[0]]


# Doing it once


def test_a_repeated_key_makes_one_job(server: MockServer, client: httpx.Client) -> None:
    once = {"Idempotency-Key": "once"}
    first, second = (client.post(JOBS, json=PRINTED | {"resources": {}}, headers=once) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert client.get(JOBS).json()["total"] == 1
    details = refused(client.post(JOBS, json=MINIMUM, headers=once), 409, "CONFLICT", "different request")
    assert [detail["field"] for detail in details] == ["Idempotency-Key"]
    assert client.post(JOBS.rstrip("/"), json=PRINTED | {"resources": {}}, headers=once).json() == first.json()


def test_a_key_outlives_the_token(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    once = {"Idempotency-Key": "once"}
    old, new = (make_client(server, key=server.token("alice", lifetime=seconds)) for seconds in (60, 120))
    first = old.post(JOBS, json=MINIMUM, headers=once).json()
    assert new.post(JOBS, json=MINIMUM, headers=once).json() == first
    other = make_client(server, key=server.token("bob"))
    assert other.post(JOBS, json=MINIMUM, headers=once).json() != first


def test_settings_come_back_as_they_were_sent(client: httpx.Client) -> None:
    config = {"deep": {"list": [1, 2.5, None, True, {"é": "ü\u0000"}]}, "big": 2**53 + 1, "tiny": 1e-9}
    assert json.dumps(shown(client, created(client, config=config))["config"]) == json.dumps(config)
