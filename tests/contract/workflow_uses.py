"""The documented endpoints of the workflows API, and for every method a way to call it with the endpoints that it asks."""

from __future__ import annotations

from typing import Any

from tests.contract.uses import Use

ENDPOINTS = {
    "keys_create": ("POST", "/api/v1/keys"),
    "keys_list": ("GET", "/api/v1/keys"),
    "keys_update": ("PATCH", "/api/v1/keys/{keyId}"),
    "keys_revoke": ("DELETE", "/api/v1/keys/{keyId}"),
    "workflows_list": ("GET", "/api/v1/workflows"),
    "workflows_get": ("GET", "/api/v1/workflows/{workflowId}"),
    "workflows_create": ("POST", "/api/v1/workflows"),
    "workflows_update": ("PATCH", "/api/v1/workflows/{workflowId}"),
    "workflows_delete": ("DELETE", "/api/v1/workflows/{workflowId}"),
    "workflows_execute": ("POST", "/api/v1/workflows/{workflowId}/execute"),
    "workflows_validate": ("POST", "/api/v1/workflows/{workflowId}/validate"),
    "results_get": ("GET", "/api/v1/workflows/{workflowId}/data/{resultId}"),
    "node_types_list": ("GET", "/api/v1/node-types"),
}
WORKFLOW_ID, KEY_ID, RESULT_ID = 42, 12, "dataRef:wf42_abc123"
PLACES = (
    ("dataRef%3Awf42_abc123", "{resultId}"),
    ("workflows/42", "workflows/{workflowId}"),
    ("keys/12", "keys/{keyId}"),
)
GRAPH = {"title": "t", "nodes": [], "edges": []}
KEY = {"id": KEY_ID, "name": "n", "key_prefix": "vntg_abc1", "scope_level": "user", "scopes": []}
SUMMARY = {"id": WORKFLOW_ID, "title": "t", "node_count": 0, "edge_count": 0}
RUN = {
    "workflow_id": WORKFLOW_ID,
    "status": "completed",
    "result_id": RESULT_ID,
    "rows": [],
    "total_rows": 0,
    "schema": {},
}
ROWS = {"rows": [], "total_rows": 0, "schema": {}, "page": 0, "limit": 1000, "has_more": False, "next_page_url": None}
META = {"request_id": "req_1", "timestamp": "2026-04-29T12:00:00.000Z"}
BARE: dict[str, Any] = {
    "keys_create": {"key": KEY, "full_key": "vntg_abc123def456ghi789jkl012mno345"},
    "keys_list": {"keys": [KEY]},
    "keys_update": {"key": KEY},
    "keys_revoke": {"revoked": True},
}
DATA: dict[str, Any] = {
    "workflows_list": {"workflows": [SUMMARY], "total": 1, "page": 0, "limit": 50},
    "workflows_execute": RUN,
    "workflows_validate": {"valid": True, "warnings": []},
    "results_get": ROWS,
    "node_types_list": {"categories": [], "node_types": [], "total": 0},
}


def body(endpoint: str) -> dict[str, Any]:
    """Return an answer of an endpoint in its envelope."""
    if endpoint in BARE:
        return {"success": True, **BARE[endpoint], "meta": META}
    return {"success": True, "data": DATA.get(endpoint, {**SUMMARY, "nodes": [], "edges": []}), "meta": META}


USES: dict[str, list[Use]] = {
    "keys.create": [Use("keys_create", ("n",))],
    "keys.list": [Use("keys_list")],
    "keys.update": [Use("keys_update", (KEY_ID,), {"name": "n"})],
    "keys.revoke": [Use("keys_revoke", (KEY_ID,))],
    "workflows.list": [Use("workflows_list")],
    "workflows.list_paginated": [Use("workflows_list")],
    "workflows.list_all": [Use("workflows_list")],
    "workflows.get": [Use("workflows_get", (WORKFLOW_ID,)), Use("workflows_get", ("42",))],
    "workflows.create": [Use("workflows_create", (GRAPH,))],
    "workflows.update": [
        Use("workflows_update", (WORKFLOW_ID,), {"is_active": False}),
        Use("workflows_update", (WORKFLOW_ID,), {"graph": GRAPH}),
    ],
    "workflows.delete": [Use("workflows_delete", (WORKFLOW_ID,))],
    "workflows.execute": [Use("workflows_execute", (WORKFLOW_ID,))],
    "workflows.validate": [Use("workflows_validate", (WORKFLOW_ID,))],
    "workflows.results": [Use("results_get", (WORKFLOW_ID, RESULT_ID))],
    "workflows.iter_pages": [Use("results_get", (WORKFLOW_ID, RESULT_ID))],
    "workflows.iter_rows": [Use("results_get", (WORKFLOW_ID, RESULT_ID))],
    "node_types.list": [Use("node_types_list")],
}
