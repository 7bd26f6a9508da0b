"""Fault plans, each effect seen from the other end of the wire."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.delivery import ConnectionDroppedError
from mock_server.faults import FaultPlan, Rule, parse_rules
from tests.server.conftest import raw_exchange, raw_get

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = {"name": "n", "command": "true"}


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """A client that does not mind answers that break the contract."""
    return make_client(server, checked=False)


def split(answer: bytes) -> tuple[bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.lower(), body


def test_a_status_in_place_of_the_work(server: MockServer, client: httpx.Client) -> None:
    server.faults.set([{"method": "POST", "path": "/v1/jobs", "status": 503, "retry_after": 2, "times": 1}])
    total = client.get("/v1/jobs").json()["total"]
    response = client.post("/v1/jobs", json=BODY)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert response.headers["X-RateLimit-Limit"] == "1000"
    assert response.json()["error"] == "service_unavailable"
    assert client.get("/v1/jobs").json()["total"] == total
    assert client.post("/v1/jobs", json=BODY).status_code == 201


@pytest.mark.parametrize(
    ("body", "kind", "content"),
    [("<html>", "text/plain; charset=utf-8", b"<html>"), ({"a": 1}, "application/json", b'{"a":1}')],
)
def test_a_status_with_a_body_of_its_own(
    server: MockServer, client: httpx.Client, body: Any, kind: str, content: bytes
) -> None:
    server.faults.set([{"status": 502, "body": body, "headers": {"X-Proxy": "yes"}}])
    response = client.get("/v1/jobs")
    assert (response.status_code, response.content) == (502, content)
    assert response.headers["X-Proxy"] == "yes"
    assert response.headers["content-type"] == kind


def test_a_storm_of_refusals(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("GET /v1/jobs: storm=3")
    answers = [client.get("/v1/jobs") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert answers[0].json()["error"] == "rate_limit_exceeded"


def test_wrong_keys_stay_wrong_under_a_planned_failure(
    server: MockServer, make_client: Callable[..., httpx.Client]
) -> None:
    server.faults.set("*: 500*")
    response = make_client(server, key="wrong", checked=False).get("/v1/jobs")
    assert (response.status_code, response.headers["X-RateLimit-Remaining"]) == (500, "999")


def test_a_reset_before_the_work(server: MockServer, client: httpx.Client) -> None:
    server.faults.set([{"method": "DELETE", "reset": "before"}])
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.delete("/v1/jobs/job_123")
    assert "job_123" in server.cluster.jobs


def test_a_reset_after_the_work(server: MockServer, client: httpx.Client) -> None:
    server.faults.set([{"method": "DELETE", "reset": "after"}])
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.delete("/v1/jobs/job_123")
    assert "job_123" not in server.cluster.jobs
    assert [(record.fault, record.status) for record in server.journal] == [("reset", 204)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset_is_a_real_one(server: MockServer, when: str) -> None:
    server.faults.set(f"GET *: reset-{when}")
    with pytest.raises(ConnectionResetError):
        raw_exchange(server.url, raw_get("/v1/jobs"))


@pytest.mark.parametrize("size", [0, 10])
def test_a_body_that_is_cut(server: MockServer, size: int) -> None:
    server.faults.set([{"cut_body": size}])
    head, body = split(raw_exchange(server.url, raw_get("/v1/jobs/job_123")))
    assert head.startswith(b"http/1.1 200 ")
    assert b"content-length: 0" not in head
    assert len(body) == size


def test_a_client_notices_a_body_that_is_cut(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("GET *: cut=10, ok")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/v1/jobs")
    assert client.get("/v1/jobs").status_code == 200


def test_a_stream_that_is_cut(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("GET *: cut=40, ok")
    received = b""
    with pytest.raises(httpx.RemoteProtocolError), client.stream("GET", "/v1/jobs/job_121/logs?follow=true") as stream:
        for chunk in stream.iter_raw():
            received += chunk
    assert received == b"id: 1\ndata: reading 12 files\n\nid: 2\ndata"


def test_a_stream_has_no_length_to_be_wrong(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("GET *: length=+3")
    assert "event: end" in client.get("/v1/jobs/job_121/logs?follow=true").text


def test_a_success_without_a_body(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("GET *: 204, 299")
    assert [(answer.status_code, answer.content) for answer in (client.get("/v1/jobs"), client.get("/v1/jobs"))] == [
        (204, b""),
        (299, b""),
    ]


def test_a_stop_does_not_wait_for_a_slow_answer(server: MockServer) -> None:
    server.faults.set([{"drip": {"bytes": 1, "interval": 60}}])
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as sock:
        sock.sendall(raw_get("/v1/jobs"))
        assert sock.recv(1)
        server.stop()


def test_a_body_that_drips(server: MockServer) -> None:
    server.faults.set("GET *: drip=100@0.001")
    head, body = split(raw_exchange(server.url, raw_get("/v1/jobs/job_123")))
    assert json.loads(body)["id"] == "job_123"
    assert f"content-length: {len(body)}".encode() in head


@pytest.mark.parametrize("excess", [3, -3])
def test_a_length_that_is_wrong(server: MockServer, excess: int) -> None:
    server.faults.set(f"GET *: length={excess:+}")
    head, body = split(raw_exchange(server.url, raw_get("/v1/jobs/job_123")))
    assert json.loads(body)["id"] == "job_123"
    assert f"content-length: {len(body) + excess}\r\n".encode() in head + b"\r\n"


def test_a_header_that_comes_twice(server: MockServer) -> None:
    server.faults.set("GET *: duplicate=content-type")
    head, _ = split(raw_exchange(server.url, raw_get("/v1/jobs/job_123")))
    assert head.count(b"content-type: application/json") == 2


def test_a_delay_is_within_the_work(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("GET *: delay=60")
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v1/jobs", timeout=0.05)
    assert server.journal[0].fault == "delay"
    assert server.journal[0].status is None


def test_a_delayed_status(server: MockServer, client: httpx.Client) -> None:
    server.faults.set([{"status": 500, "delay": 60}])
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v1/jobs", timeout=0.05)


@pytest.mark.parametrize("effect", ["reset-before", "reset-after", "cut=5", "length=+1"])
def test_without_a_socket_a_dropped_connection_is_an_exception(effect: str) -> None:
    server = MockServer(faults=f"*: {effect}")

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://test") as client:
            await client.get("/v1/jobs", headers={"Authorization": "Bearer YOUR_API_KEY"})

    with pytest.raises(ConnectionDroppedError):
        asyncio.run(ask())


def fate(plan: FaultPlan, count: int, method: str = "POST", path: str = "/v1/jobs") -> list[str]:
    picks = (plan.pick(method, path) for _ in range(count))
    return ["ok" if rule is None else rule.name for rule in picks]


def test_the_short_form_tells_the_fate_of_successive_requests() -> None:
    plan = FaultPlan(parse_rules("POST /v1/jobs: reset-after*2, 503, ok, delay=0.5"))
    assert fate(plan, 6) == ["reset", "reset", "status", "ok", "delay", "ok"]
    assert fate(plan, 1, method="GET") == ["ok"]


def test_a_word_that_never_ends() -> None:
    assert fate(FaultPlan(parse_rules("POST *: ok*2, 500*")), 5) == ["ok", "ok", "status", "status", "status"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*: 503*", {"status": 503}),
        ("/v1/jobs: 429;retry-after=2", {"path": "/v1/jobs", "status": 429, "retry_after": 2, "nth": (1,)}),
        ("get /v1/jobs/*: cut=0", {"method": "GET", "path": "/v1/jobs/*", "cut_body": 0, "nth": (1,)}),
        ("POST *: storm=2;retry-after=3", {"method": "POST", "storm": 2, "retry_after": 3, "nth": (1, 2)}),
        ("GET *: drip=5", {"method": "GET", "drip": {"bytes": 5, "interval": 0}, "nth": (1,)}),
    ],
)
def test_the_short_form_is_shorthand_for_data(line: str, expected: dict[str, Any]) -> None:
    assert [rule.model_dump(exclude_unset=True, exclude={"start"}) for rule in parse_rules(line)] == [expected]


@pytest.mark.parametrize("line", ["503", "*: oops", "*: cut=x", "*: 503;later", "*: 99", "*: drip=0", "*: ok*x"])
def test_mistakes_in_the_short_form(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rules(line)


@pytest.mark.parametrize(
    "rule", [{"statsu": 500}, {"status": 99}, {"reset": "maybe"}, {"headers": {"X\r\nY": "1"}}, {"delay": -1}]
)
def test_mistakes_in_data(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        MockServer(faults=[rule])


def test_rules_count_for_themselves() -> None:
    plan = FaultPlan([Rule(nth=2, status=500), Rule(method="POST", times=2, status=503)])
    rules = [plan.pick("POST", "/v1/jobs") for _ in range(4)]
    assert [rule and rule.status for rule in rules] == [503, 500, None, None]
    assert [(rule["matched"], rule["struck"]) for rule in plan.as_list()] == [(4, 1), (4, 2)]


def test_chance_repeats_with_the_seed() -> None:
    def run(seed: int) -> list[str]:
        return fate(FaultPlan([Rule(probability=0.5, status=500)], seed=seed), 40)

    assert run(1) == run(1) != run(2)
    assert 10 < run(1).count("status") < 30
    assert fate(FaultPlan([Rule(probability=0.0, status=500)]), 3) == ["ok"] * 3


def test_a_plan_can_be_changed_while_the_server_runs(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("GET *: 500*")
    assert client.get("/v1/jobs").status_code == 500
    server.faults.clear()
    assert client.get("/v1/jobs").status_code == 200
    server.faults.add({"status": 502}, "GET *: 503")
    assert [rule.status for rule in server.faults.rules] == [502, 503]
    assert client.get("/v1/jobs").status_code == 502
    server.reset()
    assert server.faults.rules == ()


def test_a_plan_from_the_start_survives_a_reset(make_server: Callable[..., MockServer], make_client: Any) -> None:
    server = make_server(faults=[Rule(status=500, times=1)])
    client = make_client(server)
    assert [client.get("/v1/jobs").status_code for _ in range(2)] == [500, 200]
    server.reset()
    assert client.get("/v1/jobs").status_code == 500


def test_an_answer_may_break_off_between_any_two_bytes(server: MockServer) -> None:
    whole = raw_exchange(server.url, raw_get("/v1/jobs/job_121/logs"))
    _, body = split(whole)
    for size in range(len(body)):
        server.faults.set([{"cut_body": size}])
        assert split(raw_exchange(server.url, raw_get("/v1/jobs/job_121/logs")))[1] == body[:size]
