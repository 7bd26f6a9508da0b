"""One cluster with everything that makes it work: queue, scheduler, nodes, processes and books."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mock_server.cluster.accounting import Ledger
from mock_server.cluster.autoscaler import Autoscaler
from mock_server.cluster.backend import StateError
from mock_server.cluster.backoff import backoff
from mock_server.cluster.executor import Executor
from mock_server.cluster.fleet import Fleet
from mock_server.cluster.job import JobState
from mock_server.cluster.preemption import Preemption
from mock_server.cluster.scheduler import Scheduler
from mock_server.cluster.signals import KILL

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.core import Core
    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Cluster, Node

DISPATCH_SECONDS = 0.1
"""How long a job stays pending before the scheduler looks at it for the first time."""

REQUEUE_SECONDS = 5.0
"""How long a job waits after its node has failed."""


class Site:
    """The parts of one cluster, and the moves that take several of them."""

    def __init__(self, cluster: Cluster, core: Core, *, node_name: Callable[[int], str]) -> None:
        self.cluster = cluster
        self.ledger = Ledger(cluster.created_at)
        self.scheduler = Scheduler(cluster, core, self.ledger, self._evaluate)
        self.fleet = Fleet(
            cluster,
            core.agenda,
            core.history,
            self.ledger,
            node_name=node_name,
            on_change=self.scheduler.reconsider,
            on_add=partial(core.facility.joined, cluster),
            load=core.load,
        )
        self.autoscaler = Autoscaler(cluster, core.agenda, core.history, self.fleet, self.scheduler.demand)
        self.executor = self.scheduler.executor = Executor(core.agenda, core.history, core.seed, self)
        if core.preempts:
            running = self.executor.processes
            self.scheduler.preemption = Preemption(core.facility.qos, running, self.make_way)
        self._core = core
        self._agenda = core.agenda
        self._lifecycle = core.lifecycle

    def submit(self, job: Job) -> None:
        """Take a new job in."""
        job.reason = self._prepare(job)

    def reserve(self, job: Job) -> None:
        """Give a job that runs already its nodes."""
        if job.state is JobState.RUNNING:
            if not self.scheduler.place(job):
                raise StateError(f"{self.cluster.name} has no free nodes for job {job.id!r}")
            self.scheduler.take(job, self._core.limits.of(job))

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

    def admit(self, job: Job) -> None:
        """Let a waiting job compete as soon as nothing but nodes keeps it from starting, and say what does."""
        reason = self._prepare(job, delay=0.0)
        if reason is None:
            job.reason = None
            self._lifecycle.changed(job)
        else:
            self._lifecycle.waiting(job, reason)

    def cancel(self, job: Job, reason: str | None, signal: int, *, force: bool) -> None:
        """End an active job, at once unless its script wants to know of the signal first."""
        running = job.state is JobState.RUNNING
        if running and not force and signal != KILL and self._warn(job, reason, signal):
            return
        self.scheduler.withdraw(job)
        nodes = self._stop(job) if running else []
        self._cancelled(job, reason, KILL if force else signal)
        self._vacate(nodes)

    def reprioritize(self, job: Job) -> None:
        """Move a job to the place in the queue that its priority now gives it."""
        if job in self._core.lines:
            self._core.lines.enter(job)
        if job in self.scheduler.queue:
            self.scheduler.enqueue(job)

    def hold(self, job: Job, reason: str | None) -> None:
        """Keep a job from starting; a running one runs on."""
        job.held, job.hold_reason = True, reason
        if job.state is not JobState.RUNNING:
            self.scheduler.withdraw(job)
            job.reason = self._prepare(job)
        self._lifecycle.changed(job, "job.held", reason=reason)

    def release(self, job: Job) -> None:
        """Let a held job compete again."""
        job.held, job.hold_reason = False, None
        if job.state is not JobState.RUNNING:
            job.reason = self._prepare(job)
        self._lifecycle.changed(job, "job.released")

    def fail_node(self, node: Node, reason: str, jobs: list[Job]) -> None:
        """Take a node down and requeue its jobs."""
        for job in jobs:
            self._requeue(job, f"Node {node.name} failed: {reason}", node)
        self.fleet.fail(node, reason)

    def evict(self, node: Node, jobs: list[Job]) -> None:
        """Requeue what still runs on a node that has been draining for too long."""
        for job in jobs:
            self._requeue(job, f"Node {node.name} had to be empty by now: {node.reason}", node)
        self.fleet.vacated(node)

    def make_way(self, job: Job, other: Job) -> None:
        """Requeue a job so that a more important one gets its nodes."""
        self._requeue(job, f"Preempted by job {other.id}")

    def exited(self, job: Job, status: int) -> None:
        """Settle a job whose command has ended."""
        nodes = self.scheduler.free(job)
        if status and self._retry(job, f"failed with exit code {status}"):
            self._vacate(nodes)
            return
        self.ledger.finish(self._agenda.now)
        self._lifecycle.exited(job, status)
        self._tell_dependents(job)
        self._vacate(nodes)

    def interrupted(self, job: Job, verdict: str, signal: int) -> None:
        """Settle a job that has been stopped at its time limit, or cancelled with time to clean up."""
        nodes = self.scheduler.free(job)
        if verdict == "cancelled":
            self._cancelled(job, job.cancel_reason, signal)
        elif not self._retry(job, "exceeded its time limit"):
            self.ledger.finish(self._agenda.now)
            self._lifecycle.timed_out(job, signal)
            self._tell_dependents(job)
        self._vacate(nodes)

    def _prepare(self, job: Job, delay: float = DISPATCH_SECONDS) -> str | None:
        """Set a waiting job on its way, and return what keeps it from competing."""
        now, begin = self._agenda.now, job.eligible_at
        reason = "JobHeldUser" if job.held else None
        if reason is None and self._core.dependencies.unmet:
            reason = self._core.dependencies.reason(job)
        if reason is not None:
            # The pause of a retry goes on while the job is held.
            job.eligible_at = begin if begin is not None and begin > now else None
            return reason
        if begin is not None and begin > now:
            self.scheduler.arrive(job, begin)
            return "BeginTime"
        if begin is None or begin < now:
            job.eligible_at = now
        self.scheduler.arrive(job, now + delay)
        return None

    def _warn(self, job: Job, reason: str | None, signal: int) -> bool:
        """Let the script of a cancelled job clean up, if it wants to; tell whether it does."""
        if self.executor.verdict(job) == "cancelled":
            return True
        before, job.cancel_reason = job.cancel_reason, reason
        if not self.executor.interrupt(job, signal, "cancelled"):
            job.cancel_reason = before
            return False
        if job.state is JobState.RUNNING:
            self._lifecycle.changed(job)
        return True

    def _cancelled(self, job: Job, reason: str | None, signal: int) -> None:
        if job.state is JobState.RUNNING or job.earlier_runs:
            self.ledger.finish(self._agenda.now)
        self._lifecycle.cancelled(job, reason, signal)
        self._tell_dependents(job)

    def _tell_dependents(self, job: Job) -> None:
        if self._core.dependencies.unmet:
            self._core.dependencies.progressed(job)

    def _retry(self, job: Job, failure: str) -> bool:
        """Send a failed job back if it may try again."""
        request = job.request
        if job.retries >= request.max_retries:
            return False
        pause = backoff(request.backoff_multiplier, job.retries)
        self._lifecycle.retrying(job, self._agenda.now + pause)
        self._go_back(job, f"Job {failure}. Retry {job.retries} of {request.max_retries} in {pause:g} s")
        return True

    def _requeue(self, job: Job, cause: str, staying: Node | None = None) -> None:
        verdict = self.executor.verdict(job)
        nodes = self._stop(job)
        if verdict == "cancelled":
            self._cancelled(job, job.cancel_reason, KILL)
        else:
            self._lifecycle.requeued(job, self._agenda.now + REQUEUE_SECONDS)
            self._go_back(job, f"{cause}. Job requeued, restart {job.restarts}")
        self._vacate([node for node in nodes if node is not staying])

    def _go_back(self, job: Job, text: str) -> None:
        # Whoever has heard of it may have cancelled the job.
        if not job.state.is_terminal:
            self.executor.say(job, text)
        if not job.state.is_terminal:
            reason = self._prepare(job)
            if reason != job.reason:
                job.reason = reason
                self._lifecycle.changed(job)

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
