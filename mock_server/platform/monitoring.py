"""Metrics of the platform family."""

from __future__ import annotations

from pydantic import Field

from mock_server.figures import check_measured
from mock_server.platform.lists import Period
from mock_server.platform.metrics import MEASURES, ClusterMetrics, Figure, JobMetrics, cluster_metrics, job_metrics
from mock_server.routes import Call, Routes
from mock_server.validation import QueryNumber

routes = Routes("monitoring", prefix="/v1")


class Window(Period):
    """The part of a series to show, how finely, and which figures of it."""

    step: QueryNumber | None = Field(
        default=None,
        description="Seconds between two points; so few that there were over 1000 points are taken as more.",
        json_schema_extra={"x-assumed": True},
    )
    metrics: list[Figure] = Field(
        default=[],
        description="Only these figures; comma-joined or repeated, all by default.",
        json_schema_extra={"x-assumed": True},
    )


@routes.get("/monitoring/jobs/{job_id}/metrics", refusals=(501,))
async def job_metrics_(call: Call[Window, None]) -> JobMetrics:
    """Get job metrics.

    What the backend does not watch is null, and refused with 501 if it is asked for by name.
    """
    window = call.query
    job = call.state.cluster.job(call.path["job_id"])
    check_measured(call.state.cluster, window.metrics, MEASURES)
    return job_metrics(job, call.state.time.now(), window.start, window.end, window.step, window.metrics)


@routes.get("/monitoring/clusters/{cluster_id}/metrics")
async def cluster_metrics_(call: Call[Window, None]) -> ClusterMetrics:
    """Get cluster metrics."""
    window, backend = call.query, call.state.cluster
    cluster = backend.cluster(call.path["cluster_id"])
    now = call.state.time.now()
    return cluster_metrics(backend, cluster, now, window.start, window.end, window.step, window.metrics)
