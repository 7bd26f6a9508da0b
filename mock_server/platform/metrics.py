"""Load over time: what jobs use of what they asked for, and what clusters have given of what they have.

A series begins with the load at its first instant; every later point is the mean since the point before it, so the
points times the time between them add up to what was used.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NotRequired, get_args

from typing_extensions import TypedDict

from mock_server.cluster.backend import Measure
from mock_server.cluster.consumption import mean_memory_share, memory_share
from mock_server.figures import only
from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.consumption import Appetite
    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Cluster

Figure = Literal["cpu_percent", "memory_percent", "gpu_percent"]

FIGURES: tuple[Figure, ...] = get_args(Figure)
MEASURES = {"memory_percent": Measure.MEMORY_SERIES, "gpu_percent": Measure.GPU}
"""What the figures of a job stand for that not every backend watches; of a cluster they are what has been given to jobs."""

STEPS = 12
"""How many steps a series has unless somebody asks for another one."""

MAX_POINTS = 1000
CLUSTER_SPAN = 3600.0
DIGITS = 9
INSTANT = 1e-6
"""The length of the first point, too short to add anything."""


class MetricPoint(TypedDict):
    """The mean load since the point before, in percent of what was there or asked for; null if that is not known.

    Without the figures that were not chosen.
    """

    timestamp: str
    cpu_percent: NotRequired[float | None]
    memory_percent: NotRequired[float | None]
    gpu_percent: NotRequired[float | None]


class JobMetrics(TypedDict):
    """Load over time, oldest first."""

    job_id: str
    metrics: list[MetricPoint]


class ClusterMetrics(TypedDict):
    """Load over time, oldest first."""

    cluster_id: str
    metrics: list[MetricPoint]


def job_metrics(
    job: Job,
    now: float,
    start: float | None = None,
    end: float | None = None,
    step: float | None = None,
    figures: Sequence[Figure] = (),
) -> JobMetrics:
    """Return the load of a job from its first start to its end; after a failed node it is 0 until it runs again."""
    runs, points = job.runs(now), list[MetricPoint]()
    last = now if job.ended_at is None else job.ended_at
    if runs:
        since, until = _clip(runs[0][0], last, start, end)
        points = [only(_job_point(job, runs, *span), figures, FIGURES) for span in _spans(since, until, step)]
    return {"job_id": job.id, "metrics": points}


def cluster_metrics(
    backend: ClusterBackend,
    cluster: Cluster,
    now: float,
    start: float | None = None,
    end: float | None = None,
    step: float | None = None,
    figures: Sequence[Figure] = (),
) -> ClusterMetrics:
    """Return the load of a cluster, without ``start`` in the hour before the end."""
    until = now if end is None else min(end, now)
    since, until = _clip(cluster.created_at, now, until - CLUSTER_SPAN if start is None else start, until)
    spans = _spans(since, until, step)
    points = [only(_cluster_point(backend, cluster, *span), figures, FIGURES) for span in spans]
    return {"cluster_id": cluster.id, "metrics": points}


def _clip(first: float, last: float, start: float | None, end: float | None) -> tuple[float, float]:
    return first if start is None else max(first, start), last if end is None else min(last, end)


def _spans(start: float, end: float, step: float | None) -> list[tuple[float, float]]:
    """Return from when to when each point is the mean; a step so short that there were too many is made longer."""
    if start > end:
        return []
    wanted = max(1.0, (end - start) / STEPS) if step is None else step
    wanted = max(wanted, (end - start) / (MAX_POINTS - 1))
    count = math.ceil((end - start) / wanted - 1e-9)
    # To the microsecond, as they are shown, so that a reader can add up.
    edges = [round(start + index * wanted, 6) for index in range(count)] + [round(end, 6)]
    return [(edges[0], edges[0]), *pairwise(edges)]


def _job_point(job: Job, runs: tuple[tuple[float, float], ...], start: float, end: float) -> MetricPoint:
    asked, used = job.request.resources, job.appetite
    if used is None:
        return _measured_point(job, runs, start, end)
    busy, memory = _at(used, runs, end) if start == end else _between(used, runs, start, end)
    return {
        "timestamp": iso(end),
        "cpu_percent": _percent(used.cpu * busy),
        "memory_percent": _percent(memory) if asked.memory else 0.0,
        "gpu_percent": _percent(used.gpu * busy) if asked.gpus else None,
    }


def _measured_point(job: Job, runs: tuple[tuple[float, float], ...], start: float, end: float) -> MetricPoint:
    """Return the mean of the whole life of a job, of which nothing more is known, for the part of a span that it ran."""
    seconds = sum(until - since for since, until in runs)
    given, used = job.request.resources.cpus * job.request.shares * seconds, job.consumption.cpu_seconds
    busy = _busy(runs, start, end)
    return {
        "timestamp": iso(end),
        "cpu_percent": None if used is None or not given else _percent(busy * min(1.0, used / given)),
        "memory_percent": None,
        "gpu_percent": None,
    }


def _busy(runs: tuple[tuple[float, float], ...], start: float, end: float) -> float:
    """Return for which part of a span a job runs."""
    if start == end:
        return float(any(begun - INSTANT <= end <= ended for begun, ended in runs))
    return min(1.0, sum(max(0.0, min(end, ended) - max(start, begun)) for begun, ended in runs) / (end - start))


def _at(used: Appetite, runs: tuple[tuple[float, float], ...], at: float) -> tuple[float, float]:
    """Return whether the job runs, and the share of its memory that it has."""
    begun = next((begun for begun, ended in runs if begun - INSTANT <= at <= ended), None)
    return (0.0, 0.0) if begun is None else (1.0, memory_share(used, max(0.0, at - begun)))


def _between(used: Appetite, runs: tuple[tuple[float, float], ...], start: float, end: float) -> tuple[float, float]:
    """Return for which part of a span the job runs, and the mean share of its memory that it has."""
    busy = memory = 0.0
    for begun, ended in runs:
        since, until = max(start, begun), min(end, ended)
        if since < until:
            busy += until - since
            memory += (until - since) * mean_memory_share(used, since - begun, until - begun)
    return min(1.0, busy / (end - start)), memory / (end - start)


def _percent(share: float) -> float:
    return round(100 * share, DIGITS)


def _cluster_point(backend: ClusterBackend, cluster: Cluster, start: float, end: float) -> MetricPoint:
    usage = backend.usage(cluster.id, start - INSTANT if start == end else start, end)
    return {
        "timestamp": iso(end),
        "cpu_percent": round(usage.cpu_percent, DIGITS),
        "memory_percent": round(usage.memory_percent, DIGITS),
        "gpu_percent": round(usage.gpu_percent, DIGITS) if cluster.node_shape.gpus else None,
    }
