"""The simulated cluster: a deterministic backend that needs neither threads nor real time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mock_server.cluster import signals
from mock_server.cluster.backend import NotFoundError, RequestError, StateError
from mock_server.cluster.founding import Founding
from mock_server.cluster.job import ArrayTask, JobState
from mock_server.cluster.node import NodeState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.layout import PartitionInfo, PartitionState
    from mock_server.cluster.node import Cluster, Node, ScalePolicy
    from mock_server.cluster.site import Site

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


class SimulatedCluster(Founding):
    """A ``ClusterBackend`` that lives on its own clock, which only ``advance`` moves.

    The same seed and the same calls give the same history, byte for byte.  The commands are coroutines for the port's
    sake and never suspend.  The first cluster added is the default one.
    """

    async def submit(self, request: JobRequest) -> Job:
        """Take a job in.  A user's repeated idempotency key returns the first job unless that has been deleted."""
        repeated = self._registry.repeated(request)
        if repeated is not None:
            return repeated
        partition = self._facility.partition_for(request)
        self._admission.check(request, partition)
        conditions = self._core.dependencies.resolve(request) if request.dependencies else ()
        terms = self._facility.terms_for(request, partition)
        now, create, job_id = self._agenda.now, self._registry.create, self._registry.new_id(request.id_form)
        if request.array:
            tasks = [ArrayTask(job_id, number) for number in request.array]
            jobs = [create(f"{job_id}_{task.task_id}", request, terms, now, array=task) for task in tasks]
        else:
            jobs = [create(job_id, request, terms, now)]
        site = self._facility.sites[partition.cluster.id]
        for job in jobs:
            if conditions:
                self._core.dependencies.watch(job, conditions)
            site.submit(job)
            self._lifecycle.created(job)
        return jobs[0]

    async def cancel(
        self, job_id: str, reason: str | None = None, *, signal: str = "SIGTERM", force: bool = False
    ) -> Job:
        number = signals.number(signal)
        jobs = self._jobs(job_id)
        active = [job for job in jobs if not job.state.is_terminal]
        if not active and any(job.state is not JobState.CANCELLED for job in jobs):
            self._refuse_terminal(jobs, "cancelled")
        for job in active:
            # One may have ended because of another.
            if not job.state.is_terminal:
                self._site_of(job).cancel(job, reason, number, force=force)
        self._settle()
        return jobs[0]

    async def recall(self, job_id: str) -> None:
        """Do nothing: whatever there was is in the view."""

    async def delete(self, job_id: str) -> None:
        jobs = self._jobs(job_id)
        if not all(job.state.is_terminal for job in jobs):
            await self.cancel(job_id, force=True)
        for job in jobs:
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

    async def set_priority(self, job_id: str, priority: int) -> Job:
        jobs = self._jobs(job_id)
        for job in self._active(jobs, "given another priority"):
            previous, job.priority = job.priority, priority
            self._lifecycle.changed(job, "job.priority", priority=priority, previous_priority=previous)
            self._site_of(job).reprioritize(job)
        self._settle()
        return jobs[0]

    async def hold(self, job_id: str, reason: str | None = None) -> Job:
        jobs = self._jobs(job_id)
        for job in self._active(jobs, "held"):
            if not job.held or reason not in {None, job.hold_reason}:
                self._site_of(job).hold(job, reason)
        self._settle()
        return jobs[0]

    async def release(self, job_id: str) -> Job:
        jobs = self._jobs(job_id)
        for job in self._active(jobs, "released"):
            if job.held:
                self._site_of(job).release(job)
        self._settle()
        return jobs[0]

    async def scale(self, id_or_name: str, policy: ScalePolicy) -> Cluster:
        cluster = self.cluster(id_or_name)
        site = self._facility.sites[cluster.id]
        site.autoscaler.apply(policy)
        # What the old range was too small for may fit into the new one, even if no node has come yet.
        site.scheduler.reconsider()
        self._settle()
        return cluster

    async def fail_node(self, cluster_id: str, node_name: str, reason: str) -> None:
        site, node = self._node(cluster_id, node_name)
        site.fail_node(node, reason, self._running(node))
        self._settle()

    async def restore_node(self, cluster_id: str, node_name: str) -> None:
        site, node = self._node(cluster_id, node_name)
        site.fleet.restore(node)
        self._settle()

    async def drain_node(self, cluster_id: str, node_name: str, reason: str, timeout: float | None = None) -> None:
        site, node = self._node(cluster_id, node_name)
        if timeout is not None and timeout < 0:
            raise RequestError("timeout", "timeout must not be negative")
        site.fleet.drain(node, reason)
        if timeout is not None and node.state is NodeState.DRAINING:
            node.empty_by = self.now + timeout
            self._agenda.schedule(node.empty_by, partial(self._evict, site, node))
        self._settle()

    def set_partition_state(self, name: str, state: PartitionState) -> PartitionInfo:
        """Open or close a partition; jobs that run there run on."""
        partition = self._facility.partition(name)
        partition.state = state
        self._facility.sites[partition.cluster_id].scheduler.reconsider()
        self._settle()
        return partition

    def advance(self, now: float) -> None:
        """Let everything happen that is due until ``now``; an instant that has passed already changes nothing."""
        self._agenda.run(now)

    def run_until_idle(self) -> None:
        """Advance from event to event until nothing more happens by itself."""
        self._agenda.run_until_idle()

    def _jobs(self, job_id: str) -> tuple[Job, ...]:
        """Return a job, or all tasks of an array."""
        return self._registry.array(job_id) if job_id in self._registry.arrays else (self.job(job_id),)

    def _active(self, jobs: tuple[Job, ...], action: str) -> list[Job]:
        active = [job for job in jobs if not job.state.is_terminal]
        if not active:
            self._refuse_terminal(jobs, action)
        return active

    def _refuse_terminal(self, jobs: tuple[Job, ...], action: str) -> None:
        job = next(job for job in jobs if job.state.is_terminal)
        raise StateError(f"Job {job.id!r} is {job.state.value} and cannot be {action}")

    def _running(self, node: Node) -> list[Job]:
        return sorted(map(self.job, node.running), key=lambda job: job.number)

    def _evict(self, site: Site, node: Node) -> None:
        if node.state is NodeState.DRAINING and node.empty_by is not None and node.empty_by <= self.now:
            site.evict(node, self._running(node))

    def _node(self, cluster_id: str, node_name: str) -> tuple[Site, Node]:
        cluster, node = self.node(node_name)
        if cluster is not self.cluster(cluster_id):
            raise NotFoundError("node", node_name)
        return self._facility.sites[cluster.id], node
