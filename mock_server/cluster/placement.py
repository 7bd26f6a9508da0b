"""Which nodes a job gets: first fit in the order of the nodes, all of them or none.

A share is once the resources of the request.  A job takes one share of each of its nodes; a gang packs one share for
each member on as few nodes as first fit gives.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mock_server.cluster.job import Resources
from mock_server.cluster.node import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.node import Node

_READY = NodeState.READY

NOTHING: Mapping[str, Resources] = MappingProxyType({})

Place = tuple["Node", int]
"""A node, and how many shares of it."""


def find(nodes: Iterable[Node], request: JobRequest, back: Mapping[str, Resources] = NOTHING) -> list[Place] | None:
    """Return where the request fits on ready nodes at this moment, ``None`` if it does not.

    ``back`` is what nodes would have besides what is free, by their names.
    """
    wanted = request.resources
    cpus, memory, gpus = wanted.cpus, wanted.memory, wanted.gpus
    if request.required_nodes:
        nodes = _required_first(nodes, request.required_nodes)
    chosen: list[Place] = []
    missing = request.nodes if request.gang is None else request.gang
    for node in nodes:
        free = node.free
        if node.name in back:
            free = _sum(free, back[node.name])
        if free.cpus >= cpus and free.memory >= memory and free.gpus >= gpus and node.state is _READY:
            shares = 1 if request.gang is None else min(missing, fits(free, wanted))
            chosen.append((node, shares))
            missing -= shares
            if missing == 0:
                break
    if missing:
        return None
    if request.required_nodes and not {node.name for node, _ in chosen}.issuperset(request.required_nodes):
        return None
    return chosen


def fits(free: Resources, wanted: Resources) -> int:
    """Return how many shares fit; one that asks for nothing fits a thousand times."""
    amounts = ((free.cpus, wanted.cpus), (free.memory, wanted.memory), (free.gpus, wanted.gpus))
    return min((have // want for have, want in amounts if want), default=1000)


def still_fits(places: Iterable[Place], request: JobRequest) -> bool:
    """Tell whether nodes that were chosen before can be had now."""
    return all(node.state is _READY and fits(node.free, request.resources) >= shares for node, shares in places)


def allocate(job: Job, places: list[Place], now: float) -> None:
    """Give the job its shares, and each share GPUs of its own."""
    wanted = job.request.resources
    cpus, memory, gpus = wanted.cpus, wanted.memory, wanted.gpus
    for node, shares in places:
        free = node.free
        node.free = Resources(free.cpus - shares * cpus, free.memory - shares * memory, free.gpus - shares * gpus)
        node.running.add(job.id)
        node.last_busy = now
    # One tuple for all jobs that have just this node: a hundred thousand of them are kept.
    job.allocation = places[0][0].alone if len(places) == 1 and places[0][1] == 1 else _named(places)
    if gpus:
        job.gpu_ids = tuple(_take_gpus(node, shares * gpus) for node, shares in places)


def release(job: Job, nodes: Mapping[str, Node], now: float) -> list[Node]:
    """Take the job's shares back and return the nodes; the job goes on saying where it was."""
    wanted = job.request.resources
    cpus, memory, gpus = wanted.cpus, wanted.memory, wanted.gpus
    left: list[Node] = []
    for name, shares in job.allocation:
        node = nodes[name]
        free = node.free
        node.free = Resources(free.cpus + shares * cpus, free.memory + shares * memory, free.gpus + shares * gpus)
        node.running.remove(job.id)
        node.last_busy = now
        left.append(node)
    if gpus:
        for node, ids in zip(left, job.gpu_ids, strict=True):
            node.gpus_in_use.difference_update(ids)
    return left


def _sum(one: Resources, other: Resources) -> Resources:
    return Resources(one.cpus + other.cpus, one.memory + other.memory, one.gpus + other.gpus)


def _required_first(nodes: Iterable[Node], required: tuple[str, ...]) -> list[Node]:
    return sorted(nodes, key=lambda node: node.name not in required)


def _named(places: list[Place]) -> tuple[tuple[str, int], ...]:
    return tuple((node.name, shares) for node, shares in places)


def _take_gpus(node: Node, count: int) -> tuple[int, ...]:
    ids = tuple(number for number in range(node.capacity.gpus) if number not in node.gpus_in_use)[:count]
    node.gpus_in_use.update(ids)
    return ids
