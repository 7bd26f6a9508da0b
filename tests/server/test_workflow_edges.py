"""Workflows of the server at their edges: odd bodies and dates, interrupted runs, a data store that is down, CORS."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.server.test_workflows import BASE, CHARGES, KEY, OUTPUT, made, refused

KEYS = "/api/v1/keys"
JSON = {"Content-Type": "application/json"}
PAGE = {"Origin": "https://page.example"}
MILLION = {"node_type": "database/query", "node_role": "getter", "config": {"rows": 1_000_000}}
EDGE = [{"source_node_index": 0, "target_node_index": 1}]


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key=KEY)


# Bodies


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 5000])
def test_numbers_beyond_json(client: httpx.Client, number: str) -> None:
    nodes = f'[{{"node_type": "stripe/listCharges", "node_role": "getter", "config": {{"limit": {number}}}}}]'
    refused(client.post(BASE, content=f'{{"title": "x", "nodes": {nodes}}}', headers=JSON), 400, "INVALID_BODY")
    refused(
        client.post(f"{BASE}/42/execute", content=f'{{"params": {{"a": {number}}}}}', headers=JSON), 400, "INVALID_BODY"
    )
    assert client.get(BASE).json()["data"]["total"] == 1


@pytest.mark.parametrize("headers", [{}, JSON])
def test_an_empty_body_whose_length_is_not_told(client: httpx.Client, headers: dict[str, str]) -> None:
    for path in ("execute", "validate"):
        assert client.post(f"{BASE}/42/{path}", content=iter(()), headers=headers).status_code == 200
    refused(client.post(BASE, content=iter(()), headers=JSON), 400, "INVALID_BODY")


def test_an_optional_body_is_json_too(client: httpx.Client) -> None:
    text = {"Content-Type": "text/plain"}
    refused(client.post(f"{BASE}/42/execute", content=b"{}", headers=text), 415, "INVALID_BODY")


@pytest.mark.parametrize(
    ("instant", "message"),
    [
        (9_999_999_999, "ISO 8601"),
        (1e17, "ISO 8601"),
        (True, "ISO 8601"),
        ("9999-12-31T23:59:59.999999Z", "year 10000"),
        ("9999-12-31T23:59:59-10:00", "year 10000"),
        ("0001-01-01T00:00:00+14:00", "future"),
    ],
)
def test_a_date_that_cannot_be_makes_no_key(client: httpx.Client, instant: Any, message: str) -> None:
    before = [key["id"] for key in client.get(KEYS).json()["keys"]]
    answer = client.post(KEYS, json={"name": "x", "expires_at": instant})
    refused(answer, 400, "INVALID_INPUT", message)
    assert [key["id"] for key in client.get(KEYS).json()["keys"]] == before


def test_the_last_date_there_is(client: httpx.Client) -> None:
    key = client.post(KEYS, json={"name": "x", "expires_at": "9999-12-31T23:59:58.999Z"}).json()["key"]
    assert key["expires_at"] == "9999-12-31T23:59:58.999Z"


def test_a_scope_that_is_said_twice(client: httpx.Client) -> None:
    scopes = ["workflows:read", "workflows:execute", "workflows:read"]
    key = client.post(KEYS, json={"name": "x", "scopes": scopes}).json()["key"]
    assert key["scopes"] == scopes[:2]
    assert client.patch(f"{KEYS}/{key['id']}", json={"scopes": scopes[1:]}).json()["key"]["scopes"] == scopes[1:]
    twice = {"scopes": [*scopes[2:], *scopes[2:]]}
    assert client.patch(f"{KEYS}/{key['id']}", json=twice).json()["key"]["scopes"] == scopes[2:]


# Runs


def test_a_run_whose_answer_was_lost_is_not_repeated(client: httpx.Client, server: MockServer) -> None:
    server.faults.set("POST */execute: reset-after, ok")
    once = {"Idempotency-Key": "once"}
    with pytest.raises(httpx.TransportError):
        client.post(f"{BASE}/42/execute", headers=once)
    answer = client.post(f"{BASE}/42/execute", headers=once)
    assert answer.headers["idempotency-replayed"] == "true"
    [record] = server.workflows.executions
    assert answer.json()["data"]["result_id"] == record.result_id


def test_a_run_is_not_begun_twice(client: httpx.Client, server: MockServer) -> None:
    workflow = made(client, nodes=[{**MILLION, "config": {"rows": 200_000}}, OUTPUT], edges=EDGE)["id"]
    answers: list[httpx.Response] = []
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "once"}

    def run() -> None:
        url = f"{server.url}{BASE}/{workflow}/execute"
        answers.append(httpx.post(url, headers=headers, timeout=60, trust_env=False))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.workflows.executions) == 1
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "CONFLICT", "in progress")
            assert answer.headers["retry-after"] == "1"
        else:
            assert answer.json()["data"]["total_rows"] == 200_000


@pytest.mark.parametrize("end", ["stop", "reset"])
def test_a_run_is_dropped_when_its_world_ends(client: httpx.Client, server: MockServer, end: str) -> None:
    workflow = made(client, nodes=[MILLION, OUTPUT], edges=EDGE)["id"]
    directory = results_directory(server)
    failures: list[Exception] = []

    def run() -> None:
        try:
            client.post(f"{BASE}/{workflow}/execute", timeout=60)
        except httpx.TransportError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not server.journal or not server.journal[-1].path.endswith("/execute"):
        pass
    getattr(server, end)()
    thread.join()
    assert len(failures) == 1
    assert server.workflows.executions == []
    assert not directory.exists()
    assert server.app.state._results is None


def results_directory(server: MockServer) -> Path:
    """Return where the rows of runs are, which are there once somebody asked for some."""
    httpx.get(f"{server.url}{BASE}/42/data/dataRef:wf42_abc123", headers={"Authorization": f"Bearer {KEY}"})
    directory: Path = server.app.state.results._directory
    return directory


def test_a_data_store_that_is_down(client: httpx.Client, server: MockServer) -> None:
    shutil.rmtree(results_directory(server))
    once = {"Idempotency-Key": "once"}
    refused(client.post(f"{BASE}/42/execute", headers=once), 503, "SERVICE_UNAVAILABLE")
    assert server.workflows.executions == []
    assert server.workflows.deliveries == []
    refused(client.get(f"{BASE}/42/data/dataRef:wf42_abc123"), 404, "DATA_EXPIRED")


def test_rows_of_a_deleted_workflow_are_gone(client: httpx.Client) -> None:
    workflow = made(client, nodes=[CHARGES, OUTPUT], edges=EDGE)["id"]
    result = client.post(f"{BASE}/{workflow}/execute").json()["data"]["result_id"]
    client.delete(f"{BASE}/{workflow}")
    refused(client.get(f"{BASE}/{workflow}/data/{result}"), 404, "WORKFLOW_NOT_FOUND")


def test_the_link_to_the_next_page_spells_the_id_plainly(client: httpx.Client) -> None:
    page = client.get(f"{BASE}/0042/data/dataRef:wf42_abc123", params={"limit": 10}).json()["data"]
    assert page["next_page_url"] == f"{BASE}/42/data/dataRef:wf42_abc123?page=1&limit=10"


# Pages of other origins


def test_every_path_answers_a_preflight_free_of_charge(
    server: MockServer, make_client: Callable[..., httpx.Client]
) -> None:
    client = make_client(server, key=None)
    for path in (f"{BASE}/42", "/api/v1/nothing", KEYS):
        for _ in range(70):
            answer = client.options(path, headers={**PAGE, "Access-Control-Request-Method": "PATCH"})
            assert (answer.status_code, answer.content) == (204, b"")
            assert "x-ratelimit-remaining" not in answer.headers
            assert "GET" in answer.headers["access-control-allow-methods"].split(", ")
    unknown = client.get(f"{BASE}/42", headers=PAGE)
    assert (unknown.status_code, unknown.headers["x-ratelimit-remaining"]) == (401, "59")


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("PUT", KEYS, 405), ("POST", KEYS, 400), ("GET", f"{BASE}/41", 404)],
)
def test_a_page_can_read_every_refusal(client: httpx.Client, verb: str, path: str, status: int) -> None:
    options = {"content": b"{", "headers": {**PAGE, **JSON}} if verb == "POST" else {"headers": PAGE}
    answer = client.request(verb, path, **options)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"X-Request-ID", "Retry-After"} <= set(answer.headers["access-control-expose-headers"].split(", "))


@pytest.mark.parametrize(("fault", "status"), [("429;retry-after=3", 429), ("500", 500), ("503", 503)])
def test_a_page_can_read_planned_failures(
    make_client: Callable[..., httpx.Client], server: MockServer, fault: str, status: int
) -> None:
    server.faults.set(f"GET {BASE}*: {fault}")
    answer = make_client(server, key=KEY, checked=False).get(BASE, headers=PAGE)
    code = {429: "RATE_LIMITED", 500: "INTERNAL_ERROR", 503: "SERVICE_UNAVAILABLE"}[status]
    refused(answer, status, code)
    assert answer.headers["access-control-allow-origin"] == "*"


# Sessions


def test_a_session_learns_which_methods_there_are(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    answer = make_client(server, key=None).put(KEYS, headers={"Cookie": "your-session-cookie"})
    refused(answer, 405, "METHOD_NOT_ALLOWED")


def test_a_session_and_a_key_have_their_own_budgets(
    server: MockServer, make_client: Callable[..., httpx.Client]
) -> None:
    client, nobody = make_client(server, key=KEY), make_client(server, key=None)
    for _ in range(61):
        last = client.get(KEYS)
    refused(last, 429, "RATE_LIMITED")
    assert nobody.get(KEYS, headers={"Cookie": "your-session-cookie"}).headers["x-ratelimit-remaining"] == "59"
