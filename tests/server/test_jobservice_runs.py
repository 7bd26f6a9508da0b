"""Where AI jobs run, how they end, and how they are ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.server.test_jobservice_jobs import JOBS, MINIMUM, created, refused, shown


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key="<token>")


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
        ({"config": {"command": "x" * 70_000}}, "config.command"),
    ],
)
def test_what_no_cluster_could_ever_run(client: httpx.Client, fields: dict[str, Any], field: str) -> None:
    answer = client.post(JOBS, json={**MINIMUM, **fields})
    details = refused(answer, 400, "VALIDATION_ERROR", "Invalid job configuration")
    assert [detail["field"] for detail in details] == [field]


def test_what_no_node_has_together(make_server: Callable[..., MockServer], make_client: Callable[..., Any]) -> None:
    client = make_client(make_server(), key="<token>")
    answer = client.post(JOBS, json={**MINIMUM, "resources": {"cpu": "64", "gpu": 4}})
    (detail,) = refused(answer, 400, "VALIDATION_ERROR")
    assert detail == {"field": "resources", "message": "No node has all of this together"}
    (detail,) = refused(client.post(JOBS, json={**MINIMUM, "resources": {"gpu": 5}}), 400, "VALIDATION_ERROR")
    assert detail == {"field": "resources.gpu", "message": "5 requested, but no node has more than 4"}


def test_a_gang_that_is_too_large_waits_where_most_of_it_fits(
    make_server: Callable[..., MockServer], make_client: Callable[..., Any]
) -> None:
    server = make_server()
    client = make_client(server, key="<token>")
    job = created(client, gang={"enabled": True, "min_members": 1000}, resources={"cpu": "32"})
    server.advance(60)
    assert shown(client, job)["status"] == "queued"
    assert server.cluster.clusters[server.cluster.job(job["id"]).cluster_id].name == "hpc-cluster"


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
        seen.append((found["status"], found["retry_count"], client.get(f"{JOBS}{job['id']}/logs").text.count(" try\n")))
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
