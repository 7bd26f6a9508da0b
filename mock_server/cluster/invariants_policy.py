"""What must hold while a backfill policy plans a cluster, beside ``invariants``; each rule has a number.

I1 no node is promised more than it will have; I7 nobody waits beyond the start that was reserved; I11 nobody waits who
could run to its time limit on free nodes without touching what is reserved.  Worked out from the jobs and nodes alone,
without the profile that the policies plan with.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.job import Resources
from mock_server.cluster.node import NodeState
from mock_server.cluster.placement import fits
from mock_server.cluster.planning import DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.backfill import Backfill
    from mock_server.cluster.core import Core
    from mock_server.cluster.job import Job
    from mock_server.cluster.limits import Limits
    from mock_server.cluster.node import Node
    from mock_server.cluster.site import Site

LOOKED_AT = 50
"""How many waiting jobs are checked against I11, the first ones."""


class _Promise(NamedTuple):
    job: Job
    start: float
    end: float
    places: dict[str, int]


def check_policy(site: Site, core: Core, now: float) -> None:
    """Check the reservations of one cluster; nothing may be due at ``now`` any more."""
    backfill = site.scheduler.backfill
    if backfill is None:
        return
    waiting = list(site.scheduler.queue)
    nodes = list(site.cluster.nodes.values())
    promises = [
        _Promise(job, slot.start, slot.end, {nodes[number].name: count for number, count in slot.nodes})
        for job in waiting
        if (slot := backfill.reservations.get(job.number)) is not None
    ]
    processes = site.executor.processes.values()
    # A job that has been told to end and does not, or not yet, ends later than its limit says.
    if all(process.verdict is None and process.deadline > now for process in processes):
        for promise in promises:
            _require(promise.start > now, "I7", f"{promise.job.id} was to start at {promise.start}, and it is {now}")
            _check_nodes(promise, promises, site)
    for job in waiting[:LOOKED_AT]:
        if not _is_limited(job, promises, core.limits) and not _is_beyond(job, waiting, backfill):
            _check_waiting(job, promises, site, now)


def _check_nodes(promise: _Promise, promises: list[_Promise], site: Site) -> None:
    """Check the nodes of a promise at the instant at which it begins."""
    for name in promise.places:
        node = site.cluster.nodes[name]
        there = [(other.job, other.places.get(name, 0)) for other in promises if _is_on(other, promise.start)]
        for job_id in node.running:
            process = site.executor.processes[job_id]
            if process.deadline > promise.start:
                there.append((process.job, dict(process.job.allocation)[name]))
        left = _left(node.capacity, there)
        holds = min(left.cpus, left.memory, left.gpus) >= 0
        _require(holds, "I1", f"{name} is promised more than it has at {promise.start}")


def _check_waiting(job: Job, promises: list[_Promise], site: Site, now: float) -> None:
    others = [promise for promise in promises if promise.job is not job]
    # What never ends is still there after everything that can be foreseen.
    touched = [one for one in others if job.time_limit is None or one.start < now + job.time_limit]
    candidates = [node for node in site.scheduler.candidates(job) if node.state is NodeState.READY]
    rooms = {node.name: _room(node, job, touched) for node in candidates}
    if any(rooms.get(name, 0) < 1 for name in job.request.required_nodes):
        return
    usable = rooms.values() if job.request.gang is not None else [min(1, room) for room in rooms.values()]
    _require(sum(usable) < job.request.shares, "I11", f"{job.id} could run to its limit on free nodes")


def _is_limited(job: Job, promises: list[_Promise], limits: Limits) -> bool:
    """Tell whether a job waits for others of its kind, those among them that have a reservation."""
    reserved = Counter(limit for promise in promises if promise.job is not job for limit in limits.of(promise.job))
    return any(limits.room(job, limit) <= reserved[limit] for limit in limits.of(job))


def _is_beyond(job: Job, waiting: list[Job], backfill: Backfill) -> bool:
    """Tell whether so many are ahead of a job in its partition that it may not be looked at."""
    if job.number in backfill.reservations:
        return False
    place = waiting.index(job)
    return sum(other.partition == job.partition for other in waiting[:place]) >= DEPTH


def _room(node: Node, job: Job, touched: Iterable[_Promise]) -> int:
    """Return how many shares fit on a node beside all promises that the job would meet, as if they met each other."""
    left = _left(node.free, [(promise.job, promise.places.get(node.name, 0)) for promise in touched])
    return max(0, fits(left, job.request.resources)) if min(left.cpus, left.memory, left.gpus) >= 0 else 0


def _left(amounts: Resources, taken: Iterable[tuple[Job, int]]) -> Resources:
    cpus, memory, gpus = amounts.cpus, amounts.memory, amounts.gpus
    for job, count in taken:
        wanted = job.request.resources
        cpus, memory, gpus = cpus - count * wanted.cpus, memory - count * wanted.memory, gpus - count * wanted.gpus
    return Resources(cpus, memory, gpus)


def _is_on(promise: _Promise, at: float) -> bool:
    return promise.start <= at < promise.end or promise.start == at


def _require(holds: bool, rule: str, text: str) -> None:
    if not holds:
        raise AssertionError(f"{rule} violated: {text}")
