"""The documented endpoints of S9S, and for every method a way to call it with the endpoints that it asks."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.reference import HERE
from tests.contract.uses import Use

ENDPOINTS = {
    "jobs_list": ("GET", "/v1/jobs"),
    "jobs_get": ("GET", "/v1/jobs/{job_id}"),
    "jobs_submit": ("POST", "/v1/jobs"),
    "jobs_cancel": ("DELETE", "/v1/jobs/{job_id}"),
    "jobs_hold": ("PUT", "/v1/jobs/{job_id}/hold"),
    "jobs_release": ("PUT", "/v1/jobs/{job_id}/release"),
    "jobs_priority": ("PUT", "/v1/jobs/{job_id}/priority"),
    "jobs_output": ("GET", "/v1/jobs/{job_id}/output"),
    "jobs_error": ("GET", "/v1/jobs/{job_id}/error"),
    "jobs_bulk": ("POST", "/v1/jobs/bulk"),
    "nodes_list": ("GET", "/v1/nodes"),
    "nodes_get": ("GET", "/v1/nodes/{node_name}"),
    "nodes_drain": ("PUT", "/v1/nodes/{node_name}/drain"),
    "nodes_resume": ("PUT", "/v1/nodes/{node_name}/resume"),
    "nodes_state": ("PUT", "/v1/nodes/{node_name}/state"),
    "users_list": ("GET", "/v1/users"),
    "users_get": ("GET", "/v1/users/{username}"),
    "partitions_list": ("GET", "/v1/partitions"),
    "metrics_cluster": ("GET", "/v1/metrics/cluster"),
    "metrics_performance": ("GET", "/v1/metrics/performance"),
    "metrics_efficiency": ("GET", "/v1/metrics/efficiency"),
    "search": ("GET", "/v1/search"),
    "exports_create": ("POST", "/v1/export"),
    "exports_get": ("GET", "/v1/exports/{export_id}"),
    "exports_download": ("GET", "/v1/exports/{export_id}/download"),
    "reports_create": ("POST", "/v1/reports"),
    "reports_list": ("GET", "/v1/reports"),
    "openapi_json": ("GET", "/v1/openapi.json"),
    "status": ("GET", "/v1/status"),
    "ws": ("GET", "/v1/ws"),
}
ELSEWHERE = {"openapi_yaml", "oauth_token", "swagger_ui", "redoc"}
"""What no method of a resource asks: the way to a token, and pages for people and other tools."""
JOB_ID, NODE, USER, EXPORT_ID, REPORT_ID = "12345", "node001", "alice", "exp_abc123", "rep_abc123"
PLACES = (
    (f"/jobs/{JOB_ID}", "/jobs/{job_id}"),
    (f"/nodes/{NODE}", "/nodes/{node_name}"),
    (f"/users/{USER}", "/users/{username}"),
    (f"/exports/{EXPORT_ID}", "/exports/{export_id}"),
)
CONTENT = b"job_id,state\n12345,COMPLETED\n"


def example(name: str) -> Any:
    """Return a documented example of S9S."""
    return json.loads((HERE / "examples" / f"s9s.{name}.json").read_text())


ENDED = {**example("jobs_get.response"), "state": "COMPLETED"}
EXPORT = {**example("exports_get.response"), "download_url": None, "file_size": len(CONTENT)}
REPORT = {"report_id": REPORT_ID, "status": "completed", "download_url": f"/v1/exports/{EXPORT_ID}/download"}
ACTION = example("jobs_submit.response")
NODE_ACTION = {"node_name": NODE, "state": "DRAIN", "reason": "r", "message": "Node drained successfully"}
BODIES: dict[str, Any] = {
    "jobs_list": {**example("jobs_list.response"), "has_more": False},
    "jobs_get": ENDED,
    "jobs_output": {"job_id": JOB_ID, "stream": "output", "lines": ["first"], "total_lines": 1},
    "jobs_error": {"job_id": JOB_ID, "stream": "error", "lines": [], "total_lines": 0},
    "jobs_bulk": example("jobs_bulk.response"),
    "nodes_list": example("nodes_list.response"),
    "nodes_get": example("nodes_list.response")["nodes"][0],
    "users_list": example("users_list.response"),
    "users_get": example("users_list.response")["users"][0],
    "partitions_list": example("partitions_list.response"),
    "metrics_cluster": example("metrics_cluster.response"),
    "metrics_performance": example("metrics_performance.response"),
    "metrics_efficiency": {"jobs": [], "total": 0, "averages": {}},
    "search": example("search.response"),
    "exports_create": example("exports_create.response"),
    "exports_get": EXPORT,
    "reports_create": REPORT,
    "reports_list": {"reports": [REPORT], "total": 1},
    "openapi_json": {"openapi": "3.1.0"},
    "status": {"status": "ok", "version": "v1", "timestamp": "2023-12-15T14:30:00Z", "slurm": {"connected": True}},
}
USES: dict[str, list[Use]] = {
    "jobs.list": [Use("jobs_list")],
    "jobs.list_paginated": [Use("jobs_list")],
    "jobs.list_all": [Use("jobs_list")],
    "jobs.get": [Use("jobs_get", (JOB_ID,)), Use("jobs_get", (12345,))],
    "jobs.submit": [Use("jobs_submit", (), {"name": "n", "script": "/bin/true"})],
    "jobs.cancel": [Use("jobs_cancel", (JOB_ID,)), Use("jobs_cancel", (12345,), {"force": True})],
    "jobs.hold": [Use("jobs_hold", (JOB_ID,))],
    "jobs.release": [Use("jobs_release", (JOB_ID,))],
    "jobs.set_priority": [Use("jobs_priority", (JOB_ID, 1500))],
    "jobs.output": [Use("jobs_output", (JOB_ID,))],
    "jobs.error": [Use("jobs_error", (JOB_ID,))],
    "jobs.bulk": [Use("jobs_bulk", ("hold", [JOB_ID, 7]))],
    "jobs.cancel_batch": [Use("jobs_bulk", ([JOB_ID],))],
    "jobs.wait": [Use("jobs_get", (JOB_ID,))],
    "jobs.wait_all": [Use("jobs_get", ([JOB_ID],))],
    "jobs.as_completed": [Use("jobs_get", ([JOB_ID],))],
    "jobs.follow": [Use("jobs_output", (JOB_ID,)), Use("jobs_error", (12345, "error"))],
    "events.subscribe": [Use("ws", ("jobs", {"user": USER})), Use("ws", ({"nodes": None, "queue": {}},))],
    "nodes.list": [Use("nodes_list")],
    "nodes.get": [Use("nodes_get", (NODE,))],
    "nodes.drain": [Use("nodes_drain", (NODE,))],
    "nodes.resume": [Use("nodes_resume", (NODE,))],
    "nodes.set_state": [Use("nodes_state", (NODE, "DOWN"))],
    "users.list": [Use("users_list")],
    "users.get": [Use("users_get", (USER,))],
    "partitions.list": [Use("partitions_list")],
    "metrics.cluster": [Use("metrics_cluster")],
    "metrics.performance": [Use("metrics_performance")],
    "metrics.efficiency": [Use("metrics_efficiency")],
    "exports.create": [Use("exports_create")],
    "exports.get": [Use("exports_get", (EXPORT_ID,))],
    "exports.wait": [Use("exports_get", (EXPORT_ID,))],
    "exports.download": [Use("exports_get exports_download", (EXPORT_ID, "rows.csv"))],
    "exports.download_to_bytes": [Use("exports_get exports_download", (EXPORT_ID,))],
    "exports.download_to_string": [Use("exports_get exports_download", (EXPORT_ID,))],
    "reports.create": [Use("reports_create", ("utilization",))],
    "reports.list": [Use("reports_list")],
    "reports.wait": [Use("reports_list", (REPORT_ID,))],
    "reports.download": [Use("reports_list exports_download", (REPORT_ID, "report.pdf"))],
    "reports.download_to_bytes": [Use("reports_list exports_download", (REPORT_ID,))],
    "search": [Use("search", ("alice gpu",))],
    "status": [Use("status")],
    "openapi": [Use("openapi_json")],
}
