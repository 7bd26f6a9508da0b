"""Canned answers of S9S for scripted servers."""

from __future__ import annotations

from typing import Any

from tests.support.scripted import Json


def job(job_id: str = "1", state: str = "RUNNING", **fields: Any) -> dict[str, Any]:
    return {"job_id": job_id, "job_name": "n", "user": "alice", "state": state, **fields}


def one(job_id: str = "1", state: str = "RUNNING", **fields: Any) -> Json:
    return Json(200, job(job_id, state, **fields))


def fault(status: int, code: str = "SOME_CODE", headers: dict[str, str] | None = None) -> Json:
    error = {"code": code, "message": "it failed", "details": {}, "request_id": "req_1"}
    return Json(status, {"error": error}, headers or {})
