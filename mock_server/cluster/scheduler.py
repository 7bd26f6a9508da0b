"""The scheduler of one cluster: by priority, first come, first served, or with backfill.

Rule 1: higher priority first, see ``priority``, then the order of submission.
Rule 2: the first job of a partition that has to wait for nodes keeps all nodes of the partition from those behind it.
Rule 3: a job that no free node could help steps aside until the cluster is changed, see ``obstacles``.
Rule 4: a job over a limit, see ``limits``, waits for others of its kind to end, and keeps nothing from anybody.
Rule 5: with backfill rule 2 holds until somebody has to wait; then others may overtake by the rules of ``planning``.
Rule 6: a running job is stopped for another one only by the rules of ``preemption``, and only if that is switched on.
"""

from __future__ import annotations

from heapq import heappop, heapreplace
from typing import TYPE_CHECKING

from mock_server.cluster import placement
from mock_server.cluster.backfill import Backfill
from mock_server.cluster.job import JobState
from mock_server.cluster.obstacles import Obstacles
from mock_server.cluster.queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_server.cluster.accounting import Ledger
    from mock_server.cluster.core import Core
    from mock_server.cluster.executor import Executor
    from mock_server.cluster.job import Job
    from mock_server.cluster.limits import Limit
    from mock_server.cluster.node import Cluster, Node
    from mock_server.cluster.preemption import Preemption
    from mock_server.cluster.queue import Lane, LaneKey

RANKING_SECONDS = 60.0
"""How old an order by age, size or fair share may become."""

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


