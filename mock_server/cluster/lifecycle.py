"""Every visible change of a job: state, timestamps and event in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import TERMINAL, Job, JobState

if TYPE_CHECKING:
    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.history import History
    from mock_server.cluster.lines import Lines
    from mock_server.cluster.statistics import Tallies

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})

# A requeue after a failure is the only way back.
SUCCESSORS: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.QUEUED, JobState.RUNNING, JobState.CANCELLED}),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}),
    JobState.COMPLETED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

# One text for all events: reading the value of a member and formatting are slow, and each would be a copy to keep.
_WORDS = {state: state.value for state in JobState}
_ENDINGS = {state: f"job.{state.value}" for state in TERMINAL}

# Two changes within one instant still get different times, so that a reader can tell them apart.
_TICK = 1e-6


class Lifecycle:
    """Moves jobs along the graph of states and records each step."""

    def __init__(self, agenda: Agenda, history: History, tallies: Tallies, lines: Lines) -> None:
        self._agenda = agenda
        self._history = history
        self._tallies = tallies
        self._lines = lines

    def adopted(self, job: Job) -> None:
        """Count what has become of a job so far."""
        self._tallies.submitted(job, job.created_at)
        if job.state in _WAITING:
            self._lines.enter(job)
        if job.started_at is not None:
            self._tallies.started(job, job.started_at)
        if job.ended_at is not None:
            self._tallies.ended(job, job.ended_at, job.state)

    def created(self, job: Job) -> None:
        self._tallies.submitted(job, self._agenda.now)
        if job.request.queue is not None:
            self._lines.enter(job)
        self._history.record(self._agenda.now, "job.created", job.id, {"state": _WORDS[job.state]})

    def queued(self, job: Job, reason: str) -> None:
        job.queued_at = self._agenda.now
        job.reason = reason
        self._move(job, JobState.QUEUED, "job.updated")

    def waiting(self, job: Job, reason: str) -> None:
        """Note why a job that has not started waits."""
        if job.reason != reason:
            job.reason = reason
            self.changed(job)

    def started(self, job: Job) -> None:
        job.started_at = self._agenda.now
        job.reason = None
        self._tallies.started(job, self._agenda.now)
        self._move(job, JobState.RUNNING, "job.started")

    def requeued(self, job: Job, begin: float) -> None:
        """Send a job back that has lost a node; it may start again at ``begin``."""
        job.restarts += 1
        self._rewind(job, begin)
        self._move(job, JobState.QUEUED, "job.requeued")

    def retrying(self, job: Job, begin: float) -> None:
        """Send a job back that has failed; it may start again at ``begin``."""
        job.retries += 1
        self._rewind(job, begin)
        self._move(job, JobState.QUEUED, "job.retrying", {"retries": job.retries, "at": begin})

    def exited(self, job: Job, status: int) -> None:
        job.exit_code = status
        job.reason = None if status == 0 else "NonZeroExitCode"
        self._end(job, JobState.COMPLETED if status == 0 else JobState.FAILED)

    def timed_out(self, job: Job, signal: int) -> None:
        job.signal = signal
        job.reason = "TimeLimit"
        self._end(job, JobState.FAILED)

    def cancelled(self, job: Job, reason: str | None, signal: int) -> None:
        if job.state is JobState.RUNNING:
            job.signal = signal
        job.reason = None
        job.cancel_reason = reason
        self._end(job, JobState.CANCELLED)

    def changed(self, job: Job, kind: str = "job.updated", **what: Any) -> None:
        """Record a change that leaves the state as it is."""
        self._touch(job)
        self._history.record(self._agenda.now, kind, job.id, {"state": _WORDS[job.state], **what})

    def deleted(self, job: Job) -> None:
        self._history.record(self._agenda.now, "job.deleted", job.id, {"state": _WORDS[job.state]})

    def _end(self, job: Job, state: JobState) -> None:
        job.ended_at = self._agenda.now
        job.log.closed = True
        # Counted before anybody is told, so that a listener finds the job among those that have ended.
        self._tallies.ended(job, self._agenda.now, state)
        self._move(job, state, _ENDINGS[state])

    def _rewind(self, job: Job, begin: float) -> None:
        job.queued_at = self._agenda.now
        job.eligible_at = begin
        if job.started_at is not None:
            job.earlier_runs = (*job.earlier_runs, (job.started_at, self._agenda.now))
        job.started_at = None
        job.allocation = ()
        job.gpu_ids = ()
        job.reason = "BeginTime"

    def _move(self, job: Job, state: JobState, kind: str, what: dict[str, Any] | None = None) -> None:
        previous = job.state
        if state not in SUCCESSORS[previous]:
            raise AssertionError(f"job {job.id} cannot go from {previous.value} to {state.value}")
        job.state = state
        if job.request.queue is not None:
            self._follow(job)
        self._touch(job)
        data: dict[str, Any] = {"state": _WORDS[state], "previous": _WORDS[previous]}
        if what is not None:
            data.update(what)
        self._history.record(self._agenda.now, kind, job.id, data)

    def _follow(self, job: Job) -> None:
        if job.state in _WAITING:
            self._lines.enter(job)
        else:
            self._lines.leave(job)

    def _touch(self, job: Job) -> None:
        now = self._agenda.now
        job.updated_at = now if now > job.updated_at else job.updated_at + _TICK
