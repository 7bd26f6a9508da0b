"""One cluster with everything that makes it work: queue, scheduler, nodes, processes and books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.accounting import Ledger
from mock_server.cluster.autoscaler import Autoscaler
from mock_server.cluster.backend import RequestError, StateError
from mock_server.cluster.executor import Executor
from mock_server.cluster.fleet import Fleet
from mock_server.cluster.job import JobState
from mock_server.cluster.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.history import History
    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.lifecycle import Lifecycle
    from mock_server.cluster.node import Cluster, Node

DISPATCH_SECONDS = 0.1
"""How long a job stays pending before the scheduler looks at it for the first time."""

REQUEUE_SECONDS = 5.0
"""How long a job waits after its node has failed."""

COMMAND_CHARACTERS = 65_536


class Site:
    """The parts of one cluster, and the moves that take several of them."""

    def __init__(
        self,
        cluster: Cluster,
        agenda: Agenda,
        history: History,
        lifecycle: Lifecycle,
        *,
        seed: int,
        node_name: Callable[[int], str],
    ) -> None:
        self.cluster = cluster
        self.ledger = Ledger(cluster.created_at)
        self.scheduler = Scheduler(cluster, agenda, lifecycle, self.ledger, self._evaluate)
        self.fleet = Fleet(
            cluster, agenda, history, self.ledger, node_name=node_name, on_change=self.scheduler.reconsider
        )
        self.autoscaler = Autoscaler(cluster, agenda, history, self.fleet, self.scheduler.queue)
        self.executor = self.scheduler.executor = Executor(agenda, history, seed, self)
        self._agenda = agenda
        self._lifecycle = lifecycle

    def check(self, request: JobRequest) -> None:
        """Refuse what no node of this cluster could ever run."""
        wanted, shape = request.resources, self.cluster.node_shape
        for field in ("cpus", "memory", "gpus"):
            amount, limit = getattr(wanted, field), getattr(shape, field)
            if amount < 0:
                raise RequestError(field, f"{field} must not be negative")
            if amount > limit:
                raise RequestError(field, f"{field}: {amount} requested, but a node of {self.cluster.name} has {limit}")
        if request.nodes < 1:
            raise RequestError("nodes", "nodes must be at least 1")
        if request.time_limit is not None and request.time_limit <= 0:
            raise RequestError("time_limit", "time_limit must be above 0")
        if len(request.command) > COMMAND_CHARACTERS:
            raise RequestError("command", f"command is longer than {COMMAND_CHARACTERS} characters")

    def submit(self, job: Job) -> None:
        """Take a new job in."""
        if job.held:
            job.reason = "JobHeldUser"
        self.scheduler.arrive(job, DISPATCH_SECONDS)

    def reserve(self, job: Job) -> None:
        """Give a job that runs already its nodes."""
        if job.state is JobState.RUNNING and not self.scheduler.place(job):
            raise StateError(f"{self.cluster.name} has no free nodes for job {job.id!r}")

    def resume(self, job: Job, runs_for: float | None) -> None:
        """Let a job with a past go on from where it stands, and book that past."""
        self._date_back(job.created_at)
        self._lifecycle.adopted(job)
        if job.started_at is not None:
            self.ledger.allocate(job.started_at, job.request, 1)
            self.ledger.begin(job.started_at)
        if job.started_at is not None and job.ended_at is not None:
            self.ledger.allocate(job.ended_at, job.request, -1)
            self.ledger.finish(job.ended_at)
        if job.state is JobState.RUNNING and runs_for is None:
            self.executor.start(job)
        elif job.state is JobState.RUNNING and runs_for is not None:
            self.executor.occupy(job, runs_for)
        elif not job.state.is_terminal:
            self.submit(job)

    def cancel(self, job: Job, reason: str | None) -> None:
        """End an active job."""
        was_running = job.state is JobState.RUNNING
        self.scheduler.withdraw(job)
        nodes = self._stop(job) if was_running else []
        if was_running or job.restarts:
            self.ledger.finish(self._agenda.now)
        self._lifecycle.cancelled(job, reason)
        self._vacate(nodes)

    def reprioritize(self, job: Job) -> None:
        """Move a job to the place in the queue that its priority now gives it."""
        if job in self.scheduler.queue:
            self.scheduler.enqueue(job)

    def hold(self, job: Job) -> None:
        """Keep a job from starting; a running one runs on."""
        job.held = True
        if job.state is not JobState.RUNNING:
            self.scheduler.withdraw(job)
            job.reason = "JobHeldUser"
        self._lifecycle.changed(job)

    def release(self, job: Job) -> None:
        """Let a held job compete again."""
        job.held = False
        if job.state is not JobState.RUNNING:
            job.reason = None
            self.scheduler.arrive(job, DISPATCH_SECONDS)
        self._lifecycle.changed(job)

    def fail_node(self, node: Node, reason: str, jobs: list[Job]) -> None:
        """Take a node down and requeue its jobs."""
        for job in jobs:
            others = [other for other in self._stop(job) if other is not node]
            self._lifecycle.requeued(job)
            self.executor.say(job, f"Node {node.name} failed: {reason}. Job requeued, restart {job.restarts}")
            if job.held:
                job.reason = "JobHeldUser"
            self.scheduler.arrive(job, REQUEUE_SECONDS)
            self._vacate(others)
        self.fleet.fail(node, reason)

    def exited(self, job: Job, status: int) -> None:
        """Settle a job whose command has ended."""
        nodes = self.scheduler.free(job)
        self.ledger.finish(self._agenda.now)
        self._lifecycle.exited(job, status)
        self._vacate(nodes)

    def timed_out(self, job: Job) -> None:
        """Settle a job that has been stopped at its time limit."""
        nodes = self.scheduler.free(job)
        self.ledger.finish(self._agenda.now)
        self._lifecycle.timed_out(job)
        self._vacate(nodes)

    def _stop(self, job: Job) -> list[Node]:
        # Between its start and its first step a job has nodes but no process yet.
        if job.id in self.executor.processes:
            self.executor.stop(job)
        return self.scheduler.free(job)

    def _vacate(self, nodes: list[Node]) -> None:
        for node in nodes:
            self.fleet.vacated(node)

    def _date_back(self, at: float) -> None:
        """Let the cluster and its nodes be as old as their oldest job."""
        cluster = self.cluster
        if at < cluster.created_at:
            for node in cluster.nodes.values():
                self.ledger.provide(at, node.capacity, 1)
                self.ledger.provide(cluster.created_at, node.capacity, -1)
                node.boot_time = min(node.boot_time, at)
            cluster.created_at = at

    def _evaluate(self) -> None:
        self.autoscaler.evaluate()
