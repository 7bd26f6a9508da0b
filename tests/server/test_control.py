"""The control API."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.exchange import MAX_BODY


def test_info(client: httpx.Client) -> None:
    info = client.get("/_mock").json()
    assert (info["world"], info["clock"], info["seed"], info["jobs"], info["clusters"]) == (
        "documented",
        "manual",
        0,
        10,
        4,
    )


def test_reset(server: MockServer, client: httpx.Client) -> None:
    client.delete("/v1/jobs/job_123")
    server.advance(60)
    server.faults.set("*: 500*")
    assert client.post("/_mock/reset").json()["jobs"] == 10
    assert client.get("/v1/jobs/job_123").headers["X-RateLimit-Remaining"] == "999"
    assert [record.path for record in server.journal] == ["/v1/jobs/job_123"]


def test_the_clock(client: httpx.Client) -> None:
    before = client.get("/_mock/clock").json()
    assert (before["mode"], before["time"]) == ("manual", "2024-01-15T10:35:00Z")
    assert before["next_event_at"] > before["now"]
    assert client.post("/_mock/clock", json={"advance": 2.5}).json()["time"] == "2024-01-15T10:35:02.500000Z"
    after = client.post("/_mock/clock", json={"run_until_idle": True}).json()
    assert after["next_event_at"] is None
    assert client.get("/v1/jobs/job_123").json()["status"] == "completed"


@pytest.mark.parametrize(
    "body", [{}, {"advance": -1}, {"advance": "1"}, {"advance": 1, "run_until_idle": True}, {"rewind": 1}, [], None]
)
def test_the_clock_refuses_nonsense(client: httpx.Client, body: Any) -> None:
    response = client.post("/_mock/clock", json=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_faults(client: httpx.Client) -> None:
    put = client.put("/_mock/faults", json=["GET /v1/jobs: 503", {"method": "DELETE", "reset": "before"}])
    assert put.status_code == 200
    client.event_hooks = {"response": []}
    assert client.get("/v1/jobs").status_code == 503
    first, second = client.get("/_mock/faults").json()
    assert (first["status"], first["matched"], first["struck"]) == (503, 1, 1)
    assert (second["reset"], second["matched"]) == ("before", 0)
    assert client.delete("/_mock/faults").json() == []
    assert client.put("/_mock/faults", json="*: 500").json()[0]["status"] == 500


@pytest.mark.parametrize("plan", [{"status": 500}, [5], ["oops"], [{"statsu": 500}], 5])
def test_faults_that_are_none(client: httpx.Client, plan: Any) -> None:
    assert client.put("/_mock/faults", json=plan).status_code == 400
    assert client.get("/_mock/faults").json() == []


def test_the_journal(client: httpx.Client) -> None:
    client.post("/v1/jobs?x=1", json={"name": "n"}, headers={"Idempotency-Key": "k"})
    (record,) = client.get("/_mock/journal").json()
    assert (record["method"], record["path"], record["query"], record["status"]) == ("POST", "/v1/jobs", "x=1", 400)
    assert ["authorization", "***"] in record["headers"]
    assert client.delete("/_mock/journal").json() == []


def test_events(client: httpx.Client) -> None:
    client.post("/v1/jobs", json={"name": "n", "command": "true"})
    events = client.get("/_mock/events").json()
    assert "job.created" in {event["kind"] for event in events}
    last = events[-1]["sequence"]
    assert client.get(f"/_mock/events?after={last}").json() == []
    assert client.get("/_mock/events?after=x").status_code == 400


def test_nodes(client: httpx.Client) -> None:
    node = {"cluster": "gpu-cluster", "node": "gpu-node-01"}
    failed = client.post("/_mock/nodes/fail", json={**node, "reason": "power"})
    assert failed.json() == {"name": "gpu-node-01", "state": "down", "reason": "power"}
    assert client.post("/_mock/nodes/restore", json=node).json()["state"] != "down"
    assert client.post("/_mock/nodes/fail", json={**node, "node": "none"}).status_code == 404
    assert client.post("/_mock/nodes/fail", json={"cluster": "gpu-cluster"}).status_code == 400


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/_mock/x", 404), ("PUT", "/_mock/reset", 405)])
def test_what_does_not_exist(client: httpx.Client, method: str, path: str, status: int) -> None:
    assert client.request(method, path).status_code == status


def test_a_path_that_only_looks_like_it_is_not_ours(client: httpx.Client) -> None:
    assert client.get("/_mockery").json()["error"] == "resource_not_found"


def test_a_body_that_is_too_large_or_no_json(client: httpx.Client) -> None:
    assert client.post("/_mock/clock", content=b" " * (MAX_BODY + 1)).status_code == 413
    assert client.post("/_mock/clock", content=b"{").status_code == 400


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[2001:db8::1]", "", "1.2.3.4"]
)
def test_other_names_are_refused(client: httpx.Client, host: str) -> None:
    assert client.get("/_mock", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "127.9.9.9"])
def test_names_of_this_machine_are_fine(client: httpx.Client, host: str) -> None:
    assert client.get("/_mock", headers={"Host": host}).status_code == 200


def test_web_pages_may_not_use_it(client: httpx.Client) -> None:
    assert client.post("/_mock/reset", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/_mock/reset", headers={"Host": "localhost", "Origin": "http://localhost"}).status_code == 200


def ask(server: MockServer, address: str) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(server.app, client=(address, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/_mock")

    return asyncio.run(get())


def test_other_machines_are_refused() -> None:
    server = MockServer(clock="manual")
    assert ask(server, "127.0.0.1").status_code == 200
    assert ask(server, "192.0.2.1").status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])
def test_a_server_for_other_machines_has_none(host: str) -> None:
    assert ask(MockServer(clock="manual", host=host), "127.0.0.1").status_code == 403
