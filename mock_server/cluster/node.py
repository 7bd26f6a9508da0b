"""Nodes, and the named clusters that own them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mock_server.cluster.job import Resources


class NodeState(StrEnum):
    """What a node is doing, from the scheduler's point of view."""

    BOOTING = "booting"
    READY = "ready"
    DRAINING = "draining"
    DRAINED = "drained"
    DOWN = "down"


@dataclass(slots=True, eq=False)
class Node:
    """One machine; ``running`` holds the ids of the jobs on it.  A ``retiring`` node leaves once it is empty."""

    name: str
    capacity: Resources
    free: Resources
    state: NodeState = NodeState.READY
    reason: str | None = None
    running: set[str] = field(default_factory=set[str])
    retiring: bool = False


@dataclass(frozen=True, slots=True)
class ScalePolicy:
    """Either a fixed number of ``nodes``, or a range with the utilization to aim at (0 to 1)."""

    nodes: int | None = None
    min_nodes: int | None = None
    max_nodes: int | None = None
    target_utilization: float | None = None


@dataclass(slots=True, eq=False)
class Cluster:
    """A named set of equal nodes with one queue."""

    id: str
    name: str
    provider: str
    region: str
    node_shape: Resources
    created_at: float
    updated_at: float
    status: str = "running"
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    scaling: ScalePolicy = ScalePolicy()
