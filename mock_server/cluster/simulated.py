"""The simulated cluster: a deterministic backend that needs neither threads nor real time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import NotFoundError, StateError
from mock_server.cluster.job import ArrayTask, JobState
from mock_server.cluster.layout import PartitionInfo
from mock_server.cluster.lifecycle import Lifecycle
from mock_server.cluster.node import Cluster, ScalePolicy
from mock_server.cluster.reading import Reading
from mock_server.cluster.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.cluster.job import IdForm, Job, JobRequest, Resources
    from mock_server.cluster.layout import Account, Association
    from mock_server.cluster.node import Node
    from mock_server.cluster.seeding import Past

HISTORY_LIMIT = 200_000

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


class SimulatedCluster(Reading):
    """A ``ClusterBackend`` that lives on its own clock, which only ``advance`` moves.

    The same seed and the same calls give the same history, byte for byte.  The commands are coroutines for the port's
    sake and never suspend.  The first cluster added is the default one.
    """

    def __init__(
        self,
        *,
        now: float,
        seed: int = 0,
        id_factories: Mapping[IdForm, Callable[[int], str]] | None = None,
        history_limit: int = HISTORY_LIMIT,
    ) -> None:
        super().__init__(now=now, seed=seed, id_factories=id_factories or {}, history_limit=history_limit)
        self._lifecycle = Lifecycle(self._agenda, self._history, self._tallies)
        self._seed = seed

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
        features: tuple[str, ...] = (),
        gpu_type: str | None = None,
        partition: bool = True,
    ) -> Cluster:
        """Add a cluster of ``nodes`` equal nodes, ready for use; they are called ``<name>-001`` and so on.

        Its partition is called as it is and has all its nodes, unless ``partition`` is false and others will be added.
        """
        created = self.now if created_at is None else created_at
        policy = ScalePolicy(nodes=nodes)
        cluster = Cluster(id, name, provider, region, node_shape, created, created, scaling=policy)
        cluster.features, cluster.gpu_type = features, gpu_type
        site = Site(
            cluster,
            self._agenda,
            self._history,
            self._lifecycle,
            seed=self._seed,
            node_name=node_name or (name + "-{:03d}").format,
        )
        site.fleet.found(nodes)
        self._facility.add(site)
        if partition:
            self._facility.add_partition(PartitionInfo(name, cluster))
        return cluster

    def add_partition(
        self,
        name: str,
        cluster_id: str,
        members: tuple[str, ...] | None = None,
        **limits: Any,
    ) -> PartitionInfo:
        """Name a set of a cluster's nodes, ``None`` for all; ``limits`` are the other fields of ``PartitionInfo``."""
        partition = PartitionInfo(name, self.cluster(cluster_id), members, **limits)
        self._facility.add_partition(partition)
        return partition

    def add_account(self, account: Account, *associations: Association) -> None:
        """Add an account, and who may use it."""
        self._facility.accounts[account.name] = account
        self._facility.associations += associations

    def adopt(self, job_id: str, request: JobRequest, past: Past) -> Job:
        """Add a job with a past.  That leaves no events; a running job needs free nodes and goes on from now."""
        past.check(self.now)
        if job_id in self._registry.jobs:
            raise ValueError(f"a job with id {job_id!r} exists")
        partition = self._facility.partition_for(request)
        site = self._facility.sites[partition.cluster_id]
        site.check(request)
        account = self._facility.account_for(request)
        job = past.job(job_id, self._registry.number(), partition, request, account)
        site.reserve(job)
        self._registry.add(job)
        site.resume(job, past.runs_for)
        self._settle()
        return job

    async def submit(self, request: JobRequest) -> Job:
        """Take a job in.  A user's repeated idempotency key returns the first job unless that has been deleted."""
        repeated = self._registry.repeated(request)
        if repeated is not None:
            return repeated
        partition = self._facility.partition_for(request)
        site = self._facility.sites[partition.cluster_id]
        site.check(request)
        account = self._facility.account_for(request)
        job_id = self._registry.new_id(request.id_form)
        if request.array:
            tasks = [ArrayTask(job_id, number) for number in request.array]
            jobs = [self._create(f"{job_id}_{task.task_id}", request, partition, account, task) for task in tasks]
        else:
            jobs = [self._create(job_id, request, partition, account)]
        for job in jobs:
            site.submit(job)
            self._lifecycle.created(job)
        return jobs[0]

    async def cancel(self, job_id: str, reason: str | None = None) -> Job:
        job = self.job(job_id)
        if job.state is not JobState.CANCELLED:
            self._refuse_terminal(job, "cancelled")
            self._site_of(job).cancel(job, reason)
            self._settle()
        return job

    async def delete(self, job_id: str) -> None:
        job = self.job(job_id)
        if not job.state.is_terminal:
            await self.cancel(job_id)
        self._lifecycle.deleted(job)  # first, so that listeners can still look at it
        self._registry.remove(job)

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
            self._site_of(job).reprioritize(job)
            self._settle()
        return job

    async def hold(self, job_id: str) -> Job:
        job = self.job(job_id)
        self._refuse_terminal(job, "held")
        if not job.held:
            self._site_of(job).hold(job)
            self._settle()
        return job

    async def release(self, job_id: str) -> Job:
        job = self.job(job_id)
        self._refuse_terminal(job, "released")
        if job.held:
            self._site_of(job).release(job)
            self._settle()
        return job

    async def scale(self, id_or_name: str, policy: ScalePolicy) -> Cluster:
        cluster = self.cluster(id_or_name)
        self._facility.sites[cluster.id].autoscaler.apply(policy)
        self._settle()
        return cluster

    async def fail_node(self, cluster_id: str, node_name: str, reason: str) -> None:
        site, node = self._node(cluster_id, node_name)
        jobs = sorted(map(self.job, node.running), key=lambda job: job.number)
        site.fail_node(node, reason, jobs)
        self._settle()

    async def restore_node(self, cluster_id: str, node_name: str) -> None:
        site, node = self._node(cluster_id, node_name)
        site.fleet.restore(node)
        self._settle()

    async def drain_node(self, cluster_id: str, node_name: str, reason: str) -> None:
        site, node = self._node(cluster_id, node_name)
        site.fleet.drain(node, reason)
        self._settle()

    def advance(self, now: float) -> None:
        """Let everything happen that is due until ``now``; an instant that has passed already changes nothing."""
        self._agenda.run(now)

    def run_until_idle(self) -> None:
        """Advance from event to event until nothing more happens by itself."""
        self._agenda.run_until_idle()

    def _create(
        self,
        job_id: str,
        request: JobRequest,
        partition: PartitionInfo,
        account: str | None,
        task: ArrayTask | None = None,
    ) -> Job:
        return self._registry.create(job_id, request, partition, self.now, account=account, array=task)

    def _site_of(self, job: Job) -> Site:
        return self._facility.sites[job.cluster_id]

    def _node(self, cluster_id: str, node_name: str) -> tuple[Site, Node]:
        cluster, node = self.node(node_name)
        if cluster is not self.cluster(cluster_id):
            raise NotFoundError("node", node_name)
        return self._facility.sites[cluster.id], node

    def _refuse_terminal(self, job: Job, action: str) -> None:
        if job.state.is_terminal:
            raise StateError(f"Job {job.id!r} is {job.state.value} and cannot be {action}")

    def _settle(self) -> None:
        """Let what a command has set off at this instant happen before the caller looks."""
        self._agenda.run(self.now)