class Scheduler:
    """Takes jobs in, gives them nodes, takes the nodes back."""

    def __init__(self, cluster: Cluster, core: Core, ledger: Ledger, after_pass: Callable[[], None]) -> None:
        facility = core.facility
        self.queue = JobQueue(core.ranking, core.limits.of)
        self.obstacles = Obstacles(cluster, facility.partitions, facility.qos)
        policy = core.policy
        self.backfill = None if policy is None else Backfill(policy, cluster, facility.partitions, core.limits)
        self.aside: dict[str, Job] = {}
        self.arrivals: dict[float, list[Job]] = {}
        self.executor: Executor
        self.preemption: Preemption | None = None
        self._cluster = cluster
        self._core = core
        self._partitions = facility.partitions
        self._limits = core.limits
        self._is_fair = core.ranking.weights.fair_share > 0
        self._agenda = core.agenda
        self._ledger = ledger
        self._after_pass = after_pass
        self._planned: set[float] = set()
        self._ranked_at = core.agenda.now
        self._passing = False
        self._again = False
        self._changed = False
        self._limited: dict[LaneKey, str] = {}
        self._waiting: dict[int, Job] = {}
        core.limits.watch(self._room_again)

    def arrive(self, job: Job, at: float) -> None:
        """Consider a job from ``at`` on, unless it is held by then."""
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
        """Look again at all jobs, because the nodes of the cluster have changed."""
        self._changed = True
        if self.backfill is not None:
            self.backfill.forget()
        self.plan(self._agenda.now)

    def plan(self, at: float) -> None:
        """Have a scheduling pass at ``at``, one however often it is asked for."""
        if self._passing and at <= self._agenda.now:
            self._again = True
        elif at not in self._planned:
            self._planned.add(at)
            self._agenda.schedule(at, self._pass)

    def place(self, job: Job, kept: set[Node] | None = None) -> bool:
        """Give the job nodes of its partition that are free at this moment, none of them ``kept`` for others."""
        places = placement.find(self.candidates(job, kept), job.request)
        if places is not None:
            placement.allocate(job, places, self._agenda.now)
        return places is not None

    def take(self, job: Job, limits: tuple[Limit, ...]) -> None:
        """Book a job that has got its nodes, under the limits that it counts for."""
        self._limits.begin(limits)
        if self._is_fair:
            self._core.ranking.allocate(job, 1)

    def free(self, job: Job) -> list[Node]:
        """Take the job's nodes back."""
        now = self._agenda.now
        nodes = placement.release(job, self._cluster.nodes, now)
        self._ledger.allocate(now, job.request, -1)
        if self._is_fair:
            self._core.ranking.allocate(job, -1)
        if self._limits.running:
            self._limits.end(job)
        # A pass that has had nobody wait yet will see for itself.
        if not self._passing or self._waiting or self._limited:
            self.plan(now)
        return nodes

    def demand(self) -> list[tuple[Lane, int]]:
        """Return the lanes that wait for nodes and could use new ones, each with how many nodes are not for it."""
        lanes = [lane for lane in self.queue.lanes.values() if lane.key not in self._limited]
        pairs = [(lane, self._partitions[lane.partition]) for lane in lanes]
        total = len(self._cluster.nodes)
        return [(lane, total - len(partition.node_names)) for lane, partition in pairs if partition.grows]

    def _pass(self) -> None:
        now = self._agenda.now
        self._planned.discard(now)
        before, self._waiting = self._waiting, {}
        self._limited = {}
        self._passing, self._again = True, False
        try:
            if self._changed:
                self._changed = False
                self._sort_out()
            arrived = self._take_arrivals()
            if not self._core.ranking.is_steady and now >= self._ranked_at + RANKING_SECONDS:
                self._ranked_at = now
                self.queue.rerank()
            self._start_jobs()
        finally:
            self._passing = False
        for job in tuple(self._waiting.values()):
            if job in self.queue:
                self._note(job, "Resources")
        for job in (*before.values(), *arrived):
            if job in self.queue and job.number not in self._waiting:
                self._note(job, self._limited.get(self.queue.key(job), "Priority"))
        if self._again:
            self.plan(now)
        self._after_pass()

    def _take_arrivals(self) -> list[Job]:
        now = self._agenda.now
        arrived: list[Job] = []
        for job in self.arrivals.pop(now, ()):
            # It may have been held, cancelled, or put off until later.
            if job.state not in _WAITING or job.held or job.eligible_at is None or job.eligible_at > now:
                continue
            if job.id in self.aside:
                continue
            arrived.append(job)
            if (reason := self.obstacles.of(job)) is None:
                self.queue.add(job)
            else:
                self._set_aside(job, reason)
        return arrived

    def _sort_out(self) -> None:
        """Look again at what is in the way of whom."""
        for job in tuple(self.aside.values()):
            reason = self.obstacles.of(job)
            # A listener may have cancelled the job by now.
            if reason is None and self.aside.pop(job.id, None) is not None:
                self.queue.add(job)
                self._note(job, "Priority")
            elif reason is not None and job.id in self.aside:
                self._note(job, reason)
        for job in tuple(self.queue):
            if (reason := self.obstacles.of(job)) is not None and job in self.queue:
                self._set_aside(job, reason)

    def _start_jobs(self) -> None:
        backfill = self.backfill
        if backfill is None or not backfill.reservations:
            self._start_from_heads()
        if backfill is not None and (backfill.reservations or self._waiting):
            self._start_by_plan(backfill)

    def _start_by_plan(self, backfill: Backfill) -> None:
        """Start whom the plan lets start, who may be anybody in the queue."""
        backfill.look()
        decision = backfill.plan(self._agenda.now, self.queue, self.executor.processes.values())
        self._waiting = {job.number: job for job in decision.heads}
        for job, places in decision.starts:
            # A listener may have cancelled the job by now, or taken its nodes.
            if job in self.queue and placement.still_fits(places, job.request):
                placement.allocate(job, places, self._agenda.now)
                self.queue.discard(job)
                self._start(job, self._limits.of(job))
            # One that has ended already makes room that the plan does not know of.
            self._again |= job.state is not JobState.RUNNING
        if self.preemption is not None:
            self._preempt_by_plan(backfill, decision.heads)
        self._limited = {}
        for (_, _, job), lane in self.queue.heads():
            if (reason := self._limits.exceeded(job, lane.limits)) is not None:
                self._limited[lane.key] = reason
                self._note(job, reason)

    def _preempt_by_plan(self, backfill: Backfill, heads: list[Job]) -> None:
        """Let the first job that can take nodes from others have them; the rest is for a new plan."""
        kept: set[Node] = set()
        for job in heads:
            limits = self._limits.of(job)
            may = job in self.queue and self._limits.exceeded(job, limits) is None
            if may and self._preempts(job, kept):
                self.queue.discard(job)
                del self._waiting[job.number]
                backfill.start_over()
                self._again = True
                self._start(job, limits)
                break
            kept.update(self.candidates(job))

    def _preempts(self, job: Job, kept: set[Node]) -> bool:
        """Take nodes from less important jobs, if that helps; tell whether the job has got them."""
        cleared = self.preemption is not None and self.preemption.clear(job, self.candidates(job, kept))
        return cleared and job in self.queue and self.place(job, kept)

    def _set_aside(self, job: Job, reason: str) -> None:
        self.queue.discard(job)
        self.aside[job.id] = job
        self._note(job, reason)

    def _start_from_heads(self) -> None:
        """Start the first job of all lanes, again and again, until every lane has to wait."""
        kept: set[Node] = set()
        closed: set[str] = set()
        heads = self.queue.heads()
        while heads:
            entry, lane = heads[0]
            first = lane.first()
            if first is None or lane.partition in closed:
                heappop(heads)
                continue
            if first is not entry and len(heads) > 1:
                heapreplace(heads, (first, lane))
                continue
            job = first[2]
            if lane.limits and (reason := self._limits.exceeded(job, lane.limits)) is not None:
                self._limited[lane.key] = reason
                self._note(job, reason)
                heappop(heads)
            elif self.place(job, kept) or self._preempts(job, kept):
                self.queue.discard(job)
                self._start(job, lane.limits)
            else:
                closed.add(lane.partition)
                kept.update(self.candidates(job))
                self._waiting[job.number] = job

    def _start(self, job: Job, limits: tuple[Limit, ...]) -> None:
        core, now = self._core, self._agenda.now
        self._ledger.allocate(now, job.request, 1)
        if not job.earlier_runs:
            self._ledger.begin(now)
        if limits or self._is_fair:
            self.take(job, limits)
        core.lifecycle.started(job)
        if core.dependencies.unmet:
            core.dependencies.progressed(job)
        # A listener may have cancelled the job by now.
        if job.state is JobState.RUNNING:
            self.executor.start(job)

    def candidates(self, job: Job, kept: set[Node] | None = None) -> Iterable[Node]:
        """Return the nodes of the job's partition, none of them ``kept`` for others."""
        partition = self._partitions[job.partition]
        nodes = self._cluster.nodes.values() if partition.members is None else partition.nodes()
        return [node for node in nodes if node not in kept] if kept else nodes

    def _room_again(self) -> None:
        if self.queue.lanes:
            self.plan(self._agenda.now)

    def _note(self, job: Job, reason: str) -> None:
        if job.state is JobState.PENDING:
            self._core.lifecycle.queued(job, reason)
        elif job.state is JobState.QUEUED:
            self._core.lifecycle.waiting(job, reason)
