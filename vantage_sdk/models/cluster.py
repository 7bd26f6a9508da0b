"""Clusters, their nodes, and what they were used for."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.metrics import ClusterMetrics


class ClusterResources(Model):
    """The capacity of a cluster: CPU cores, memory as text with a unit, GPUs."""

    cpus: int | None = None
    memory: str | None = None
    gpus: int | None = None


class ClusterNode(Model):
    """One machine of a cluster."""

    name: str
    status: str | None = None
    cpus: int | None = None
    memory: str | None = None
    gpus: int | None = None
    running_jobs: int | None = None


class ScalePolicy(Model):
    """A fixed number of nodes, or a range with the utilization to aim at (0 to 1)."""

    nodes: int | None = None
    min_nodes: int | None = None
    max_nodes: int | None = None
    target_utilization: float | None = None


class Cluster(Model):
    """A cluster; ``nodes`` and ``metrics`` are there when asked for with ``include``."""

    _shown: ClassVar[tuple[str, ...]] = (
        "id",
        "name",
        "status",
        "provider",
        "region",
        "node_count",
        "total_resources",
        "created_at",
    )

    id: str
    name: str
    status: str | None = None
    provider: str | None = None
    region: str | None = None
    node_count: int | None = None
    total_resources: ClusterResources | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    nodes: list[ClusterNode] | None = None
    metrics: ClusterMetrics | None = None
    scaling: ScalePolicy | None = None


class Utilization(Model):
    """Mean use of the capacity over a period, in percent."""

    cpu_percent: float | None = None
    memory_percent: float | None = None
    gpu_percent: float | None = None


class ClusterUsage(Model):
    """Totals over a period: hours of cores, GPUs and gigabytes, and jobs."""

    cluster_id: str
    period_start: Timestamp | None = None
    period_end: Timestamp | None = None
    cpu_hours: float | None = None
    gpu_hours: float | None = None
    memory_gb_hours: float | None = None
    jobs_total: int | None = None
    utilization: Utilization = Field(default_factory=Utilization)
