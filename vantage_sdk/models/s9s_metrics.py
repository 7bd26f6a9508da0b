"""What S9S measures: the cluster now, its history, and how well jobs used what they had."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.duration import Duration
from vantage_sdk.models.series import Point, Series


class ClusterUtilization(Model):
    """How much is allocated now, in percent."""

    cpu_percent: float | None = None
    memory_percent: float | None = None
    gpu_percent: float | None = None


class QueueStats(Model):
    """How long jobs wait, and how many get through; no document has the unit of ``throughput``."""

    avg_wait_time: Duration | None = None
    max_wait_time: Duration | None = None
    throughput: float | None = None


class ClusterStats(Model):
    """The cluster at one time; the counts are by state."""

    timestamp: Timestamp | None = None
    cluster_utilization: ClusterUtilization = Field(default_factory=ClusterUtilization)
    job_counts: dict[str, int] = Field(default_factory=dict[str, int])
    node_counts: dict[str, int] = Field(default_factory=dict[str, int])
    queue_stats: QueueStats = Field(default_factory=QueueStats)


class PerformancePoint(Point):
    """One interval: utilization in percent, numbers of jobs, mean time in the queue in seconds."""

    cpu_utilization: float | None = None
    memory_utilization: float | None = None
    gpu_utilization: float | None = None
    jobs_submitted: int | None = None
    jobs_completed: int | None = None
    avg_queue_time: float | None = None


class PerformanceSeries(Series):
    """The history of the cluster, oldest first; ``count`` is the number of points."""

    _drawn: ClassVar[dict[str, str]] = {f"{name}_utilization": name for name in ("cpu", "memory", "gpu")}
    _measured = (*_drawn, "jobs_submitted", "jobs_completed", "avg_queue_time")

    metrics: list[PerformancePoint] = Field(default_factory=list[PerformancePoint])
    interval: str | None = None
    count: int | None = None


class EfficiencyJob(Model):
    """How well one job used what it had, as fractions from 0 to 1."""

    job_id: str
    user: str | None = None
    partition: str | None = None
    runtime: Duration | None = None
    cpu_efficiency: float | None = None
    memory_efficiency: float | None = None
    gpu_utilization: float | None = None


class EfficiencyReport(Model):
    """How well jobs used what they had; ``averages`` has the mean of each fraction."""

    jobs: list[EfficiencyJob] = Field(default_factory=list[EfficiencyJob])
    total: int | None = None
    averages: dict[str, float] = Field(default_factory=dict[str, float])
