"""Running workflows on the server, and the rows that come of it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from mock_server import MockServer
from tests.server.test_workflows import BASE, CHAIN, CHARGES, KEY, OUTPUT, made, refused


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key=KEY)


def test_a_run_has_rows_that_the_pages_go_on_with(client: httpx.Client) -> None:
    workflow = made(client, nodes=[{**CHARGES, "config": {"limit": 250}}, OUTPUT], edges=CHAIN[:1])
    run = client.post(f"{BASE}/{workflow['id']}/execute").json()["data"]
    assert (run["status"], run["total_rows"], len(run["rows"])) == ("completed", 250, 100)
    assert set(run["schema"]) == set(run["rows"][0])
    assert run["schema"]["amount"] == "number"
    found, url = [], f"{BASE}/{workflow['id']}/data/{run['result_id']}"
    while url:
        page = client.get(url).json()["data"]
        found += page["rows"]
        url = page["next_page_url"]
        assert page["has_more"] == (url is not None)
    assert len(found) == 250
    assert found[:100] == run["rows"]


def test_the_body_of_a_run_is_optional(client: httpx.Client) -> None:
    for options in ({}, {"json": {}}, {"json": {"params": {}}}, {"headers": {"Content-Type": "application/json"}}):
        assert client.post(f"{BASE}/42/execute", **options).status_code == 200
        assert client.post(f"{BASE}/42/validate", **(options if "params" not in str(options) else {})).is_success
    refused(client.post(f"{BASE}/42/execute", json={"params": []}), 400, "INVALID_INPUT", "params")
    refused(client.post(f"{BASE}/42/execute", json=[]), 400, "INVALID_BODY")


def test_parameters_reach_the_getters(client: httpx.Client) -> None:
    assert client.post(f"{BASE}/42/execute", json={"params": {"limit": 7}}).json()["data"]["total_rows"] == 7


def test_a_run_that_fails_says_where(client: httpx.Client) -> None:
    wrong = {"node_type": "queryoperators/computedColumn", "node_role": "setter", "label": "Wrong"}
    wrong["config"] = {"column_name": "x", "expression": "no_such_column + 1"}  # type: ignore[assignment]
    workflow = made(client, nodes=[CHARGES, wrong, OUTPUT])
    run = client.post(f"{BASE}/{workflow['id']}/execute").json()["data"]
    assert (run["status"], run["rows"], run["total_rows"], run["result_id"]) == ("failed", [], 0, None)
    assert "Wrong" in run["error"]
    assert "no_such_column" in run["error"]


def test_a_graph_that_cannot_run_is_refused(client: httpx.Client, server: MockServer) -> None:
    draft = made(client, nodes=[CHARGES], edges=[])
    refused(client.post(f"{BASE}/{draft['id']}/execute"), 400, "INVALID_INPUT", "No terminator node found in workflow")
    empty = made(client, nodes=[], edges=[])
    refused(client.post(f"{BASE}/{empty['id']}/execute"), 400, "INVALID_INPUT", "No terminator node")
    assert server.workflows.executions == []


def test_validation_tells_all_that_is_wrong(client: httpx.Client) -> None:
    assert client.post(f"{BASE}/42/validate").json()["data"] == {"valid": True, "warnings": []}
    column = {"node_type": "queryoperators/computedColumn", "node_role": "setter", "config": {"expression": "1"}}
    draft = made(client, nodes=[CHARGES, column], edges=CHAIN[:1])
    found = client.post(f"{BASE}/{draft['id']}/validate").json()["data"]
    assert found["valid"] is False
    assert {"node_id": draft["nodes"][1]["id"], "message": "Missing required config field: column_name"} in found[
        "errors"
    ]
    assert {"node_id": None, "message": "No terminator node found in workflow"} in found["errors"]
    assert "warnings" not in found


def test_a_key_runs_a_workflow_once(client: httpx.Client, server: MockServer) -> None:
    headers = {"Idempotency-Key": "once"}
    first = client.post(f"{BASE}/42/execute", headers=headers)
    again = client.post(f"{BASE}/42/execute", headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(server.workflows.executions) == 1
    other = client.post(f"{BASE}/42/execute", headers=headers, json={"params": {"limit": 1}})
    refused(other, 409, "CONFLICT")


def test_rows_expire_on_the_clock_of_the_server(client: httpx.Client, server: MockServer) -> None:
    run = client.post(f"{BASE}/42/execute").json()["data"]
    url = f"{BASE}/42/data/{run['result_id']}"
    server.advance(3599)
    assert client.get(url).status_code == 200
    server.advance(1)
    refused(client.get(url), 404, "DATA_EXPIRED", "execute the workflow again")


@pytest.mark.parametrize("result", ["dataRef:wf42_nothing", "%2e%2e%2fetc", "x" * 2000, "%00"])
def test_rows_that_never_were(client: httpx.Client, result: str) -> None:
    answer = client.get(f"{BASE}/42/data/{result}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] in ("DATA_EXPIRED", "NOT_FOUND", "WORKFLOW_NOT_FOUND")


def test_rows_belong_to_their_workflow(client: httpx.Client) -> None:
    other = made(client)
    refused(client.get(f"{BASE}/{other['id']}/data/dataRef:wf42_abc123"), 404, "DATA_EXPIRED")


@pytest.mark.parametrize("result", ["dataRef:wf42_abc123", "dataRef%3Awf42_abc123"])
@pytest.mark.parametrize("mount", ["", "/workflows"])
def test_the_link_to_the_next_page_has_the_documented_form(client: httpx.Client, mount: str, result: str) -> None:
    page = client.get(f"{mount}{BASE}/42/data/{result}", params={"page": 1, "limit": 50}).json()["data"]
    assert page["next_page_url"] == f"{mount}{BASE}/42/data/dataRef:wf42_abc123?page=2&limit=50"
    assert (len(page["rows"]), page["total_rows"], page["page"], page["limit"]) == (50, 248, 1, 50)
    last = client.get(f"{mount}{BASE}/42/data/{result}", params={"page": 4, "limit": 50}).json()["data"]
    assert (len(last["rows"]), last["has_more"], last["next_page_url"]) == (48, False, None)
    beyond = client.get(f"{mount}{BASE}/42/data/{result}", params={"page": 10**15, "limit": 10**15}).json()["data"]
    assert (beyond["rows"], beyond["has_more"], beyond["limit"]) == ([], False, 1000)


def test_what_terminators_send_is_kept(client: httpx.Client, server: MockServer) -> None:
    workflow = made(client)
    assert client.post(f"{BASE}/{workflow['id']}/execute").is_success
    [delivery] = server.workflows.deliveries
    assert (delivery.node_type, delivery.to) == ("slack/sendMessage", ("#sales-alerts",))
    assert all(row["amount"] > 10000 for row in delivery.rows)
    [record] = client.get("/_mock/executions").json()
    assert record["workflow_id"] == workflow["id"]
    assert record["deliveries"][0]["to"] == ["#sales-alerts"]
