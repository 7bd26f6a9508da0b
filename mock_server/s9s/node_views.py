"""How nodes look to callers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from mock_server.s9s.amounts import memory_text
from mock_server.s9s.states import node_word
from mock_server.wire import iso, iso_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.node import Node

ARCHITECTURE = "x86_64"
SYSTEM = "Linux 5.4.0-74-generic"


class NodeView(TypedDict):
    """A node."""

    node_name: str
    state: str
    partitions: list[str]
    cpu_total: int
    cpu_allocated: int
    cpu_load: float | None
    memory_total: str
    memory_allocated: str
    memory_free: str | None
    gpus_total: int
    gpus_allocated: int
    features: list[str]
    architecture: str
    os: str
    boot_time: str
    last_busy: str | None
    jobs: list[str]
    reason: str | None


class NodeList(TypedDict):
    """All nodes that were asked for."""

    nodes: list[NodeView]
    total: int


class NodeAction(TypedDict):
    """What was done to a node."""

    node_name: str
    state: str
    reason: str | None
    message: str


def all_nodes(cluster: ClusterBackend) -> Iterator[Node]:
    """Yield the nodes of all clusters, by name within each."""
    for owner in cluster.clusters.values():
        yield from sorted(owner.nodes.values(), key=lambda node: node.name)


def memberships(cluster: ClusterBackend) -> dict[str, list[str]]:
    """Return the partitions of each node."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, partition in cluster.partitions.items():
        for node_name in partition.node_names:
            found[node_name].append(name)
    return found


def view_node(cluster: ClusterBackend, node: Node, partitions: list[str], now: float) -> NodeView:
    """Return a node as callers see it."""
    total, free, machine = node.capacity, node.free, node.machine
    return {
        "node_name": node.name,
        "state": node_word(node),
        "partitions": partitions,
        "cpu_total": total.cpus,
        "cpu_allocated": total.cpus - free.cpus,
        "cpu_load": None if node.cpu_load is None else round(node.cpu_load, 2),
        "memory_total": memory_text(total.memory),
        "memory_allocated": memory_text(total.memory - free.memory),
        "memory_free": _memory_free(cluster, node),
        "gpus_total": total.gpus,
        "gpus_allocated": total.gpus - free.gpus,
        "features": list(node.features),
        "architecture": ARCHITECTURE if machine is None else machine.architecture,
        "os": SYSTEM if machine is None else machine.system,
        "boot_time": iso(node.boot_time),
        "last_busy": iso_or_none(now if node.running else node.last_busy),
        "jobs": sorted(node.running, key=lambda job_id: (len(job_id), job_id)),
        "reason": node.reason,
    }


def _memory_free(cluster: ClusterBackend, node: Node) -> str | None:
    """Return what a machine has left; else what the jobs on it have not filled, each job spreading evenly."""
    if node.machine is not None:
        return None if node.machine.free_memory is None else memory_text(node.machine.free_memory)
    jobs = (cluster.job(job_id) for job_id in node.running)
    used = sum((job.consumption.max_memory or 0) // max(1, len(job.node_names)) for job in jobs)
    return memory_text(node.capacity.memory - used)
