"""Clusters of the job service: their nodes, and what of these is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from mock_server.cluster.job import Resources
from mock_server.cluster.node import NodeState
from mock_server.jobservice.health import require
from mock_server.routes import Call, Routes
from mock_server.wire import memory_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Cluster, Node

NOTHING = Resources(cpus=0, memory=0, gpus=0)

routes = Routes("clusters", prefix="/api/v1/clusters")


class ClusterSummary(TypedDict):
    """A cluster in the list."""

    name: str
    status: str
    total_nodes: int
    available_gpus: int
    total_gpus: int
    running_jobs: int


class ClusterList(TypedDict):
    """All clusters."""

    clusters: list[ClusterSummary]


class NodeGpus(TypedDict):
    """The GPUs of a node."""

    total: int
    available: int
    type: str | None


class NodeQuantity(TypedDict):
    """How much of something a node has, and how much a job could get of it now."""

    total: str
    available: str


class ClusterNode(TypedDict):
    """A machine."""

    name: str
    status: str
    gpus: NodeGpus
    cpu: NodeQuantity
    memory: NodeQuantity


class ClusterCapacity(TypedDict):
    """How many jobs can run at most, and how many wait or run."""

    max_jobs: int
    current_jobs: int


class ClusterDetail(TypedDict):
    """A cluster with its nodes."""

    name: str
    status: str
    nodes: list[ClusterNode]
    capacity: ClusterCapacity


@routes.get("/", refusals=(503,))
async def list_(call: Call[None, None]) -> ClusterList:
    """List compute clusters."""
    require(call, "kubernetes")
    return {"clusters": [_summary(cluster) for cluster in call.state.cluster.clusters.values()]}


@routes.get("/{cluster_name}", refusals=(503,))
async def get(call: Call[None, None]) -> ClusterDetail:
    """Get cluster details."""
    require(call, "kubernetes")
    cluster = call.state.cluster.cluster(call.path["cluster_name"])
    return {
        "name": cluster.name,
        "status": _status(cluster),
        "nodes": [_node(node) for node in cluster.nodes.values()],
        "capacity": {
            "max_jobs": max_jobs([cluster]),
            "current_jobs": sum(job.cluster_id == cluster.id for job in active_jobs(call.state.cluster)),
        },
    }


def active_jobs(backend: ClusterBackend) -> list[Job]:
    """Return the jobs that wait or run, of all clusters, oldest first."""
    # An end belongs to terminal jobs alone, and is quicker to look at than the state of very many.
    return [job for job in backend.jobs.values() if job.ended_at is None]


def max_jobs(clusters: Iterable[Cluster]) -> int:
    """Return how many jobs can run at once: each takes one core at least."""
    return sum(node.capacity.cpus for cluster in clusters for node in cluster.nodes.values())


def _summary(cluster: Cluster) -> ClusterSummary:
    nodes = cluster.nodes.values()
    return {
        "name": cluster.name,
        "status": _status(cluster),
        "total_nodes": len(nodes),
        "available_gpus": sum(_available(node).gpus for node in nodes),
        "total_gpus": sum(node.capacity.gpus for node in nodes),
        "running_jobs": len({job_id for node in nodes for job_id in node.running}),
    }


def _status(cluster: Cluster) -> str:
    """Return ``healthy`` if all nodes take jobs, ``unavailable`` if none does, else ``degraded``."""
    ready = sum(node.state is NodeState.READY for node in cluster.nodes.values())
    if ready == len(cluster.nodes):
        return "healthy"
    return "degraded" if ready else "unavailable"


def _node(node: Node) -> ClusterNode:
    there, free = node.capacity, _available(node)
    return {
        "name": node.name,
        "status": node.state.value,
        "gpus": {"total": there.gpus, "available": free.gpus, "type": node.gpu_type},
        "cpu": {"total": str(there.cpus), "available": str(free.cpus)},
        "memory": {"total": memory_text(there.memory), "available": memory_text(free.memory)},
    }


def _available(node: Node) -> Resources:
    """Return what a new job could get: of a node that takes no jobs, nothing."""
    return node.free if node.state is NodeState.READY else NOTHING
