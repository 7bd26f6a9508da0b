"""The documented endpoints of the job service, and for every method a way to call it with the endpoints that it asks."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.reference import HERE
from tests.contract.uses import Use

ENDPOINTS = {
    "jobs_create": ("POST", "/api/v1/jobs/"),
    "jobs_list": ("GET", "/api/v1/jobs/"),
    "jobs_get": ("GET", "/api/v1/jobs/{job_id}"),
    "jobs_cancel": ("DELETE", "/api/v1/jobs/{job_id}"),
    "jobs_logs": ("GET", "/api/v1/jobs/{job_id}/logs"),
    "queues_list": ("GET", "/api/v1/queues/"),
    "queues_get": ("GET", "/api/v1/queues/{queue_name}"),
    "clusters_list": ("GET", "/api/v1/clusters/"),
    "clusters_get": ("GET", "/api/v1/clusters/{cluster_name}"),
    "metrics_get": ("GET", "/api/v1/metrics/"),
    "health_live": ("GET", "/api/v1/health/live"),
    "health_ready": ("GET", "/api/v1/health/ready"),
}
JOB_ID, QUEUE, CLUSTER = "job-abc123", "high-priority", "gpu-cluster"
PLACES = (
    (f"/{JOB_ID}", "/{job_id}"),
    (f"/{QUEUE}", "/{queue_name}"),
    (f"/{CLUSTER}", "/{cluster_name}"),
)
OPEN = {"health_live", "health_ready"}


def example(name: str) -> Any:
    """Return a documented example of the job service."""
    return json.loads((HERE / "examples" / f"jobservice.{name}.json").read_text())


def body(endpoint: str) -> Any:
    """Return the documented answer of an endpoint, for one job one that has ended."""
    sample = example(f"{endpoint}.response")
    return {**sample, "status": "succeeded"} if endpoint == "jobs_get" else sample


USES: dict[str, list[Use]] = {
    "jobs.create": [Use("jobs_create", ("inference", "pytorch-inference:v1.0"))],
    "jobs.list": [Use("jobs_list"), Use("jobs_list", (), {"status": "running", "limit": 10, "offset": 20})],
    "jobs.list_paginated": [Use("jobs_list", (), {"max_items": 1})],
    "jobs.list_all": [Use("jobs_list", (), {"max_items": 1})],
    "jobs.get": [Use("jobs_get", (JOB_ID,))],
    "jobs.cancel": [Use("jobs_cancel", (JOB_ID,))],
    "jobs.logs": [Use("jobs_logs", (JOB_ID,))],
    "jobs.logs_stream": [Use("jobs_logs", (JOB_ID,))],
    "jobs.wait": [Use("jobs_get", (JOB_ID,))],
    "jobs.as_completed": [Use("jobs_get", ([JOB_ID],))],
    "queues.list": [Use("queues_list")],
    "queues.get": [Use("queues_get", (QUEUE,))],
    "clusters.list": [Use("clusters_list")],
    "clusters.get": [Use("clusters_get", (CLUSTER,))],
    "metrics.get": [Use("metrics_get")],
    "health.live": [Use("health_live")],
    "health.ready": [Use("health_ready")],
}
