"""Health of the job service, what breaks it, where it answers, and the budgets of its callers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer

API = "/api/v1"
ALL_WELL = {"database": "ok", "redis": "ok", "kubernetes": "ok"}
READY = f"{API}/health/ready"


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key="<token>")


@pytest.fixture
def probe(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """A caller without credentials."""
    return make_client(server, key=None)


def refused(answer: httpx.Response, status: int, code: str, message: str = "") -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert message in error["message"]


def test_probes_need_no_token(probe: httpx.Client) -> None:
    live, ready = probe.get(f"{API}/health/live"), probe.get(READY)
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": ALL_WELL})
    assert probe.get(READY, headers={"Authorization": "Bearer wrong"}).status_code == 200


def test_probes_are_counted_by_address(probe: httpx.Client, client: httpx.Client) -> None:
    left = [answer.headers["X-RateLimit-Remaining"] for answer in (probe.get(READY), client.get(READY))]
    assert left == ["599", "598"]


def test_a_dependency_that_is_down(server: MockServer, client: httpx.Client, probe: httpx.Client) -> None:
    server.health.fail("redis")
    ready = probe.get(READY)
    assert (ready.status_code, ready.json()) == (503, {"status": "degraded", "checks": {**ALL_WELL, "redis": "error"}})
    assert probe.get(f"{API}/health/live").status_code == 200
    refused(client.get(f"{API}/queues/"), 503, "SERVICE_UNAVAILABLE", "redis")
    assert client.get(f"{API}/jobs/").status_code == 200
    assert server.health.checks == {**ALL_WELL, "redis": "error"}
    server.health.restore("redis")
    assert probe.get(READY).json()["checks"] == ALL_WELL
    with pytest.raises(ValueError, match="one of database, redis, kubernetes"):
        server.health.fail("etcd")


@pytest.mark.parametrize(
    ("method", "path", "needs"),
    [
        ("POST", "/jobs/", "database redis kubernetes"),
        ("GET", "/jobs/", "database"),
        ("GET", "/jobs/job_123", "database"),
        ("GET", "/jobs/job_123/logs", "database"),
        ("DELETE", "/jobs/nothing", "database kubernetes"),
        ("GET", "/queues/", "redis"),
        ("GET", "/queues/nothing", "redis"),
        ("GET", "/clusters/", "kubernetes"),
        ("GET", "/clusters/gpu-cluster", "kubernetes"),
        ("GET", "/metrics/", "database"),
    ],
)
def test_what_each_endpoint_needs(server: MockServer, client: httpx.Client, method: str, path: str, needs: str) -> None:
    body: dict[str, Any] = {"json": {"job_type": "inference", "image": "i"}} if method == "POST" else {}
    for name in needs.split():
        server.health.fail(name)
        answer = client.request(method, API + path, **body)
        refused(answer, 503, "SERVICE_UNAVAILABLE", f"{name} is down")
        assert answer.headers["Retry-After"] == "5"
        server.health.restore(name)


def test_the_fault_plan_breaks_dependencies(server: MockServer, client: httpx.Client, probe: httpx.Client) -> None:
    server.faults.set(f"GET {READY}: down=redis, ok, down=kubernetes")
    assert [probe.get(READY).status_code for _ in range(4)] == [503, 200, 503, 200]
    server.faults.set([{"dependency": "kubernetes", "times": 3}])
    assert probe.get(READY).json()["checks"] == {**ALL_WELL, "kubernetes": "error"}
    refused(client.post(f"{API}/jobs/", json={"job_type": "inference", "image": "i"}), 503, "SERVICE_UNAVAILABLE")
    assert client.get(f"{API}/jobs/").status_code == 200
    assert server.journal[-1].fault == "dependency"
    with pytest.raises(ValueError, match="dependency"):
        server.faults.set("*: down=etcd")


def test_the_control_api_breaks_dependencies(server: MockServer, probe: httpx.Client) -> None:
    with httpx.Client(base_url=f"{server.url}/_mock", trust_env=False) as control:
        assert control.get("/health").json() == ALL_WELL
        assert control.put("/health", json={"redis": "error"}).json() == {**ALL_WELL, "redis": "error"}
        for wrong in ({"redis": "down"}, {"etcd": "ok"}, ["redis"], {"database": "error", "etcd": "ok"}):
            assert control.put("/health", json=wrong).status_code == 400
        assert control.get("/health").json() == {**ALL_WELL, "redis": "error"}
        assert probe.get(READY).status_code == 503
        control.post("/reset")
    assert probe.get(READY).status_code == 200


# Where it answers


@pytest.mark.parametrize("base", ["", "/jobservice"])
def test_collections_with_and_without_their_slash(client: httpx.Client, base: str) -> None:
    for path in ("jobs", "jobs/", "clusters", "clusters/", "jobs/job_123", "jobs/job_123/", "health/live/"):
        answer = client.get(f"{base}{API}/{path}")
        assert (answer.status_code, answer.is_redirect) == (200, False), path


def test_workflows_keep_the_rest_of_the_prefix(client: httpx.Client) -> None:
    key = {"Authorization": "Bearer vntg_your_key_here"}
    for path in ("nothing", "jobsx", "healthy/live", "workflows/jobs"):
        unknown = client.get(f"{API}/{path}", headers=key)
        assert (unknown.status_code, unknown.json()["success"]) == (404, False)
    assert client.get(f"{API}/workflows", headers=key).status_code == 200


@pytest.mark.parametrize("path", ["jobs/a/b", "queues/a/b", "clusters/a/b", "metrics/x", "health", "health/x"])
def test_unknown_paths_below_its_words_are_its_own(client: httpx.Client, path: str) -> None:
    for base in ("", "/jobservice"):
        refused(client.get(f"{base}{API}/{path}"), 404, "NOT_FOUND", "nothing at this path")


def test_unknown_paths_below_its_mount_are_its_own(client: httpx.Client) -> None:
    refused(client.get("/jobservice/nothing"), 404, "NOT_FOUND")
    refused(client.get("/jobservice/api/v1/workflows"), 404, "NOT_FOUND")


def test_its_own_host(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    client = make_client(server, key="<token>", checked=False)
    host = {"Host": "api.your-domain.com"}
    assert client.get(f"{API}/jobs/", headers=host).status_code == 200
    refused(client.get(f"{API}/workflows", headers=host), 404, "NOT_FOUND")


def test_other_methods(client: httpx.Client) -> None:
    answer = client.put(f"{API}/jobs/")
    refused(answer, 405, "METHOD_NOT_ALLOWED", "GET, POST")
    assert answer.headers["Allow"] == "GET, POST"


# Budgets


def test_each_kind_of_request_has_its_budget(client: httpx.Client) -> None:
    bad = client.post(f"{API}/jobs/", json={})
    listed = [client.get(f"{API}/{path}") for path in ("jobs/", "jobs", "queues/nothing", "clusters/", "jobs/x")]
    shown = [
        (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) for answer in (bad, *listed)
    ]
    assert shown == [("100", "99"), ("300", "299"), ("300", "298"), ("600", "599"), ("600", "598"), ("600", "597")]
    assert bad.headers["X-RateLimit-Reset"] == "1705314960"


def test_a_budget_that_is_used_up_leaves_the_others(server: MockServer, client: httpx.Client) -> None:
    for _ in range(100):
        client.post(f"{API}/jobs/", json={})
    answer = client.post(f"{API}/jobs/", json={})
    refused(answer, 429, "RATE_LIMITED", "100 requests")
    assert answer.headers["Retry-After"] == "60"
    assert client.get(f"{API}/jobs/").status_code == 200
    server.advance(60)
    assert client.post(f"{API}/jobs/", json={}).status_code == 400


def test_what_was_refused_for_a_dependency_can_be_asked_again(server: MockServer, client: httpx.Client) -> None:
    server.faults.set(f"POST {API}/jobs/: down=kubernetes, ok")
    body, once = {"job_type": "inference", "image": "i"}, {"Idempotency-Key": "once"}
    answers = [client.post(f"{API}/jobs/", json=body, headers=once) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 201, 201]
    assert "Idempotency-Replayed" in answers[2].headers
    assert answers[1].json() == answers[2].json()
