"""Which cluster a job goes to; callers of the job service cannot say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import JobRequest, Resources
    from mock_server.cluster.node import Cluster


def choose_cluster(clusters: Iterable[Cluster], request: JobRequest) -> JobRequest:
    """Return the request for the first cluster whose nodes can hold it, whether or not they are free.

    One that fits nowhere is for the cluster that can hold most of its members, which says what is too much.
    """
    places = {cluster.id: _places(cluster, request.resources) for cluster in clusters}
    wanted = request.gang or 1
    chosen = next((key for key, count in places.items() if count >= wanted), None)
    return replace(request, cluster_id=chosen or max(places, key=lambda key: places[key], default=None))


def _places(cluster: Cluster, wanted: Resources) -> int:
    """Return how many members of a gang the nodes of a cluster can hold at once; one without nodes counts one node."""
    shapes = [node.capacity for node in cluster.nodes.values()] or [cluster.node_shape]
    return sum(_times(shape, wanted) for shape in shapes)


def _times(shape: Resources, wanted: Resources) -> int:
    pairs = ((shape.cpus, wanted.cpus), (shape.memory, wanted.memory), (shape.gpus, wanted.gpus))
    return min((there // each for there, each in pairs if each), default=0)
