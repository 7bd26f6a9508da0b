"""Clusters of the job service, and their nodes."""

from __future__ import annotations

from typing import ClassVar

from vantage_sdk.models.base import Model
from vantage_sdk.models.quantity import Quantity


class NodeGpus(Model):
    """The GPUs of a node: how many, how many of them are free, and their type."""

    total: int | None = None
    available: int | None = None
    type: str | None = None


class NodeQuantity(Model):
    """How much a node has of something, and how much of it is free: cores of a CPU, or bytes of memory."""

    total: Quantity | None = None
    available: Quantity | None = None


class JobServiceNode(Model):
    """A machine of a cluster."""

    name: str
    status: str | None = None
    gpus: NodeGpus | None = None
    cpu: NodeQuantity | None = None
    memory: NodeQuantity | None = None


class ClusterCapacity(Model):
    """How many jobs a cluster takes, and how many it has."""

    max_jobs: int | None = None
    current_jobs: int | None = None


class JobServiceCluster(Model):
    """A cluster of the job service; lists have numbers of nodes, GPUs and jobs, one that is fetched ``nodes`` and ``capacity``."""

    _shown: ClassVar[tuple[str, ...]] = (
        "name",
        "status",
        "total_nodes",
        "available_gpus",
        "total_gpus",
        "running_jobs",
        "capacity",
    )

    name: str
    status: str | None = None
    total_nodes: int | None = None
    available_gpus: int | None = None
    total_gpus: int | None = None
    running_jobs: int | None = None
    nodes: list[JobServiceNode] | None = None
    capacity: ClusterCapacity | None = None
