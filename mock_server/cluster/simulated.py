"""The simulated cluster: a deterministic backend that needs neither threads nor real time."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mock_server.cluster.agenda import Agenda
from mock_server.cluster.backend import NotFoundError, RequestError, StateError
from mock_server.cluster.history import History
from mock_server.cluster.invariants import check_partition, check_registry
from mock_server.cluster.job import JobState
from mock_server.cluster.lifecycle import Lifecycle
from mock_server.cluster.node import Cluster, ScalePolicy
from mock_server.cluster.partition import Partition
from mock_server.cluster.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.cluster.event import Event
    from mock_server.cluster.job import Job, JobRequest, Resources
    from mock_server.cluster.node import Node
    from mock_server.cluster.seeding import Past
    from mock_server.cluster.usage import Usage

HISTORY_LIMIT = 200_000

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


class SimulatedCluster:
    """A ``ClusterBackend`` that lives on its own clock, which only ``advance`` moves.

    The same seed and the same calls give the same history, byte for byte.  The commands are coroutines for the port's
    sake and never suspend.  The first cluster added is the default one.
    """

    def __init__(
        self,
        *,
        now: float,
        seed: int = 0,
        id_factory: Callable[[int], str] | None = None,
        history_limit: int = HISTORY_LIMIT,
    ) -> None:
        self._partitions: dict[str, Partition] = {}
        self._agenda = Agenda(now)
        self._history = History(history_limit)
        self._lifecycle = Lifecycle(self._agenda, self._history)
        self._seed = seed
        self._registry = Registry(id_factory)
        self._clusters: dict[str, Cluster] = {}

    @property
    def now(self) -> float:
        """The instant up to which everything has happened."""
        return self._agenda.now

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by id, oldest first."""
        return MappingProxyType(self._registry.jobs)

    @property
    def clusters(self) -> Mapping[str, Cluster]:
        """All clusters by id."""
        return MappingProxyType(self._clusters)

    def add_cluster(
        self,
        *,
        id: str,
        name: str,
        provider: str,
        region: str,
        nodes: int,
        node_shape: Resources,
        created_at: float | None = None,
        node_name: Callable[[int], str] | None = None,
    ) -> Cluster:
        """Add a cluster of ``nodes`` equal nodes, ready for use; they are called ``<name>-001`` and so on."""
        if id in self._clusters or any(other.name == name for other in self._clusters.values()):
            raise ValueError(f"a cluster with id {id!r} or name {name!r} exists")
        created = self.now if created_at is None else created_at
        cluster = Cluster(id, name, provider, region, node_shape, created, created, scaling=ScalePolicy(nodes=nodes))
        partition = Partition(
            cluster,
            self._agenda,
            self._history,
            self._lifecycle,
            seed=self._seed,
            node_name=node_name or (name + "-{:03d}").format,
        )
        partition.fleet.found(nodes)
        self._clusters[id] = cluster
        self._partitions[id] = partition
        return cluster

    def adopt(self, job_id: str, request: JobRequest, past: Past) -> Job:
        """Add a job with a past.  That leaves no events; a running job needs free nodes and goes on from now."""
        past.check(self.now)
        if job_id in self._registry.jobs:
            raise ValueError(f"a job with id {job_id!r} exists")
        partition = self._partition_for(request)
        partition.check(request)
        job = past.job(job_id, self._registry.number(), partition.cluster.id, request)
        partition.reserve(job)
        self._registry.add(job)
        partition.resume(job, past.runs_for)
        self._settle()
        return job

    def job(self, job_id: str) -> Job:
        return self._registry.get(job_id)

    def cluster(self, id_or_name: str) -> Cluster:
        cluster = self._clusters.get(id_or_name)
        if cluster is None:
            cluster = next((other for other in self._clusters.values() if other.name == id_or_name), None)
        if cluster is None:
            raise NotFoundError("cluster", id_or_name)
        return cluster

    def usage(self, cluster_id: str, start: float, end: float) -> Usage:
        """Return the totals of a period, up to now; jobs that still run count with what they have used so far."""
        return self._partitions[self.cluster(cluster_id).id].ledger.usage(start, end, self.now)

    async def submit(self, request: JobRequest) -> Job:
        """Take a job in.  A user's repeated idempotency key returns the first job unless that has been deleted."""
        repeated = self._registry.repeated(request)
        if repeated is not None:
            return repeated
        partition = self._partition_for(request)
        partition.check(request)
        job = self._registry.create(request, partition.cluster.id, self.now)
        partition.submit(job)
        self._lifecycle.created(job)
        return job

    async def cancel(self, job_id: str, reason: str | None = None) -> Job:
        job = self.job(job_id)
        if job.state is not JobState.CANCELLED:
            self._refuse_terminal(job, "cancelled")
            self._partition_of(job).cancel(job, reason)
            self._settle()
        return job

    async def delete(self, job_id: str) -> None:
        job = self.job(job_id)
        if not job.state.is_terminal:
            await self.cancel(job_id)
        self._registry.remove(job)
        self._lifecycle.deleted(job)

    async def update(
        self,
        job_id: str,
        *,
        name: str | None = None,
        priority: int | None = None,
        environment: Mapping[str, str] | None = None,
        output_path: str | None = None,
    ) -> Job:
        job = self.job(job_id)
        if (environment is not None or output_path is not None) and job.state not in _WAITING:
            raise StateError(f"Job {job.id!r} is {job.state.value}; environment and output path are fixed at its start")
        job.name = job.name if name is None else name
        job.priority = job.priority if priority is None else priority
        job.environment = job.environment if environment is None else dict(environment)
        job.output_path = job.output_path if output_path is None else output_path
        if (name, priority, environment, output_path) != (None, None, None, None):
            self._lifecycle.changed(job)
            self._partition_of(job).reprioritize(job)
            self._settle()
        return job

    async def hold(self, job_id: str) -> Job:
        job = self.job(job_id)
        self._refuse_terminal(job, "held")
        if not job.held:
            self._partition_of(job).hold(job)
            self._settle()
        return job

    async def release(self, job_id: str) -> Job:
        job = self.job(job_id)
        self._refuse_terminal(job, "released")
        if job.held:
            self._partition_of(job).release(job)
            self._settle()
        return job

    async def scale(self, id_or_name: str, policy: ScalePolicy) -> Cluster:
        cluster = self.cluster(id_or_name)
        self._partitions[cluster.id].autoscaler.apply(policy)
        self._settle()
        return cluster

    async def fail_node(self, cluster_id: str, node_name: str, reason: str) -> None:
        partition, node = self._node(cluster_id, node_name)
        jobs = sorted(map(self.job, node.running), key=lambda job: job.number)
        partition.fail_node(node, reason, jobs)
        self._settle()

    async def restore_node(self, cluster_id: str, node_name: str) -> None:
        partition, node = self._node(cluster_id, node_name)
        partition.fleet.restore(node)
        self._settle()

    async def drain_node(self, cluster_id: str, node_name: str, reason: str) -> None:
        partition, node = self._node(cluster_id, node_name)
        partition.fleet.drain(node, reason)
        self._settle()

    def events(self, after: int = 0) -> list[Event]:
        """Return the events above ``after``; of a long history only the newest ``history_limit`` are kept."""
        return self._history.after(after)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return self._history.subscribe(listener)

    def advance(self, now: float) -> None:
        """Let everything happen that is due until ``now``; an instant that has passed already changes nothing."""
        self._agenda.run(now)

    def next_event_at(self) -> float | None:
        return self._agenda.next_at()

    def run_until_idle(self) -> None:
        """Advance from event to event until nothing more happens by itself."""
        self._agenda.run_until_idle()

    def check_invariants(self) -> None:
        """Raise ``AssertionError`` if the simulation contradicts itself."""
        check_registry(self._registry)
        for partition in self._partitions.values():
            check_partition(partition, self._registry.jobs, self.now)

    def _partition_for(self, request: JobRequest) -> Partition:
        if request.cluster_id is not None:
            return self._partitions[self.cluster(request.cluster_id).id]
        if not self._partitions:
            raise RequestError("cluster_id", "there is no cluster")
        return next(iter(self._partitions.values()))

    def _partition_of(self, job: Job) -> Partition:
        return self._partitions[job.cluster_id]

    def _node(self, cluster_id: str, node_name: str) -> tuple[Partition, Node]:
        cluster = self.cluster(cluster_id)
        node = cluster.nodes.get(node_name)
        if node is None:
            raise NotFoundError("node", node_name)
        return self._partitions[cluster.id], node

    def _refuse_terminal(self, job: Job, action: str) -> None:
        if job.state.is_terminal:
            raise StateError(f"Job {job.id!r} is {job.state.value} and cannot be {action}")

    def _settle(self) -> None:
        """Let what a command has set off at this instant happen before the caller looks."""
        self._agenda.run(self.now)
