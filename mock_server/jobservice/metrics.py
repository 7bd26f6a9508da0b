"""Metrics of the job service, worked out from what has happened."""

from __future__ import annotations

from typing_extensions import TypedDict

from mock_server.jobservice.health import require
from mock_server.routes import Call, Routes

DAY = 86_400.0
MINUTE = 60.0

routes = Routes("metrics", prefix="/api/v1/metrics")


class MetricsJobs(TypedDict):
    """What came in and what became of it in the last 24 hours; cancelled jobs have not failed."""

    total_submitted_24h: int
    total_completed_24h: int
    total_failed_24h: int
    success_rate: float


class MetricsLatency(TypedDict):
    """How long jobs that could run waited for their start, and then ran, in the last 24 hours."""

    dispatch_p50_ms: float
    dispatch_p99_ms: float
    execution_p50_seconds: float
    execution_p99_seconds: float


class MetricsThroughput(TypedDict):
    """How many jobs started in a second: the mean of the last minute, the most in any second of the last 24 hours."""

    jobs_per_second: float
    peak_jobs_per_second: float


class SystemMetrics(TypedDict):
    """All jobs of all families together."""

    jobs: MetricsJobs
    latency: MetricsLatency
    throughput: MetricsThroughput


@routes.get("/", refusals=(503,))
async def get(call: Call[None, None]) -> SystemMetrics:
    """Get system metrics."""
    require(call, "database")
    cluster, now = call.state.cluster, call.state.time.now()
    day, minute = cluster.statistics(now - DAY, now), cluster.statistics(now - MINUTE, now)
    return {
        "jobs": {
            "total_submitted_24h": day.submitted,
            "total_completed_24h": day.completed,
            "total_failed_24h": day.failed,
            "success_rate": _success_rate(day.completed, day.submitted),
        },
        "latency": {
            "dispatch_p50_ms": _rounded(1000 * day.dispatch_p50),
            "dispatch_p99_ms": _rounded(1000 * day.dispatch_p99),
            "execution_p50_seconds": _rounded(day.run.p50),
            "execution_p99_seconds": _rounded(day.run.p99),
        },
        "throughput": {
            "jobs_per_second": _rounded(minute.started / MINUTE),
            "peak_jobs_per_second": float(day.peak_started_per_second),
        },
    }


def _success_rate(completed: int, submitted: int) -> float:
    """Return completed by submitted; what was submitted earlier may have been completed as well."""
    return min(1.0, round(completed / submitted, 3)) if submitted else 1.0


def _rounded(value: float) -> float:
    return round(value, 3)
