"""Calls of S9S that several tests make."""

from __future__ import annotations

from typing import Any

import httpx


def submit(client: httpx.Client, script: str = "sleep 100", **fields: Any) -> str:
    answer = client.post("/v1/jobs", json={"script": script, **fields})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def job(client: httpx.Client, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
    return found


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    refusal = answer.json()["error"]
    return answer.status_code, refusal["code"], refusal["details"].get("field")
