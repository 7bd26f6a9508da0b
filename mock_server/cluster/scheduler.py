"""The scheduler of one cluster: first come, first served, by priority.

Rule 1: higher priority first, then the order of submission.
Rule 2: the head of the queue starts as soon as its nodes are free, and nobody overtakes it.
Rule 3: a job that the cluster is too small for steps aside until the cluster is resized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster import placement
from mock_server.cluster.job import JobState
from mock_server.cluster.queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.accounting import Ledger
    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.executor import Executor
    from mock_server.cluster.job import Job
    from mock_server.cluster.lifecycle import Lifecycle
    from mock_server.cluster.node import Cluster, Node

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


class Scheduler:
    """Takes jobs in, gives them nodes, takes the nodes back."""

    def __init__(
        self,
        cluster: Cluster,
        agenda: Agenda,
        lifecycle: Lifecycle,
        ledger: Ledger,
        after_pass: Callable[[], None],
    ) -> None:
        self.queue = JobQueue()
        self.aside: dict[str, Job] = {}
        self.arrivals: dict[float, list[Job]] = {}
        self.executor: Executor
        self._cluster = cluster
        self._agenda = agenda
        self._lifecycle = lifecycle
        self._ledger = ledger
        self._after_pass = after_pass
        self._planned: set[float] = set()
        self._passing = False

    def arrive(self, job: Job, delay: float) -> None:
        """Consider a job after ``delay`` seconds, unless it is held by then."""
        at = self._agenda.now + delay
        self.arrivals.setdefault(at, []).append(job)
        self.plan(at)

    def enqueue(self, job: Job) -> None:
        """Let a job compete for nodes, or give it the place that its changed priority asks for."""
        self.queue.add(job)
        self.plan(self._agenda.now)

    def withdraw(self, job: Job) -> None:
        """Take a job out of the competition."""
        self.queue.discard(job)
        self.aside.pop(job.id, None)
        self.plan(self._agenda.now)

    def reconsider(self) -> None:
        """Look again at all jobs, because the size of the cluster has changed."""
        for job in self.aside.values():
            self.queue.add(job)
        self.aside.clear()
        self.plan(self._agenda.now)

    def plan(self, at: float) -> None:
        """Have a scheduling pass at ``at``, one however often it is asked for."""
        if at not in self._planned and not (self._passing and at <= self._agenda.now):
            self._planned.add(at)
            self._agenda.schedule(at, self._pass)

    def place(self, job: Job) -> bool:
        """Give the job its nodes if they are free at this moment."""
        places = placement.find(self._cluster.nodes.values(), job.request)
        if places is not None:
            placement.allocate(job, places, self._agenda.now)
        return places is not None

    def free(self, job: Job) -> list[Node]:
        """Take the job's nodes back."""
        nodes = placement.release(job, self._cluster.nodes, self._agenda.now)
        self._ledger.allocate(self._agenda.now, job.request, -1)
        self.plan(self._agenda.now)
        return nodes

    def is_possible(self, job: Job) -> bool:
        """Tell whether the cluster is, or may grow to be, large enough for the job."""
        policy = self._cluster.scaling
        largest = policy.max_nodes if policy.nodes is None else policy.nodes
        return job.request.nodes <= (largest or 0)

    def _pass(self) -> None:
        self._planned.discard(self._agenda.now)
        self._passing = True
        try:
            arrived = self._take_arrivals()
            head = self._start_from_head()
        finally:
            self._passing = False
        if head is not None:
            self._note(head, "Resources")
        for job in arrived:
            if job in self.queue and job is not head:
                self._note(job, "Priority")
        self._after_pass()

    def _take_arrivals(self) -> list[Job]:
        arrived = [job for job in self.arrivals.pop(self._agenda.now, ()) if job.state in _WAITING and not job.held]
        for job in arrived:
            self.queue.add(job)
        return arrived

    def _start_from_head(self) -> Job | None:
        """Start jobs until one has to wait, and return that one."""
        while (job := self.queue.head()) is not None:
            if not self.is_possible(job):
                self.queue.discard(job)
                self.aside[job.id] = job
                self._note(job, "PartitionNodeLimit")
                continue
            if not self.place(job):
                return job
            self.queue.discard(job)
            self._start(job)
        return None

    def _start(self, job: Job) -> None:
        now = self._agenda.now
        self._ledger.allocate(now, job.request, 1)
        if job.restarts == 0:
            self._ledger.begin(now)
        self._lifecycle.started(job)
        # A listener may have cancelled the job by now.
        if job.state is JobState.RUNNING:
            self.executor.start(job)

    def _note(self, job: Job, reason: str) -> None:
        if job.state is JobState.PENDING:
            self._lifecycle.queued(job, reason)
        else:
            self._lifecycle.waiting(job, reason)
