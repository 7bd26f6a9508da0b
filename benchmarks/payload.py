"""The bytes the bench server answers with: jobs, pages of jobs and log streams, each in two dialects."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

GET_SIZE = 1024
ITEM_SIZE = 560
PER_PAGE = 100
PAGES = 20
TOTAL = PER_PAGE * PAGES
LINE_SIZE = 80
ROWS, ROWS_A_PAGE = 100_000, 1000
SCHEMA = {"charge_id": "string", "amount": "number", "currency": "string", "revenue_usd": "number"}
META = {"request_id": "req_123456789", "timestamp": "2024-01-15T10:35:00.000Z"}

FULL_ONLY = ("environment", "working_directory", "output_path", "spec", "priority", "updated_at")


def vantage_job(job_id: str, *, full: bool) -> dict[str, Any]:
    """Return a platform job of exactly ``GET_SIZE`` or ``ITEM_SIZE`` bytes."""
    job: dict[str, Any] = {
        "id": job_id,
        "name": f"simulation-run-{job_id}",
        "status": "running",
        "cluster_id": "cluster_abc",
        "user_id": "user_456",
        "command": "python simulate.py",
        "resources": {"cpus": 4, "memory": "8GB", "gpus": 1},
        "created_at": "2024-01-15T10:30:00Z",
        "started_at": "2024-01-15T10:31:00Z",
        "completed_at": None,
        "updated_at": "2024-01-15T10:31:00Z",
        "environment": {"OMP_NUM_THREADS": "4", "MODEL": "large", "SEED": "42"},
        "working_directory": "/home/user",
        "output_path": "/outputs/",
        "spec": {
            "image": "ubuntu:22.04",
            "command": ["python", "simulate.py", "--steps", "100000"],
            "resources": {"cpu": "4", "memory": "8Gi", "gpu": 1},
        },
        "priority": 10,
    }
    if not full:
        job = {name: value for name, value in job.items() if name not in FULL_ONLY}
    return _padded(job, "command", full=full)


def openai_file(file_id: str, *, full: bool) -> dict[str, Any]:
    """Return a file of the same size: the flat record of the other SDK that is listed in pages, as jobs are here."""
    file: dict[str, Any] = {
        "id": file_id,
        "object": "file",
        "bytes": 120000,
        "created_at": 1705314600,
        "expires_at": None,
        "filename": "simulation.jsonl",
        "purpose": "batch",
        "status": "processed",
        "status_details": None,
    }
    return _padded(file, "filename", full=full)


@cache
def vantage_page(offset: int) -> bytes:
    """Return 100 jobs from an offset on."""
    jobs = [vantage_job(f"job_{number:06}", full=False) for number in _numbers(offset)]
    return dump({"jobs": jobs, "total": TOTAL, "page": offset // PER_PAGE + 1, "per_page": PER_PAGE})


@cache
def openai_page(offset: int) -> bytes:
    """Return 100 files from an offset on."""
    files = [openai_file(f"file-{number:06}", full=False) for number in _numbers(offset)]
    return dump({"object": "list", "data": files, "has_more": offset + PER_PAGE < TOTAL})


def row(number: int) -> dict[str, Any]:
    """Return a row of a workflow."""
    amount = 500 + 37 * number % 9000
    return {"charge_id": f"ch_{number:08}", "amount": amount, "currency": "usd", "revenue_usd": amount / 100}


@cache
def executed() -> bytes:
    """Return what came of a workflow, with the first 100 of its rows."""
    rows = {"rows": [row(number) for number in range(100)], "total_rows": ROWS, "schema": SCHEMA}
    run = {"workflow_id": 42, "status": "completed", "execution_time_ms": 2340, "result_id": "dataRef:wf42_abc123"}
    return dump({"success": True, "data": {**run, **rows}, "meta": META})


@cache
def row_page(page: int, limit: int) -> bytes:
    """Return a page of its rows."""
    start, stop = page * limit, min(ROWS, (page + 1) * limit)
    more = stop < ROWS
    link = f"/api/v1/workflows/42/data/dataRef:wf42_abc123?page={page + 1}&limit={limit}" if more else None
    place = {"page": page, "limit": limit, "has_more": more, "next_page_url": link}
    rows = {"rows": [row(number) for number in range(start, stop)], "total_rows": ROWS, "schema": SCHEMA}
    return dump({"success": True, "data": {**rows, **place}, "meta": META})


@cache
def vantage_stream(lines: int, per_chunk: int) -> bytes:
    """Return a finished event stream with an id and a line in each event, as chunks."""
    events = [b"id: %d\ndata: %b\n\n" % (number, line(number).encode()) for number in range(1, lines + 1)]
    return _chunks(events, per_chunk, b"event: end\ndata:\n\n")


@cache
def openai_stream(lines: int, per_chunk: int) -> bytes:
    """Return the same lines as JSON text, which is the least that the other SDK takes for an event."""
    events = [b"data: %b\n\n" % dump(line(number)) for number in range(1, lines + 1)]
    return _chunks(events, per_chunk, b"data: [DONE]\n\n")


def line(number: int) -> str:
    """Return a log line of ``LINE_SIZE`` characters."""
    return f"2024-01-15T10:31:00.000Z INFO step {number} of the simulation ".ljust(LINE_SIZE, ".")


def dump(value: object) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def _padded(job: dict[str, Any], name: str, *, full: bool) -> dict[str, Any]:
    missing = (GET_SIZE if full else ITEM_SIZE) - len(dump(job))
    return {**job, name: job[name] + "x" * missing}


def _numbers(offset: int) -> range:
    return range(offset, min(offset + PER_PAGE, TOTAL))


def _chunks(events: list[bytes], per_chunk: int, end: bytes) -> bytes:
    blocks = [b"".join(events[start : start + per_chunk]) for start in range(0, len(events), per_chunk)]
    return b"".join(b"%x\r\n%b\r\n" % (len(block), block) for block in [*blocks, end, b""])
