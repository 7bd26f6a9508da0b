"""What the platform sends for teams, users, billing, monitoring and webhooks, as the contract proposes it."""

from __future__ import annotations

from typing import Any

TIMES = {"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z"}
TEAM = {"id": "team_123", "name": "research", "description": None, "member_count": 2, **TIMES}
MEMBER = {"user_id": "user_456", "role": "member", "email": "user@example.com", "added_at": "2024-01-01T00:00:00Z"}
USER = {
    "id": "user_456",
    "email": "user@example.com",
    "name": "Example User",
    "organization": "your-org-id",
    "role": "member",
    **TIMES,
}
PERIOD = {"period_start": "2024-01-01T00:00:00Z", "period_end": "2024-01-31T23:59:59Z"}
LINES = [
    {"resource": "gpu_hours", "quantity": 310.0, "unit": "hour", "cost": 100.0},
    {"resource": "cpu_hours", "quantity": 1250.5, "unit": "hour", "cost": 25.5},
]
USAGE: dict[str, Any] = {**PERIOD, "currency": "USD", "total_cost": 125.5, "items": LINES}
INVOICE: dict[str, Any] = {
    "id": "inv_123",
    "number": "INV-2024-01",
    "status": "paid",
    "currency": "USD",
    "amount": 125.5,
    **PERIOD,
    "issued_at": "2024-02-01T00:00:00Z",
    "due_at": None,
}
DETAIL = {**INVOICE, "line_items": LINES}
POINTS = [
    {"timestamp": "2024-01-15T10:35:00Z", "cpu_percent": 71.2, "memory_percent": 40.1, "gpu_percent": 88.0},
    {"timestamp": "2024-01-15T10:36:00Z", "cpu_percent": 75, "memory_percent": 41.5, "gpu_percent": None},
]
JOB_METRICS: dict[str, Any] = {"job_id": "job_123", "metrics": POINTS}
CLUSTER_METRICS: dict[str, Any] = {"cluster_id": "cluster_abc", "metrics": POINTS}
WEBHOOK = {
    "id": "wh_123",
    "url": "https://example.com/hook",
    "events": ["job.completed"],
    "active": True,
    "created_at": "2024-01-15T10:30:00Z",
    "updated_at": "2024-01-15T10:30:00Z",
}


def page(key: str, *items: Any, total: int | None = None, number: int = 1, size: int = 50) -> dict[str, Any]:
    """Return one page of a list as the platform sends it."""
    return {key: [*items], "total": len(items) if total is None else total, "page": number, "per_page": size}
