"""Canned answers of the platform for scripted servers."""

from __future__ import annotations

from typing import Any

from tests.support.scripted import Json

HONOURS = {"X-Idempotency-Supported": "true"}


def job(job_id: str = "job-1", status: str = "running", **fields: Any) -> dict[str, Any]:
    return {"id": job_id, "name": "n", "status": status, "created_at": "2024-01-15T10:30:00Z", **fields}


def one(job_id: str = "job-1", status: str = "running", **fields: Any) -> Json:
    return Json(200, job(job_id, status, **fields))


def jobs(*found: dict[str, Any], total: int | None = None, **fields: Any) -> Json:
    return Json(200, {"jobs": list(found), "total": len(found) if total is None else total, **fields}, HONOURS)


def fault(status: int, code: str = "some_code", headers: dict[str, str] | None = None, **fields: Any) -> Json:
    body = {"error": code, "message": "it failed", "request_id": "req_1", **fields}
    return Json(status, body, headers or {})
