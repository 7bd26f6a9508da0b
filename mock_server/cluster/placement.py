"""Which nodes a job gets: first fit in the order of the nodes, all of them or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.job import Resources
from mock_server.cluster.node import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.node import Node

_READY = NodeState.READY


def find_nodes(nodes: Iterable[Node], request: JobRequest) -> list[Node] | None:
    """Return as many ready nodes as the request asks for, ``None`` if there are not enough at this moment."""
    wanted = request.resources
    cpus, memory, gpus = wanted.cpus, wanted.memory, wanted.gpus
    chosen: list[Node] = []
    for node in nodes:
        free = node.free
        if free.cpus >= cpus and free.memory >= memory and free.gpus >= gpus and node.state is _READY:
            chosen.append(node)
            if len(chosen) == request.nodes:
                return chosen
    return None


def allocate(job: Job, nodes: Iterable[Node]) -> None:
    """Give the job its share of each node."""
    wanted = job.request.resources
    for node in nodes:
        free = node.free
        node.free = Resources(free.cpus - wanted.cpus, free.memory - wanted.memory, free.gpus - wanted.gpus)
        node.running.add(job.id)


def release(job: Job, nodes: Iterable[Node]) -> None:
    """Take the job's share of each node back."""
    wanted = job.request.resources
    for node in nodes:
        free = node.free
        node.free = Resources(free.cpus + wanted.cpus, free.memory + wanted.memory, free.gpus + wanted.gpus)
        node.running.remove(job.id)
