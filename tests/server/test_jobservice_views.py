"""One job in the views of several families."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import JobRequest, Resources
from tests.server.test_jobservice_jobs import JOBS, PRINTED, created, refused, shown


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key="<token>")


def test_a_job_belongs_to_the_subject_of_the_token(server: MockServer, make_client: Callable[..., Any]) -> None:
    platform = make_client(server)
    for subject, user in (("user_457", "user_457"), ("alice", "user_456"), ("nobody-here", "nobody-here")):
        job = created(make_client(server, key=server.token(subject)))
        assert platform.get(f"/v1/jobs/{job['id']}").json()["user_id"] == user


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
    assert client.get(f"{JOBS}?priority_min=101").json()["total"] == 0
    assert client.delete(JOBS + job["id"]).json()["status"] == "cancelled"
    assert platform.get(f"/v1/jobs/{job['id']}").json()["status"] == "cancelled"


def test_a_job_on_several_nodes_looks_like_a_gang(server: MockServer, client: httpx.Client) -> None:
    request = JobRequest("n", "sleep 60", "user_456", nodes=2, resources=Resources(1, 10**9), time_limit=90.0)
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
