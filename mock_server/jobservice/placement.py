"""Which cluster a job goes to; callers of the job service cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.backend import RequestError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mock_server.cluster.job import JobRequest, Resources
    from mock_server.cluster.node import Cluster


def choose_cluster(clusters: Collection[Cluster], request: JobRequest) -> JobRequest:
    """Return the request for the first cluster whose nodes can hold it, whether or not they are free.

    A gang that is too large for all waits for the cluster that can hold most of it, which may grow.  What no node of any
    cluster can hold raises ``RequestError``.
    """
    rooms = {cluster.id: [_times(shape, request.resources) for shape in _shapes(cluster)] for cluster in clusters}
    places = {key: sum(room) for key, room in rooms.items() if any(room)}
    if not places:
        raise _excess(request.resources, [shape for cluster in clusters for shape in _shapes(cluster)])
    chosen = next((key for key, count in places.items() if count >= (request.gang or 1)), None)
    return request._replace(cluster_id=chosen or max(places, key=lambda key: places[key]))


def _excess(wanted: Resources, shapes: Sequence[Resources]) -> RequestError:
    """Return what says which amount is too much."""
    for field in ("cpus", "memory", "gpus"):
        asked, most = getattr(wanted, field), max((getattr(shape, field) for shape in shapes), default=0)
        if asked > most:
            return RequestError(field, f"{asked} requested, but no node has more than {most}")
    return RequestError("resources", "No node has all of this together")


def _shapes(cluster: Cluster) -> list[Resources]:
    """Return what each node of a cluster has; one without nodes at the moment counts as one node."""
    return [node.capacity for node in cluster.nodes.values()] or [cluster.node_shape]


def _times(shape: Resources, wanted: Resources) -> int:
    pairs = ((shape.cpus, wanted.cpus), (shape.memory, wanted.memory), (shape.gpus, wanted.gpus))
    return min((there // each for there, each in pairs if each), default=0)
