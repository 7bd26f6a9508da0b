"""Load over time: sampled from the accounts for clusters, derived from the job's id for jobs."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Cluster

POINTS = 12
STEP = 300.0


class MetricPoint(TypedDict):
    """The load at one instant, in percent of what was there or asked for."""

    timestamp: str
    cpu_percent: float
    memory_percent: float
    gpu_percent: float | None


def job_metrics(job: Job, now: float) -> list[MetricPoint]:
    """Return a plausible load of a job while it ran; the same job always had the same."""
    if job.started_at is None:
        return []
    end = now if job.ended_at is None else job.ended_at
    return [_sample(job, at) for at in _instants(job.started_at, end)]


def cluster_metrics(backend: ClusterBackend, cluster: Cluster, now: float) -> list[MetricPoint]:
    """Return the load of a cluster in the last hour."""
    points: list[MetricPoint] = []
    for index in range(POINTS):
        end = now - (POINTS - 1 - index) * STEP
        usage = backend.usage(cluster.id, end - STEP, end)
        points.append(
            {
                "timestamp": iso(end),
                "cpu_percent": round(usage.cpu_percent, 1),
                "memory_percent": round(usage.memory_percent, 1),
                "gpu_percent": round(usage.gpu_percent, 1) if cluster.node_shape.gpus else None,
            }
        )
    return points


def _instants(start: float, end: float) -> Iterator[float]:
    step = max(1.0, (end - start) / POINTS)
    at = start
    while at <= end:
        yield at
        at += step


def _sample(job: Job, at: float) -> MetricPoint:
    cpu, memory, gpu = blake2b(f"{job.id}:{at}".encode(), digest_size=3).digest()
    return {
        "timestamp": iso(at),
        "cpu_percent": round(60 + cpu / 8, 1),
        "memory_percent": round(30 + memory / 16, 1),
        "gpu_percent": round(70 + gpu / 10, 1) if job.request.resources.gpus else None,
    }
