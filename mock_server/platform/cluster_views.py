"""How clusters look to callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired

from typing_extensions import TypedDict

from mock_server.platform.metrics import ClusterMetrics, cluster_metrics
from mock_server.wire import iso, memory_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.node import Cluster, Node, ScalePolicy
    from mock_server.cluster.usage import Usage


class ClusterResources(TypedDict):
    """The capacity of a cluster."""

    cpus: int
    memory: str
    gpus: int


class ClusterNode(TypedDict):
    """One machine."""

    name: str
    status: str
    cpus: int
    memory: str
    gpus: int
    running_jobs: int


class Scaling(TypedDict):
    """The policy that decides on the number of nodes."""

    nodes: NotRequired[int]
    min_nodes: NotRequired[int]
    max_nodes: NotRequired[int]
    target_utilization: NotRequired[float]


class ClusterView(TypedDict):
    """A cluster."""

    id: str
    name: str
    status: str
    provider: str
    region: str
    node_count: int
    total_resources: ClusterResources
    created_at: str
    updated_at: str
    scaling: Scaling
    nodes: NotRequired[list[ClusterNode]]
    metrics: NotRequired[ClusterMetrics]


class ClusterPage(TypedDict):
    """A page of clusters."""

    clusters: list[ClusterView]
    total: int
    page: int
    per_page: int


class ClusterNodePage(TypedDict):
    """A page of a cluster's nodes."""

    cluster_id: str
    nodes: list[ClusterNode]
    total: int
    page: int
    per_page: int


class Utilization(TypedDict):
    """Shares of the capacity that was there."""

    cpu_percent: float
    memory_percent: float
    gpu_percent: float


class ClusterUsage(TypedDict):
    """What ran in a period, added up."""

    cluster_id: str
    period_start: str
    period_end: str
    cpu_hours: float
    gpu_hours: float
    memory_gb_hours: float
    jobs_total: int
    utilization: Utilization


def view_cluster(cluster: Cluster) -> ClusterView:
    """Return a cluster as the platform shows it."""
    capacities = [node.capacity for node in cluster.nodes.values()]
    return {
        "id": cluster.id,
        "name": cluster.name,
        "status": cluster.status,
        "provider": cluster.provider,
        "region": cluster.region,
        "node_count": len(capacities),
        "total_resources": {
            "cpus": sum(capacity.cpus for capacity in capacities),
            "memory": memory_text(sum(capacity.memory for capacity in capacities)),
            "gpus": sum(capacity.gpus for capacity in capacities),
        },
        "created_at": iso(cluster.created_at),
        "updated_at": iso(cluster.updated_at),
        "scaling": _view_scaling(cluster.scaling),
    }


def embed(
    view: ClusterView, backend: ClusterBackend, cluster: Cluster, names: Iterable[str], now: float
) -> ClusterView:
    """Add the related data that ``include`` asks for."""
    for name in names:
        if name == "nodes":
            view["nodes"] = [view_node(node) for node in cluster.nodes.values()]
        else:
            view["metrics"] = cluster_metrics(backend, cluster, now)
    return view


def view_node(node: Node) -> ClusterNode:
    return {
        "name": node.name,
        "status": node.state.value,
        "cpus": node.capacity.cpus,
        "memory": memory_text(node.capacity.memory),
        "gpus": node.capacity.gpus,
        "running_jobs": len(node.running),
    }


def view_usage(cluster: Cluster, usage: Usage) -> ClusterUsage:
    return {
        "cluster_id": cluster.id,
        "period_start": iso(usage.start),
        "period_end": iso(usage.end),
        "cpu_hours": round(usage.cpu_hours, 6),
        "gpu_hours": round(usage.gpu_hours, 6),
        "memory_gb_hours": round(usage.memory_gb_hours, 6),
        "jobs_total": usage.jobs_total,
        "utilization": {
            "cpu_percent": round(usage.cpu_percent, 3),
            "memory_percent": round(usage.memory_percent, 3),
            "gpu_percent": round(usage.gpu_percent, 3),
        },
    }


def _view_scaling(policy: ScalePolicy) -> Scaling:
    scaling: Scaling = {}
    if policy.nodes is not None:
        scaling["nodes"] = policy.nodes
    if policy.min_nodes is not None:
        scaling["min_nodes"] = policy.min_nodes
    if policy.max_nodes is not None:
        scaling["max_nodes"] = policy.max_nodes
    if policy.target_utilization is not None:
        scaling["target_utilization"] = policy.target_utilization
    return scaling
