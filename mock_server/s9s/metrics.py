"""Metrics of the S9S family."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Literal, NotRequired, get_args

from pydantic import Field
from typing_extensions import TypedDict

from mock_server.errors import invalid_field
from mock_server.figures import only
from mock_server.routes import Call, Routes
from mock_server.s9s.cluster_stats import ClusterStats, cluster_stats
from mock_server.validation import Instant, StrictQuery
from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.backend import ClusterBackend

Interval = Literal["1m", "5m", "1h", "1d"]
Figure = Literal[
    "cpu_utilization",
    "memory_utilization",
    "gpu_utilization",
    "jobs_submitted",
    "jobs_completed",
    "avg_queue_time",
]

FIGURES: tuple[Figure, ...] = get_args(Figure)
INTERVALS: dict[Interval, float] = {"1m": 60.0, "5m": 300.0, "1h": 3_600.0, "1d": 86_400.0}
DAY = 86_400.0
MAX_POINTS = 10_000
AT_ONCE = 50
"""How many points are worked out before others get their turn."""

routes = Routes("metrics", prefix="/v1")


class Span(StrictQuery):
    """Which period to look at, how closely, and at which figures."""

    start_time: Instant | None = Field(default=None, description="Range start; 24 hours before the end by default.")
    end_time: Instant | None = Field(default=None, description="Range end; now by default.")
    interval: Interval = Field(default="1h", description="Width of a point.")
    metrics: list[Figure] = Field(
        default=[],
        description="Only these figures; comma-joined or repeated, all by default.",
        json_schema_extra={"x-assumed": True},
    )


class PerformancePoint(TypedDict):
    """The means of an interval that begins at ``timestamp``, in percent and seconds, and what happened in it.

    Without the figures that were not chosen; a utilization is what had been given to jobs.
    """

    timestamp: str
    cpu_utilization: NotRequired[float]
    memory_utilization: NotRequired[float]
    gpu_utilization: NotRequired[float]
    jobs_submitted: NotRequired[int]
    jobs_completed: NotRequired[int]
    avg_queue_time: NotRequired[int]


class PerformanceSeries(TypedDict):
    """Points, oldest first."""

    metrics: list[PerformancePoint]
    interval: str
    count: int


@routes.get("/metrics/cluster")
async def cluster(call: Call[None, None]) -> ClusterStats:
    """Get cluster statistics."""
    return cluster_stats(call.state.cluster, call.state.time.now())


@routes.get("/metrics/performance")
async def performance(call: Call[Span, None]) -> PerformanceSeries:
    """Get performance metrics."""
    span, now = call.query, call.state.time.now()
    end = now if span.end_time is None else span.end_time
    start = end - DAY if span.start_time is None else span.start_time
    if start > end:
        raise invalid_field("start_time", "Must not be after end_time")
    width = INTERVALS[span.interval]
    if (end - start) / width > MAX_POINTS:
        raise invalid_field("interval", f"Must not give more than {MAX_POINTS} points")
    points = list[PerformancePoint]()
    for number, (since, until) in enumerate(_edges(start, min(end, now), width)):
        if number % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        points.append(only(_point(call.state.cluster, since, until), span.metrics, FIGURES))
    return {"metrics": points, "interval": span.interval, "count": len(points)}


def _edges(start: float, end: float, width: float) -> Iterator[tuple[float, float]]:
    """Yield the intervals of a period, the last one as short as it has to be."""
    for number in range(math.ceil((end - start) / width - 1e-9) if end > start else 0):
        yield start + number * width, min(end, start + (number + 1) * width)


def _point(cluster: ClusterBackend, start: float, end: float) -> PerformancePoint:
    found = cluster.statistics(start, end)
    return {
        "timestamp": iso(start),
        "cpu_utilization": round(found.cpu_percent, 2),
        "memory_utilization": round(found.memory_percent, 2),
        "gpu_utilization": round(found.gpu_percent, 2),
        "jobs_submitted": found.submitted,
        "jobs_completed": found.completed,
        "avg_queue_time": round(found.wait.mean),
    }
