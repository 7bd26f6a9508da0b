"""Canned answers of the workflows API for scripted servers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.contract.reference import HERE
from tests.support.scripted import Json, Request

META = {"request_id": "req_1", "timestamp": "2026-04-29T12:00:00.000Z"}
RESULT_ID = "dataRef:wf42_abc123"


def example(name: str) -> Any:
    """Return a documented example of the workflows API."""
    return json.loads((HERE / "examples" / f"workflows.{name}.json").read_text())


def enveloped(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Json:
    return Json(status, {"success": True, "data": data, "meta": META}, headers or {})


def refused(status: int, code: str, headers: dict[str, str] | None = None) -> Json:
    body = {"success": False, "error": {"code": code, "message": "it failed"}, "meta": META}
    return Json(status, body, headers or {})


def summary(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"w{number}",
        "description": None,
        "is_active": True,
        "node_count": 1,
        "edge_count": 0,
    }


def run_of(rows: Sequence[dict[str, Any]], total: int | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "workflow_id": 42,
        "status": "completed",
        "execution_time_ms": 2340,
        "result_id": RESULT_ID,
        "rows": list(rows),
        "total_rows": len(rows) if total is None else total,
        "schema": {"n": "number"},
        **fields,
    }


class Store:
    """Serves rows by page as the contract says, with the links and the flag that it promises."""

    def __init__(self, rows: Sequence[dict[str, Any]], prefix: str = "/api/v1", largest: int = 1000) -> None:
        self.rows = rows
        self.prefix = prefix
        self.largest = largest

    def page(self, request: Request) -> dict[str, Any]:
        page, limit = int(request.query.get("page", 0)), min(int(request.query.get("limit", 100)), self.largest)
        end = (page + 1) * limit
        more = end < len(self.rows)
        link = f"{self.prefix}/workflows/42/data/{RESULT_ID}?page={page + 1}&limit={limit}" if more else None
        return {
            "rows": list(self.rows[page * limit : end]),
            "total_rows": len(self.rows),
            "schema": {"n": "number"},
            "page": page,
            "limit": limit,
            "has_more": more,
            "next_page_url": link,
        }

    def __call__(self, request: Request, connection: int) -> Json:
        return enveloped(self.page(request))
