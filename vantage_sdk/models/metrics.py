"""How much of what they have jobs and clusters of the platform use."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vantage_sdk.models.series import Point, Series


class MetricPoint(Point):
    """Utilization at one time, in percent of what the job or cluster has."""

    cpu_percent: float | None = None
    memory_percent: float | None = None
    gpu_percent: float | None = None


class Utilization(Series):
    """Measurements in percent, oldest first."""

    _measured = ("cpu_percent", "memory_percent", "gpu_percent")
    _drawn: ClassVar[dict[str, str]] = {"cpu_percent": "cpu", "memory_percent": "memory", "gpu_percent": "gpu"}


class JobMetrics(Utilization):
    """Measurements of one job, oldest first."""

    _owner = "job_id"

    job_id: str
    metrics: list[MetricPoint] = Field(default_factory=list[MetricPoint])


class ClusterMetrics(Utilization):
    """Measurements of one cluster, oldest first."""

    _owner = "cluster_id"

    cluster_id: str
    metrics: list[MetricPoint] = Field(default_factory=list[MetricPoint])
