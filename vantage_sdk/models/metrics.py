"""Series of measurements."""

from __future__ import annotations

from pydantic import Field

from vantage_sdk.models.base import Model, Timestamp


class MetricPoint(Model):
    """Utilization at one time, in percent of what the job or cluster has."""

    timestamp: Timestamp
    cpu_percent: float | None = None
    memory_percent: float | None = None
    gpu_percent: float | None = None


class JobMetrics(Model):
    """Measurements of one job, oldest first."""

    job_id: str
    metrics: list[MetricPoint] = Field(default_factory=list[MetricPoint])


class ClusterMetrics(Model):
    """Measurements of one cluster, oldest first."""

    cluster_id: str
    metrics: list[MetricPoint] = Field(default_factory=list[MetricPoint])
