"""How partitions look to callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from mock_server.errors import ApiError
from mock_server.s9s.durations import limit_text
from mock_server.s9s.states import node_word

if TYPE_CHECKING:
    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.layout import PartitionInfo

PREFERRED = "normal"


class PartitionView(TypedDict):
    """A partition."""

    name: str
    state: str
    nodes_total: int
    nodes_idle: int
    nodes_allocated: int
    nodes_mixed: int
    cpus_total: int
    cpus_allocated: int
    default_time: str
    max_time: str
    max_nodes: int
    priority: int
    qos: str
    features: list[str]


class PartitionList(TypedDict):
    """All partitions."""

    partitions: list[PartitionView]


def view_partition(cluster: ClusterBackend, partition: PartitionInfo) -> PartitionView:
    """Return a partition as callers see it; without a limit of nodes, one job may have all of them."""
    nodes = [cluster.node(name)[1] for name in partition.node_names]
    words = [node_word(node) for node in nodes]
    return {
        "name": partition.name,
        "state": partition.state,
        "nodes_total": len(nodes),
        "nodes_idle": words.count("IDLE"),
        "nodes_allocated": words.count("ALLOCATED"),
        "nodes_mixed": words.count("MIXED"),
        "cpus_total": sum(node.capacity.cpus for node in nodes),
        "cpus_allocated": sum(node.capacity.cpus - node.free.cpus for node in nodes),
        "default_time": limit_text(partition.default_time),
        "max_time": limit_text(partition.max_time),
        "max_nodes": len(nodes) if partition.max_nodes is None else partition.max_nodes,
        "priority": partition.priority,
        "qos": partition.qos,
        "features": list(partition.features),
    }


def default_partition(cluster: ClusterBackend) -> str:
    """Return where jobs go that name no partition."""
    partitions = cluster.partitions
    if PREFERRED in partitions:
        return PREFERRED
    found = next((name for name, partition in partitions.items() if partition.is_default), None)
    if found is None:
        raise ApiError(503, "There is no partition that takes jobs")
    return found
