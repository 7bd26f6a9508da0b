"""Nodes, and the named clusters that own them."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Machine:
    """What a real machine says of itself: busy CPUs and free memory in bytes, ``None`` if it does not; what it is."""

    cpu_load: float | None
    free_memory: int | None
    architecture: str
    system: str


@dataclass(slots=True, eq=False)
class Node:
    """One machine; ``running`` holds the ids of the jobs on it.  A ``retiring`` node leaves once it is empty.

    ``boot_time`` and ``last_busy``, when a job last came or went, are seconds since the epoch; ``empty_by`` is when a drain turns to force, ``planned`` says that
    backfill holds it for the head of the queue; ``alone`` is the allocation of a job that has one share of it.
    ``machine`` is there where the node is a real one.
    """

    name: str
    capacity: Resources
    free: Resources
    state: NodeState = NodeState.READY
    reason: str | None = None
    running: set[str] = field(default_factory=set[str])
    retiring: bool = False
    cluster_id: str = ""
    features: tuple[str, ...] = ()
    gpu_type: str | None = None
    boot_time: float = 0.0
    last_busy: float | None = None
    planned: bool = False
    empty_by: float | None = None
    load: Callable[[Node], float] = lambda _: 0.0
    gpus_in_use: set[int] = field(default_factory=set[int])
    machine: Machine | None = None
    alone: tuple[tuple[str, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        self.alone = ((self.name, 1),)

    @property
    def cpu_load(self) -> float | None:
        """How many CPUs are busy: as the machine says, else by what the jobs on the node make of theirs."""
        return self.load(self) if self.machine is None else self.machine.cpu_load


@dataclass(frozen=True, slots=True)
class ScalePolicy:
    """Either a fixed number of ``nodes``, or a range with the utilization to aim at (0 to 1)."""

    nodes: int | None = None
    min_nodes: int | None = None
    max_nodes: int | None = None
    target_utilization: float | None = None


@dataclass(slots=True, eq=False)
class Cluster:
    """A named set of equal nodes; ``features`` and ``gpu_type`` are those of each."""

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
    features: tuple[str, ...] = ()
    gpu_type: str | None = None
