"""Workflows of the server: definitions, graphs, runs and their rows, in the family's own envelope."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from mock_server import MockServer

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "vntg_your_key_here"
CHARGES = {"node_type": "stripe/listCharges", "node_role": "getter", "label": "Charges", "config": {"limit": 50}}
FILTER = {
    "node_type": "queryoperators/filter",
    "node_role": "setter",
    "config": {"field": "amount", "operator": "gt", "value": 10000},
}
ALERT = {"node_type": "slack/sendMessage", "node_role": "terminator", "config": {"channel": "#sales-alerts"}}
OUTPUT = {"node_type": "termination/dashboardOutput", "node_role": "terminator"}
CHAIN = [{"source_node_index": 0, "target_node_index": 1}, {"source_node_index": 1, "target_node_index": 2}]
GRAPH = {"title": "Alerts", "nodes": [CHARGES, FILTER, ALERT], "edges": CHAIN}
BASE = "/api/v1/workflows"


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key=KEY)


def made(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    """Create a workflow and return it."""
    answer = client.post(BASE, json={**GRAPH, **changes})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def refused(answer: httpx.Response, status: int, code: str, text: str = "") -> None:
    """Check a refusal of this family."""
    body = answer.json()
    assert (answer.status_code, body["success"], body["error"]["code"]) == (status, False, code), answer.text
    assert text in body["error"]["message"]
    assert body["meta"]["request_id"] == answer.headers["x-request-id"]


def test_answers_are_wrapped(client: httpx.Client) -> None:
    answer = client.get(f"{BASE}/42")
    body = answer.json()
    assert body["success"] is True
    assert body["meta"]["request_id"] == answer.headers["x-request-id"]
    assert re.fullmatch(r"2024-01-15T10:35:00\.\d{3}Z", body["meta"]["timestamp"])
    assert [node["id"] for node in body["data"]["nodes"]] == [101, 102, 103]
    assert [edge["id"] for edge in body["data"]["edges"]] == [201, 202]


def test_pages_count_from_zero(client: httpx.Client) -> None:
    ids = [42, *(made(client, title=f"number {number}")["id"] for number in range(4))]
    pages = [client.get(BASE, params={"page": page, "limit": 2}).json()["data"] for page in range(4)]
    assert [[one["id"] for one in page["workflows"]] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert {(page["total"], page["limit"]) for page in pages} == {(5, 2)}
    assert client.get(BASE, params={"limit": 5000}).json()["data"]["limit"] == 100
    assert client.get(BASE).json()["data"]["page"] == 0
    refused(client.get(BASE, params={"page": -1}), 400, "INVALID_INPUT", "page")


def test_a_workflow_is_made_with_ids_for_places(client: httpx.Client) -> None:
    workflow = made(client)
    ids = [node["id"] for node in workflow["nodes"]]
    assert workflow["node_id_map"] == {str(place): number for place, number in enumerate(ids)}
    assert [(edge["source_node_id"], edge["target_node_id"]) for edge in workflow["edges"]] == [
        (ids[0], ids[1]),
        (ids[1], ids[2]),
    ]
    assert {(edge["source_key"], edge["target_key"]) for edge in workflow["edges"]} == {("output1", "input1")}
    assert workflow["nodes"][0]["label"] == "Charges"
    del workflow["node_id_map"]
    assert client.get(f"{BASE}/{workflow['id']}").json()["data"] == workflow


def test_metadata_change_alone(client: httpx.Client, server: MockServer) -> None:
    before = client.get(f"{BASE}/42").json()["data"]
    server.advance(60)
    answer = client.patch(f"{BASE}/42", json={"title": "Updated", "is_active": False})
    after = answer.json()["data"]
    assert after == {**before, "title": "Updated", "is_active": False, "modified": "2024-01-15T10:36:00.000Z"}


def test_a_graph_is_replaced_as_a_whole(client: httpx.Client) -> None:
    before = client.get(f"{BASE}/42").json()["data"]
    nodes = [CHARGES, OUTPUT]
    after = client.patch(f"{BASE}/42", json={"nodes": nodes, "edges": CHAIN[:1]}).json()["data"]
    assert set(after["node_id_map"]) == {"0", "1"}
    assert not {node["id"] for node in after["nodes"]} & {node["id"] for node in before["nodes"]}
    alone = client.patch(f"{BASE}/42", json={"nodes": nodes}).json()["data"]
    assert alone["edges"] == []


def deep(levels: int) -> Any:
    return [] if not levels else [deep(levels - 1)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nodes": [{**CHARGES, "node_type": "nothing/here"}]}, "nodes.0.node_type"),
        ({"nodes": [{**CHARGES, "node_role": "reader"}]}, "nodes.0.node_role"),
        ({"nodes": [{**CHARGES, "config": []}]}, "nodes.0.config"),
        ({"nodes": [{**CHARGES, "more": 1}]}, "nodes.0.more"),
        ({"nodes": [CHARGES], "edges": [{"source_node_index": 0, "target_node_index": 1}]}, "target_node_index"),
        ({"nodes": [CHARGES], "edges": [{"source_node_index": 7, "target_node_index": 0}]}, "source_node_index"),
        ({"nodes": [CHARGES], "edges": [{"source_node_index": 0, "target_node_index": 0}]}, "edges.0"),
        ({"nodes": [CHARGES], "edges": [{"source_node_index": -1, "target_node_index": 0}]}, "source_node_index"),
        ({"nodes": [CHARGES], "edges": [{"source_node_index": True, "target_node_index": 0}]}, "source_node_index"),
        (
            {
                "nodes": [FILTER, FILTER],
                "edges": [
                    {"source_node_index": 0, "target_node_index": 1},
                    {"source_node_index": 1, "target_node_index": 0},
                ],
            },
            "cycle",
        ),
        ({"edges": []}, "edges"),
        ({"title": ""}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": None}, "title"),
        ({"title": 5}, "title"),
        ({"is_active": "no"}, "is_active"),
        ({"nodes": [CHARGES] * 501}, "nodes"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    before = client.get(f"{BASE}/42").json()["data"]
    refused(client.patch(f"{BASE}/42", json={"description": "half", **change}), 400, "INVALID_INPUT", field)
    assert client.get(f"{BASE}/42").json()["data"] == before
    if "is_active" not in change:
        refused(client.post(BASE, json={"title": "new", **change}), 400, "INVALID_INPUT", field)
    assert client.get(BASE).json()["data"]["total"] == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b'{"title": NaN}', b"\xff"])
def test_what_is_no_object_is_another_error(client: httpx.Client, content: bytes) -> None:
    answer = client.post(BASE, content=content, headers={"Content-Type": "application/json"})
    refused(answer, 400, "INVALID_BODY")


def test_another_kind_of_body(client: httpx.Client) -> None:
    refused(client.post(BASE, content=b"title: x", headers={"Content-Type": "text/yaml"}), 415, "INVALID_BODY")
    refused(client.post(BASE, json={"title": "x", "description": "x" * (1 << 20)}), 413, "INVALID_BODY")


@pytest.mark.parametrize("number", ["41", "0", "-1", "nothing", "4" * 40, "42.0", "٤٢", "42%2F"])
def test_no_such_workflow(client: httpx.Client, number: str) -> None:
    for verb, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/execute"), ("POST", "/validate")):
        body = {"json": {"title": "x"}} if verb == "PATCH" else {}
        refused(client.request(verb, f"{BASE}/{number}{path}", **body), 404, "WORKFLOW_NOT_FOUND")
    refused(client.get(f"{BASE}/{number}/data/dataRef:wf42_abc123"), 404, "WORKFLOW_NOT_FOUND")


def test_a_workflow_is_deleted(client: httpx.Client) -> None:
    answer = client.delete(f"{BASE}/42")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(client.get(f"{BASE}/42"), 404, "WORKFLOW_NOT_FOUND")
    assert made(client)["id"] == 43


def test_unknown_paths_and_methods(client: httpx.Client) -> None:
    refused(client.get("/api/v1/nothing"), 404, "NOT_FOUND")
    answer = client.put(f"{BASE}/42")
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "DELETE, GET, PATCH"


# Node types


def test_node_types_are_chosen_by_category_and_role(client: httpx.Client) -> None:
    data = client.get("/api/v1/node-types", params={"category": "STRI", "role": "getter"}).json()["data"]
    assert data["categories"] == [{"id": 15, "name": "Stripe", "node_count": 8}]
    assert {"stripe/listCharges", "stripe/getBalance"} <= {one["node_type"] for one in data["node_types"]}
    assert data["total"] == len(data["node_types"])
    assert client.get("/api/v1/node-types", params={"category": "slack"}).json()["data"]["total"] > 0
    everything = client.get("/api/v1/node-types").json()["data"]
    assert len({one["category"] for one in everything["node_types"] if one["node_role"] == "getter"}) >= 5
    assert client.get("/api/v1/node-types", params={"category": "nothing"}).json()["data"] == {
        "categories": [],
        "node_types": [],
        "total": 0,
    }
    refused(client.get("/api/v1/node-types", params={"role": "reader"}), 400, "INVALID_INPUT", "role")


def test_node_types_say_what_their_settings_may_be(client: httpx.Client) -> None:
    found = client.get("/api/v1/node-types").json()["data"]["node_types"]
    schemas = {one["node_type"]: one["config_schema"] for one in found}
    assert "column_name" in schemas["queryoperators/computedColumn"]["required"]
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False, name
    validator = Draft202012Validator(schemas["queryoperators/filter"])
    assert validator.is_valid(FILTER["config"])
    assert not validator.is_valid({})


# Failures


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "INTERNAL_ERROR"), (503, "SERVICE_UNAVAILABLE"), (401, "UNAUTHORIZED"), (429, "RATE_LIMITED")],
)
def test_planned_failures_speak_the_language_of_the_family(
    status: int, code: str, server: MockServer, make_client: Callable[..., httpx.Client]
) -> None:
    client = make_client(server, key=KEY, checked=False)  # it does not describe what only faults bring
    server.faults.set(f"GET /api/v1/*: {status}, ok")
    refused(client.get(BASE), status, code)
    assert client.get(BASE).status_code == 200


# Pages of other origins


@pytest.mark.parametrize("path", [BASE, f"{BASE}/42", f"{BASE}/42/execute", "/api/v1/keys", "/workflows/api/v1/keys"])
def test_pages_of_other_origins_may_call(server: MockServer, path: str) -> None:
    ask = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(server.url + path, headers=ask)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )
    called = httpx.get(server.url + path, headers={"Origin": "https://page.example"})
    assert called.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in called.headers


def test_the_platform_is_not_open_to_pages(server: MockServer) -> None:
    assert "access-control-allow-origin" not in httpx.get(server.url + "/v1/jobs").headers


# Limits


def test_sixty_requests_a_minute(client: httpx.Client, server: MockServer) -> None:
    for _ in range(60):
        assert client.get(f"{BASE}/42").status_code == 200
    answer = client.get(f"{BASE}/42")
    refused(answer, 429, "RATE_LIMITED")
    assert answer.headers["retry-after"] == "60"
    other = {"Authorization": "Bearer vntg_abc123def456ghi789jkl012mno345"}
    assert client.get(f"{BASE}/42", headers=other).status_code == 200
    server.advance(60)
    assert client.get(f"{BASE}/42").status_code == 200


def test_an_empty_world_has_no_workflows(make_server: Callable[..., MockServer], make_client: Any) -> None:
    client = make_client(make_server(world="empty"), key=KEY)
    assert client.get(BASE).json()["data"]["workflows"] == []
    assert made(client)["id"] == 1


def test_the_description_lists_the_family(client: httpx.Client) -> None:
    found = client.get("/api/v1/openapi.json").json()
    assert set(found["paths"]) == {
        "/api/v1/keys",
        "/api/v1/keys/{key_id}",
        BASE,
        BASE + "/{workflow_id}",
        BASE + "/{workflow_id}/execute",
        BASE + "/{workflow_id}/validate",
        BASE + "/{workflow_id}/data/{result_id}",
        "/api/v1/node-types",
    }
    assert json.dumps(found["info"])
