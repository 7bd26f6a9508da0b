"""Metrics of the platform family."""

from __future__ import annotations

from pydantic import Field

from mock_server.platform.lists import Period
from mock_server.platform.metrics import ClusterMetrics, JobMetrics, cluster_metrics, job_metrics
from mock_server.routes import Call, Routes
from mock_server.validation import QueryNumber

routes = Routes("monitoring", prefix="/v1")


class Window(Period):
    """The part of a series to show, and how finely."""

    step: QueryNumber | None = Field(
        default=None,
        description="Seconds between two points; so few that there were over 1000 points are taken as more.",
        json_schema_extra={"x-assumed": True},
    )


@routes.get("/monitoring/jobs/{job_id}/metrics")
async def job_metrics_(call: Call[Window, None]) -> JobMetrics:
    """Get job metrics."""
    window = call.query
    job = call.state.cluster.job(call.path["job_id"])
    return job_metrics(job, call.state.time.now(), window.start, window.end, window.step)


@routes.get("/monitoring/clusters/{cluster_id}/metrics")
async def cluster_metrics_(call: Call[Window, None]) -> ClusterMetrics:
    """Get cluster metrics."""
    window, backend = call.query, call.state.cluster
    cluster = backend.cluster(call.path["cluster_id"])
    return cluster_metrics(backend, cluster, call.state.time.now(), window.start, window.end, window.step)
