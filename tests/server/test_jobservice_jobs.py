"""Jobs of the job service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import JobRequest, Resources

JOBS = "/api/v1/jobs/"
MINIMUM = {"job_type": "inference", "image": "pytorch-inference:v1.0"}
GB = 10**9

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


# Where it runs


@pytest.mark.parametrize(
    ("fields", "cluster"),
    [
        ({}, "my-cluster"),
        ({"resources": {"gpu": 1}}, "my-cluster"),
        ({"resources": {"gpu": 4}}, "gpu-cluster"),
        ({"resources": {"cpu": "17"}}, "gpu-cluster"),
        ({"resources": {"cpu": "33"}}, "specific-cluster"),
        ({"gang": {"enabled": True, "min_members": 3}, "resources": {"gpu": 4}}, "gpu-cluster"),
        ({"gang": {"enabled": False, "min_members": 1000}}, "my-cluster"),
    ],
)
def test_the_first_cluster_that_can_hold_it(
    make_server: Callable[..., MockServer],
    make_client: Callable[..., httpx.Client],
    fields: dict[str, Any],
    cluster: str,
) -> None:
    server = make_server()
    job = created(make_client(server, key="<token>"), **fields)
    assert server.cluster.clusters[server.cluster.job(job["id"]).cluster_id].name == cluster


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"resources": {"cpu": "1M"}}, "resources.cpu"),
        ({"resources": {"memory": "1Ei"}}, "resources.memory"),
        ({"resources": {"gpu": 1000}}, "resources.gpu"),
        ({"gang": {"enabled": True, "min_members": 100_000}}, "gang.min_members"),
        ({"config": {"command": "x" * 70_000}}, "config.command"),
    ],
)
def test_what_no_cluster_could_ever_run(client: httpx.Client, fields: dict[str, Any], field: str) -> None:
    answer = client.post(JOBS, json={**MINIMUM, **fields})
    details = refused(answer, 400, "VALIDATION_ERROR", "Invalid job configuration")
    assert [detail["field"] for detail in details] == [field]


# What it does


def test_the_command_of_the_settings_runs(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"command": "echo started; sleep 10; echo done; exit 3"})
    server.advance(5)
    assert shown(client, job)["status"] == "running"
    server.advance(10)
    found = shown(client, job)
    assert (found["status"], found["started_at"], found["completed_at"]) == (
        "failed",
        "2024-01-15T10:35:00.100000Z",
        "2024-01-15T10:35:10.100000Z",
    )


def test_a_job_that_takes_too_long(server: MockServer, client: httpx.Client) -> None:
    job = created(client, timeout_seconds=20)
    server.advance(19)
    assert shown(client, job)["status"] == "running"
    server.advance(2)
    assert shown(client, job)["status"] == "failed"
    assert "exceeded its time limit of 20 s" in client.get(f"{JOBS}{job['id']}/logs").text


def test_a_failed_job_is_tried_again_later_each_time(server: MockServer, client: httpx.Client) -> None:
    policy = {"max_retries": 2, "backoff_multiplier": 10}
    job = created(client, config={"command": "echo try; false"}, retry_policy=policy)
    seen = []
    for seconds in (0.5, 1, 10):
        server.advance(seconds)
        found = shown(client, job)
        seen.append((found["status"], found["retry_count"], client.get(f"{JOBS}{job['id']}/logs").text.count("try")))
    assert seen == [("queued", 1, 1), ("queued", 2, 2), ("failed", 2, 3)]


def test_each_attempt_has_another_worker(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"command": "sleep 10; false"}, retry_policy={"max_retries": 1})
    server.advance(5)
    first = shown(client, job)["worker_id"]
    server.advance(10)
    assert {first, shown(client, job)["worker_id"]} != {first}
    assert first == shown(client, {"id": job["id"]})["worker_id"] or first.startswith("worker-")


def test_a_gang_starts_as_a_whole_or_not_at_all(server: MockServer, client: httpx.Client) -> None:
    (cluster,) = server.cluster.clusters.values()
    cpus = sum(node.capacity.cpus for node in cluster.nodes.values())
    blocker = created(client, config={"command": "sleep 100"}, resources={"cpu": "1"})
    gang = created(client, gang={"enabled": True, "min_members": cpus}, resources={"cpu": "1"}, priority=60)
    server.advance(1)
    assert (shown(client, blocker)["status"], shown(client, gang)["status"]) == ("queued", "running")
    client.delete(JOBS + gang["id"])
    rest = created(client, gang={"enabled": True, "min_members": cpus}, resources={"cpu": "1"})
    server.advance(10)
    assert shown(client, rest)["status"] == "queued"
    server.advance(100)
    assert shown(client, rest)["status"] == "running"
    used = [node.capacity.cpus - node.free.cpus for node in cluster.nodes.values()]
    assert sum(used) == cpus


# Cancelling


def test_cancelling(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"command": "trap 'echo no' TERM; sleep 1000"})
    server.advance(10)
    answer = client.delete(JOBS + job["id"])
    expected = {"id": job["id"], "status": "cancelled", "cancelled_at": "2024-01-15T10:35:10Z"}
    assert (answer.status_code, answer.json()) == (200, expected)
    found = shown(client, job)
    assert (found["status"], found["cancelled_at"], found["completed_at"]) == (
        "cancelled",
        expected["cancelled_at"],
        expected["cancelled_at"],
    )
    refused(client.delete(JOBS + job["id"]), 409, "CONFLICT", "already cancelled")


def test_what_has_ended_or_is_not_there_cannot_be_cancelled(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"command": "true"})
    server.advance(1)
    refused(client.delete(JOBS + job["id"]), 409, "CONFLICT", "already succeeded")
    refused(client.delete(JOBS + "job-nothing"), 404, "NOT_FOUND", "job-nothing")
    refused(client.get(JOBS + "job-nothing"), 404, "NOT_FOUND")
    refused(client.get(JOBS + "job-nothing/logs"), 404, "NOT_FOUND")


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


# One job, several views


def test_a_job_belongs_to_the_subject_of_the_token(server: MockServer, make_client: Callable[..., Any]) -> None:
    job = created(make_client(server, key=server.token("alice")))
    assert make_client(server).get(f"/v1/jobs/{job['id']}").json()["user_id"] == "alice"


def test_how_the_platform_sees_it(
    server: MockServer, client: httpx.Client, make_client: Callable[..., httpx.Client]
) -> None:
    platform = make_client(server)
    job = created(client, **{**PRINTED, "resources": {"cpu": "1500m", "memory": "8Gi"}})
    seen = platform.get(f"/v1/jobs/{job['id']}?include=logs,outputs,metrics").json()
    assert seen["name"] == "inference-resnet50"
    assert seen["command"] == "run-model --batches 100 --seconds 30 -- resnet50"
    assert seen["resources"] == {"cpus": 2, "memory": "8Gi", "gpus": 0}
    assert (seen["status"], seen["priority"]) == ("pending", 80)
    assert seen["id"] in [item["id"] for item in platform.get("/v1/jobs").json()["jobs"]]
    assert platform.get(f"/v1/jobs/{job['id']}/output").json()["stdout"] == ""
    server.advance(31)
    assert platform.get(f"/v1/jobs/{job['id']}").json()["status"] == "completed"
    assert platform.get(f"/v1/jobs/{job['id']}/logs").json()["lines"][0] == "Loading model resnet50..."
    assert platform.delete(f"/v1/jobs/{job['id']}").status_code == 204
    refused(client.get(JOBS + job["id"]), 404, "NOT_FOUND")


def test_how_a_job_of_the_platform_looks_here(
    server: MockServer, client: httpx.Client, make_client: Callable[..., httpx.Client]
) -> None:
    platform = make_client(server)
    body = {"name": "n", "command": "sleep 60", "priority": 500, "resources": {"cpus": 2, "memory": "8GB"}}
    job = platform.post("/v1/jobs", json=body).json()
    found = shown(client, job)
    assert {name: found[name] for name in ("job_type", "priority", "image", "config", "resources", "gang")} == {
        "job_type": "batch",
        "priority": 100,
        "image": "",
        "config": {"command": "sleep 60"},
        "resources": {"cpu": "2", "memory": "8GB", "gpu": 0},
        "gang": {"enabled": False, "min_members": 1},
    }
    server.advance(1)
    assert client.get(f"{JOBS}?job_type=batch&status=running&priority_min=100").json()["total"] == 1
    assert client.delete(JOBS + job["id"]).json()["status"] == "cancelled"
    assert platform.get(f"/v1/jobs/{job['id']}").json()["status"] == "cancelled"


def test_a_job_on_several_nodes_looks_like_a_gang(server: MockServer, client: httpx.Client) -> None:
    request = JobRequest("n", "sleep 60", "user_456", nodes=2, resources=Resources(1, GB), time_limit=90.0)
    found = shown(client, {"id": server.cluster.submit(request).id})
    assert found["gang"] == {"enabled": True, "min_members": 2}
    assert found["timeout_seconds"] == 90


def test_the_platform_may_change_it(
    server: MockServer, client: httpx.Client, make_client: Callable[..., httpx.Client]
) -> None:
    job = created(client)
    changed = make_client(server).patch(f"/v1/jobs/{job['id']}", json={"priority": 1000, "name": "other"})
    assert changed.status_code == 200
    assert shown(client, job)["priority"] == 100


def test_webhooks_tell_of_it(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"command": "true"})
    server.advance(1)
    kinds = [event.kind for event in server.cluster.events() if event.subject == job["id"]]
    assert [kind for kind in kinds if kind in ("job.created", "job.started", "job.completed")] == [
        "job.created",
        "job.started",
        "job.completed",
    ]


def test_polling_lets_an_automatic_clock_run(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    client = make_client(make_server(clock="auto", world="empty"), key="<token>")
    job, states = created(client), set()
    for _ in range(300):
        states.add(status := shown(client, job)["status"])
        if status == "succeeded":
            break
    assert states == {"pending", "running", "succeeded"}


def test_settings_come_back_as_they_were_sent(client: httpx.Client) -> None:
    config = {"deep": {"list": [1, 2.5, None, True, {"é": "ü\u0000"}]}, "big": 2**53 + 1, "tiny": 1e-9}
    assert json.dumps(shown(client, created(client, config=config))["config"]) == json.dumps(config)
