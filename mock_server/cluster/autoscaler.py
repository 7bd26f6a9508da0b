"""Autoscaling: how many nodes one cluster should have, and when that may change."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from mock_server.cluster.backend import RequestError
from mock_server.cluster.node import ScalePolicy
from mock_server.cluster.placement import fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.fleet import Fleet
    from mock_server.cluster.history import History
    from mock_server.cluster.job import JobRequest, Resources
    from mock_server.cluster.node import Cluster, Node
    from mock_server.cluster.queue import Lane

COOL_DOWN_SECONDS = 60.0
DEFAULT_TARGET = 0.8


class Autoscaler:
    """Follows the cluster's policy.  Within a range it acts at most once per cool-down and removes idle nodes only."""

    def __init__(
        self, cluster: Cluster, agenda: Agenda, history: History, fleet: Fleet, demand: Callable[[], list[Lane]]
    ) -> None:
        self._cluster = cluster
        self._agenda = agenda
        self._history = history
        self._fleet = fleet
        self._demand = demand
        self._rest_until = agenda.now
        self._waiting = False

    def apply(self, policy: ScalePolicy) -> None:
        """Take over a policy: go to its number of nodes at once, or into its range."""
        lowest, highest = _bounds(policy)
        self._cluster.scaling = policy
        size = self._fleet.size
        self._resize(min(max(size, lowest), highest))
        self._rest_until = self._agenda.now
        self.evaluate()

    def evaluate(self) -> None:
        """Compare the load with the target and act on it, now or once the cool-down is over."""
        policy = self._cluster.scaling
        if policy.max_nodes is None or policy.min_nodes is None:
            return
        change = self._wanted_change(policy.min_nodes, policy.max_nodes)
        if change == 0:
            return
        if self._agenda.now < self._rest_until:
            self._wait()
        else:
            self._resize(self._fleet.size + change)
            self._rest_until = self._agenda.now + COOL_DOWN_SECONDS

    def _wanted_change(self, lowest: int, highest: int) -> int:
        size = self._fleet.size
        wanted = size + self._wanted_nodes() - self._fleet.usable
        return min(max(wanted, lowest), highest) - size

    def _wanted_nodes(self) -> int:
        """Return how many nodes the load asks for, never fewer than have jobs, so that only idle ones are given up."""
        nodes = [node for node in self._cluster.nodes.values() if node.running and not node.retiring]
        shape, lanes = self._cluster.node_shape, self._demand()
        used = [
            (
                sum(getattr(lane, name) for lane in lanes) + sum(_used(node, name) for node in nodes),
                getattr(shape, name),
            )
            for name in ("cpus", "memory", "gpus")
        ]
        load = max((amount / capacity for amount, capacity in used if capacity > 0), default=0.0)
        target = self._cluster.scaling.target_utilization or DEFAULT_TARGET
        heads = [first[2] for lane in lanes if (first := lane.first()) is not None]
        # Sums of fractions such as 0.1 must not ask for a node more than the exact quotient.
        return max(ceil(load / target - 1e-9), len(nodes), *(_nodes(head.request, shape) for head in heads))

    def _resize(self, size: int) -> None:
        before = self._fleet.size
        if size > before:
            self._fleet.grow(size - before)
        elif size < before:
            self._fleet.shrink(before - size)
        self._cluster.updated_at = self._agenda.now
        data = {"nodes": self._fleet.size, "previous": before}
        self._history.record(self._agenda.now, "cluster.scaled", self._cluster.id, data)

    def _wait(self) -> None:
        if not self._waiting:
            self._waiting = True
            self._agenda.schedule(self._rest_until, self._rested)

    def _rested(self) -> None:
        self._waiting = False
        self.evaluate()


def _used(node: Node, name: str) -> int:
    used: int = getattr(node.capacity, name) - getattr(node.free, name)
    return used


def _nodes(request: JobRequest, shape: Resources) -> int:
    """Return how many nodes of this shape a request needs when they are empty."""
    if request.gang is None:
        return request.nodes
    return ceil(request.gang / max(1, fits(shape, request.resources)))


def _bounds(policy: ScalePolicy) -> tuple[int, int]:
    if policy.nodes is not None:
        if policy.min_nodes is not None or policy.max_nodes is not None or policy.target_utilization is not None:
            raise RequestError("nodes", "nodes excludes min_nodes, max_nodes and target_utilization")
        if policy.nodes < 0:
            raise RequestError("nodes", "nodes must not be negative")
        return policy.nodes, policy.nodes
    if policy.min_nodes is None or policy.max_nodes is None:
        missing = "min_nodes" if policy.min_nodes is None else "max_nodes"
        raise RequestError(missing, "either nodes or both min_nodes and max_nodes are needed")
    if not 0 <= policy.min_nodes <= policy.max_nodes:
        raise RequestError("min_nodes", "min_nodes must lie between 0 and max_nodes")
    if policy.target_utilization is not None and not 0 < policy.target_utilization <= 1:
        raise RequestError("target_utilization", "target_utilization must be above 0 and at most 1")
    return policy.min_nodes, policy.max_nodes
