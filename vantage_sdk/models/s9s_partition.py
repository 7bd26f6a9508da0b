"""Partitions of S9S: groups of nodes with limits of their own."""

from __future__ import annotations

from vantage_sdk.models.base import Model
from vantage_sdk.models.duration import Duration


class S9SPartition(Model):
    """A partition; a job without ``time_limit`` gets ``default_time``, and none gets more than ``max_time``."""

    name: str
    state: str | None = None
    nodes_total: int | None = None
    nodes_idle: int | None = None
    nodes_allocated: int | None = None
    nodes_mixed: int | None = None
    cpus_total: int | None = None
    cpus_allocated: int | None = None
    default_time: Duration | None = None
    max_time: Duration | None = None
    max_nodes: int | None = None
    priority: int | None = None
    qos: str | None = None
    features: list[str] | None = None

    @property
    def id(self) -> str:
        """Return ``name``, which tells partitions apart."""
        return self.name
