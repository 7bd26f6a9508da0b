"""Jobs that have failed and may try again: Slurm takes them back under the same number.

Rule 1: a retry is decided on, written down and told as soon as Slurm lists a failure; nobody hears of an end.
Rule 2: Slurm is asked to take the job back, held, until it has; only a list after that shows a run that is new.
Rule 3: a run is known by when it began, so one that was counted before, also by an earlier server, is not counted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.backoff import backoff
from mock_server.cluster.job import JobState
from mock_server.cluster.slurm import deadlines, states
from mock_server.cluster.slurm.gate import BACKOFF
from mock_server.cluster.slurm.leaving import Leaving
from mock_server.cluster.slurm.records import expand

if TYPE_CHECKING:
    from mock_server.cluster.history import History
    from mock_server.cluster.job import Job
    from mock_server.cluster.slurm.memory import Memory
    from mock_server.cluster.slurm.records import JobRecord

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})
_RETRIED = frozenset({"FAILED", "TIMEOUT", "OUT_OF_MEMORY"})


class Retrying(Leaving):
    """``owed`` are the jobs that Slurm has to be asked to take back, each with what it says of the run that failed."""

    def __init__(self, cluster_id: str, history: History, memory: Memory, directory: str | None = None) -> None:
        super().__init__(cluster_id, history, memory, directory)
        self.can_retry = True
        self.owed: dict[str, JobRecord] = {}
        self._acted_at: dict[str, float] = {}
        self.asked_at = 0.0

    def acted(self, job: Job, now: float) -> None:
        """Note that Slurm has just done something to a job, of which a list from before knows nothing."""
        self._acted_at[job.id] = now

    def let_go(self, job: Job) -> None:
        """Note that nothing keeps a job back any more, lest it be taken for one that has yet to come back."""
        if job.reason == BACKOFF:
            job.reason = None
            self._dirty[job.id] = job

    def give_up(self, job: Job, now: float) -> None:
        """End a job that Slurm does not take back with the failure that it has had."""
        record = self.owed.pop(job.id)
        job.retries -= 1
        (job.started_at, _), job.earlier_runs = job.earlier_runs[-1], job.earlier_runs[:-1]
        job.allocation = allocation(job, record)
        could, self.can_retry = self.can_retry, False
        try:
            self._finish(job, record, states.job_state(record), now)
        finally:
            self.can_retry = could

    def _forget(self, job: Job) -> None:
        super()._forget(job)
        self.owed.pop(job.id, None)
        self._acted_at.pop(job.id, None)

    def _counts_itself(self, job: Job) -> bool:
        """Tell whether the server knows better than Slurm, which it has hold a job, since when that could compete."""
        return job.queue is not None or job.retries > 0

    def _finish(self, job: Job, record: JobRecord, state: JobState, now: float) -> None:
        raise NotImplementedError

    def _runs_again(self, job: Job, record: JobRecord, now: float) -> bool:
        """Let a job that has failed try again, if it may."""
        is_failure = record.state in _RETRIED or deadlines.was_late(job, record)
        if not self.can_retry or not is_failure or job.started_at is None or job.array is not None:
            return False
        if job.retries >= job.request.max_retries:
            return False
        pause = backoff(job.request.backoff_multiplier, job.retries)
        job.retries += 1
        job.earlier_runs = (*job.earlier_runs, (job.started_at, max(job.started_at, float(record.ended))))
        job.started_at, job.allocation = None, ()
        job.queued_at, job.eligible_at, job.reason = now, now + pause, BACKOFF
        self.owed[job.id] = record
        self.gate.returning.add(job.id)
        self.lines.enter(job)
        self._move(job, JobState.QUEUED, "job.retrying", now, retries=job.retries, at=job.eligible_at)
        return True

    def _begins_anew(self, job: Job, record: JobRecord) -> bool:
        """Tell whether an operator has had Slurm run a job again that had ended (``scontrol requeue``)."""
        if job.ended_at is None or not record.restarts or states.job_state(record).is_terminal:
            return False
        return record.submitted >= int(job.ended_at)

    def _begin_anew(self, job: Job, record: JobRecord, now: float) -> None:
        """Follow such a job on."""
        self.finished.discard(record.job_id)
        self.unmeasured.pop(job.id, None)
        self.active[job.id] = job
        self._accounts[job.id] = record.user
        if job.started_at is not None and job.ended_at is not None:
            job.earlier_runs = (*job.earlier_runs, (job.started_at, job.ended_at))
        job.started_at = job.ended_at = job.exit_code = job.signal = job.reason = job.cancel_reason = None
        job.allocation, job.log.closed = (), False
        job.queued_at = job.eligible_at = now
        job.restarts += 1
        self.lines.enter(job)
        self._move(job, JobState.QUEUED, "job.requeued", now)

    def _tells_of_the_past(self, job: Job, record: JobRecord) -> bool:
        """Tell whether a record is of a run that has been counted; such a job has yet to be taken back."""
        if (
            job.state not in _WAITING
            or not job.retries
            or not job.earlier_runs
            or not record.nodes  # it was cancelled while it waited
            or not states.job_state(record).is_terminal
        ):
            return False
        first, last = job.earlier_runs[-1]
        is_past = max(job.created_at, float(record.started)) <= first and float(record.ended) <= last
        if is_past:
            self.owed[job.id] = record
        return is_past


def allocation(job: Job, record: JobRecord) -> tuple[tuple[str, int], ...]:
    """Return the nodes of a job with the number of its shares on each."""
    names = expand(record.nodes)
    each, more = divmod(job.request.shares, max(1, len(names)))
    return tuple((name, max(1, each + (index < more))) for index, name in enumerate(names))
