"""Nodes of S9S."""

from __future__ import annotations

from typing import ClassVar

from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.quantity import Quantity


class S9SNode(Model):
    """A node; after an action on it only ``node_name``, ``state``, ``reason`` and ``message`` are there.

    ``state`` is the server's word: ``IDLE``, ``MIXED``, ``ALLOCATED``, ``DOWN``, ``DRAIN``, or another of Slurm; ``cpu_load`` is
    the mean number of processes that run or want to; ``jobs`` are ids.
    """

    _shown: ClassVar[tuple[str, ...]] = (
        "node_name",
        "state",
        "partitions",
        "cpu_total",
        "cpu_allocated",
        "memory_total",
        "memory_free",
        "gpus_total",
        "gpus_allocated",
        "reason",
    )

    node_name: str
    state: str | None = None
    partitions: list[str] | None = None
    cpu_total: int | None = None
    cpu_allocated: int | None = None
    cpu_load: float | None = None
    memory_total: Quantity | None = None
    memory_allocated: Quantity | None = None
    memory_free: Quantity | None = None
    gpus_total: int | None = None
    gpus_allocated: int | None = None
    features: list[str] | None = None
    architecture: str | None = None
    os: str | None = None
    boot_time: Timestamp | None = None
    last_busy: Timestamp | None = None
    jobs: list[str] | None = None
    reason: str | None = None
    message: str | None = None

    @property
    def id(self) -> str:
        """Return ``node_name``, which tells nodes apart."""
        return self.node_name
