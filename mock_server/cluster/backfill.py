"""Plans the nodes of one cluster by a backfill policy: from jobs and nodes to plain data, and back."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.node import NodeState
from mock_server.cluster.profile import Claim, Profile

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from mock_server.cluster.executor import Process
    from mock_server.cluster.job import Job, Resources
    from mock_server.cluster.layout import PartitionInfo
    from mock_server.cluster.limits import Limits
    from mock_server.cluster.node import Cluster, Node
    from mock_server.cluster.placement import Place
    from mock_server.cluster.planning import Policy, Reservations
    from mock_server.cluster.profile import Amounts
    from mock_server.cluster.queue import JobQueue


class Decision(NamedTuple):
    """Who starts now and where, and who waits at the head of each partition."""

    starts: list[tuple[Job, list[Place]]]
    heads: list[Job]


class Backfill:
    """Keeps the reservations of one cluster from pass to pass, and shows them on its jobs and nodes."""

    def __init__(
        self, policy: Policy, cluster: Cluster, partitions: Mapping[str, PartitionInfo], limits: Limits
    ) -> None:
        self.reservations: Reservations = {}
        self._policy = policy
        self._cluster = cluster
        self._partitions = partitions
        self._limits = limits
        self._nodes: list[Node] = []
        self._numbers: dict[str, int] = {}
        self._ready = 0
        self._eligible: dict[str, int] = {}
        self._claims: dict[int, Claim] = {}
        self._predicted: list[Job] = []

    def look(self) -> None:
        """See which nodes there are; what they leave no longer true is forgotten."""
        nodes = list(self._cluster.nodes.values())
        if nodes != self._nodes:
            # Reservations know nodes by their numbers.
            self.reservations = {}
            self._nodes = nodes
            self._numbers = {node.name: number for number, node in enumerate(nodes)}
            self.forget()
        ready = sum(1 << number for number, node in enumerate(nodes) if node.state is NodeState.READY)
        if ready != self._ready:
            self._ready = ready
            self.forget()

    def forget(self) -> None:
        """Ask anew what jobs may have."""
        self._eligible.clear()
        self._claims.clear()

    def start_over(self) -> None:
        """Forget all reservations, as if nobody had waited before."""
        self.reservations = {}
        self._show({})

    def plan(self, now: float, queue: JobQueue, running: Iterable[Process]) -> Decision:
        """Plan the nodes that were seen last."""
        jobs = {job.number: job for job in queue}
        claims = [self._claims.get(number) or self._claim(job) for number, job in jobs.items()]
        profile = Profile(now, [_amounts(node.free, 1) for node in self._nodes], self._held(running))
        plan = self._policy(profile, claims, self.reservations, self._room(queue))
        self._claims = {claim.key: claim for claim in claims}
        self.reservations = plan.reservations
        heads = self._show(jobs)
        starts = [(jobs[key], [(self._nodes[node], count) for node, count in places]) for key, places in plan.starts]
        return Decision(starts, heads)

    def _claim(self, job: Job) -> Claim:
        request = job.request
        return Claim(
            key=job.number,
            share=_amounts(request.resources, 1),
            shares=request.shares,
            eligible=self._nodes_of(job.partition),
            limit=inf if job.time_limit is None else job.time_limit,
            lane=job.partition,
            packed=request.gang is not None,
            required=self._bits(request.required_nodes),
            counts=self._limits.of(job),
        )

    def _nodes_of(self, partition: str) -> int:
        eligible = self._eligible.get(partition)
        if eligible is None:
            names = self._partitions[partition].node_names
            eligible = self._eligible[partition] = self._bits(names) & self._ready
        return eligible

    def _bits(self, names: Iterable[str]) -> int:
        return sum(1 << self._numbers[name] for name in set(names) if name in self._numbers)

    def _held(self, running: Iterable[Process]) -> Iterator[tuple[float, int, Amounts]]:
        for process in running:
            wanted = process.job.request.resources
            for name, count in process.job.allocation:
                yield process.deadline, self._numbers[name], _amounts(wanted, count)

    def _room(self, queue: JobQueue) -> dict[Hashable, int]:
        return {
            limit: self._limits.room(next(iter(lane.entries.values()))[2], limit)
            for lane in queue.lanes.values()
            for limit in lane.limits
        }

    def _show(self, jobs: Mapping[int, Job]) -> list[Job]:
        """Note the reservations on jobs and nodes; return the first job of each partition that has one."""
        for job in self._predicted:
            job.predicted_start = None
        for node in self._nodes:
            node.planned = False
        self._predicted = [jobs[key] for key in self.reservations]
        heads: dict[str, Job] = {}
        for job, slot in zip(self._predicted, self.reservations.values(), strict=True):
            is_head = heads.setdefault(job.partition, job) is job
            if slot is not None and slot.start < inf:
                job.predicted_start = slot.start
                for number, _ in slot.nodes if is_head else ():
                    self._nodes[number].planned = True
        return list(heads.values())


def _amounts(resources: Resources, count: int) -> Amounts:
    return count * resources.cpus, count * resources.memory, count * resources.gpus
