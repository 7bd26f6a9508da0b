"""All jobs the server knows of, brought up to date from what Slurm lists; each step becomes an event."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from mock_server.cluster.consumption import UNMEASURED
from mock_server.cluster.job import ArrayTask, Job, JobRequest, JobState
from mock_server.cluster.slurm import deadlines, states
from mock_server.cluster.slurm.identity import job_id, parse_tag, slurm_key
from mock_server.cluster.slurm.log import FileLog
from mock_server.cluster.slurm.records import numbers
from mock_server.cluster.slurm.retrying import Retrying, allocation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.slurm.doubts import Doubt
    from mock_server.cluster.slurm.identity import Tag
    from mock_server.cluster.slurm.records import JobRecord

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})
_TICK = 1e-6


class Roster(Retrying):
    """Brings the jobs to where Slurm has them."""

    _sized: tuple[JobRequest | None, JobRequest] = (None, JobRequest("", "", ""))

    def submitted(self, number: int, request: JobRequest, tag: Tag, partition: str, now: float, account: str) -> Job:
        """Add what Slurm has just taken in as job ``number``; of an array the first task is returned."""
        whole = job_id(tag.form, number)
        tasks = [ArrayTask(whole, task) for task in request.array]
        keys = [f"{number}_{task}" for task in request.array] or [str(number)]
        request = self.sharing.request(request)
        if tag.token not in self.by_token:
            self.displaced(tag.form, number, keys, now)
        self._forms[number] = tag.form
        jobs = [
            self._create(key, tag.form, request, partition, now, account, array=tasks[index] if tasks else None)
            for index, key in enumerate(keys)
            if job_id(tag.form, key) not in self.jobs
        ]
        for job in jobs:
            self.gate.see(job, tag)
            if tag.gate == "held":
                self.gate.marked(job, tag)
            self._record("job.created", job, now)
        first = self.jobs[job_id(tag.form, keys[0])]
        self.by_token[tag.token], self._tokens[first.id] = first.id, tag.token
        self.flush()
        return first

    def claim(self, doubt: Doubt, records: Iterable[JobRecord], now: float) -> bool:
        """Add the job of a submission without an answer; whether Slurm has it."""
        token = doubt.tag.token
        for record in records:
            found = parse_tag(record.comment)
            if found is not None and found.token == token and token not in self.by_token:
                number = record.array_job_id or record.job_id
                self.submitted(number, doubt.request, found, doubt.partition, now, doubt.account)
        return token in self.by_token

    def remember(self, asked: str, records: Iterable[JobRecord]) -> None:
        """Add a job or an array that ended long ago, if it has the id that was asked for; that is no news to anybody."""
        found = False
        for record in records:
            tag = parse_tag(record.comment)
            form = self._form(record.array_job_id or record.job_id, tag)
            own = job_id(form, record.key)
            is_asked = asked in {own, job_id(form, record.array_job_id)} and states.job_state(record).is_terminal
            if is_asked and own not in self.jobs:
                self._quiet.add(own)
                self._apply(record.key, record, tag, set(), float(record.ended))
                self._quiet.discard(own)
                found = True
                if own in self.jobs:
                    self._doubt_exit_code(self.jobs[own], record)
        if found:
            in_order = sorted(self.jobs.items(), key=lambda item: item[1].number)
            self.jobs.clear()
            self.jobs.update(in_order)
            self.flush()

    def cancelled(self, job: Job, now: float) -> None:
        """Note the end of a job that has failed in Slurm and shall not be taken back."""
        job.reason = None
        self._end(job, JobState.CANCELLED, now, now)

    def changed_by_hand(self, job: Job, kind: str, now: float, **what: Any) -> None:
        """Record a change that leaves the state as it is."""
        self._touch(job, now)
        self._record(kind, job, now, **what)

    def update(
        self, records: Iterable[JobRecord], now: float, in_flight: dict[str, JobRequest], asked_at: float
    ) -> None:
        """Take over a list of all jobs but the ``finished`` ones, as it was at ``asked_at``.

        Jobs whose submission is under way are left to it, and those that came later are not missed.
        """
        self.asked_at = asked_at
        covered: set[str] = set()
        cut_short: list[JobRecord] = []
        for record in sorted(records, key=lambda record: (record.submitted, record.job_id)):
            tag = parse_tag(record.comment)
            if tag is not None and tag.token in in_flight and tag.token not in self.by_token:
                continue
            if not record.array_job_id or record.array_task_id is not None or not record.waiting_tasks:
                self._apply(record.key, record, tag, covered, now)
            elif "..." in record.waiting_tasks:
                cut_short.append(record)
            else:
                for task in numbers(record.waiting_tasks):
                    self._apply(f"{record.array_job_id}_{task}", record, tag, covered, now)
        for record in cut_short:
            # Slurm does not list all tasks of a long array; those without a record of their own wait.
            whole = job_id(self._form(record.array_job_id, None), record.array_job_id)
            for job in self.arrays.get(whole, []):
                if job.id in self.active and job.id not in covered:
                    self._apply(slurm_key(job.id), record, None, covered, now)
        self.missing = [job for job in self.active.values() if job.id not in covered and job.created_at < asked_at]
        self._is_first = False
        self._quiet.clear()
        self.flush()

    def _apply(self, key: str, record: JobRecord, tag: Tag | None, covered: set[str], now: float) -> None:
        if key in self._deleted:
            self.finished.add(record.job_id)
            return
        form = self._form(record.array_job_id or record.job_id, tag)
        own = job_id(form, key)
        covered.add(own)
        job = self.jobs.get(own)
        if job is not None and self.is_another(job, record, tag):
            self.displaced(form, record.array_job_id or record.job_id, (), now)
            job = None
        if job is None:
            job = self._adopt(key, record, form, tag, now)
        if self._begins_anew(job, record):
            self._begin_anew(job, record, now)
        if job.id in self.active and self._acted_at.get(job.id, -inf) < self.asked_at:
            if self.gate.wants(job):
                self.gate.see(job, tag or self.tag(job))
            self._follow(job, record, now)
        if job.state.is_terminal and states.job_state(record).is_terminal:
            self.finished.add(record.job_id)
            if not record.array_job_id:
                self._forms.pop(record.job_id, None)  # it is not looked at again

    def _follow(self, job: Job, record: JobRecord, now: float) -> None:
        """Bring one job to where Slurm has it."""
        state = states.job_state(record)
        job.time_limit = self.sharing.same(deadlines.limit_of(job, record))
        job.account = record.account or job.account
        if state in _WAITING:
            self._waits(job, record, state, now)
            return
        if self._tells_of_the_past(job, record):
            return
        self._forget_place(job)
        if job.state in _WAITING and record.started and record.nodes:
            self._start(job, record, now)
        if state.is_terminal:
            self._finish(job, record, state, now)

    def _waits(self, job: Job, record: JobRecord, state: JobState, now: float) -> None:
        if job.state is JobState.RUNNING:
            self._requeue(job, now)
        self.owed.pop(job.id, None)
        held = record.priority == 0
        reason = states.waiting_reason(record)
        eligible = job.eligible_at
        if record.eligible and not held and not self._counts_itself(job):
            eligible = max(job.created_at, float(record.eligible))
        self.priorities[job.id] = record.priority
        if self.gate.holds(job, is_held=held):
            held, state, reason = False, JobState.QUEUED, self.gate.reason(job, now)
            del self.priorities[job.id]
        self.lines.enter(job)
        if (job.held, job.reason, job.state) == (held, reason, state):
            return
        previous, job.state = job.state, state
        job.held, job.reason, job.eligible_at = held, reason, eligible
        if state is JobState.QUEUED and job.queued_at is None:
            job.queued_at = now
        self._touch(job, now)
        self._record("job.updated", job, now, **({} if previous is state else {"previous": previous.value}))

    def _start(self, job: Job, record: JobRecord, now: float) -> None:
        job.allocation = self.sharing.same(allocation(job, record))
        # Slurm counts whole seconds, so a job may seem to have started before it was submitted.
        job.started_at = max(job.created_at, self.sharing.same(float(record.started)))
        if record.eligible and not self._counts_itself(job):
            job.eligible_at = min(job.started_at, max(job.created_at, float(record.eligible)))
        job.measured = UNMEASURED
        self._size(job, record)
        job.reason = None
        job.restarts = max(job.restarts, record.restarts - job.retries)
        self.tallies.started(job, job.started_at)
        self._move(job, JobState.RUNNING, "job.started", now)

    def _size(self, job: Job, record: JobRecord) -> None:
        """Note how much memory Slurm gives a job that has asked for none."""
        request = job.request
        if request.resources.memory or not record.memory_per_node:
            return
        if request is not self._sized[0]:  # the tasks of an array share theirs
            memory = record.memory_per_node * record.node_count // request.shares
            self._sized = request, request._replace(resources=request.resources._replace(memory=memory))
        job.request = self._sized[1]

    def _requeue(self, job: Job, now: float) -> None:
        if job.started_at is not None:
            job.earlier_runs = (*job.earlier_runs, (job.started_at, now))
        job.started_at, job.allocation = None, ()
        job.restarts += 1
        self.lost_a_node = True
        self._move(job, JobState.QUEUED, "job.requeued", now)

    def _finish(self, job: Job, record: JobRecord, state: JobState, now: float) -> None:
        exit_code, signal = states.verdict(record)
        _, sent = self._cancelled.get(job.id, (None, None))
        asked = job.id in self._cancelled and (sent is None or sent in {signal, exit_code - 128})
        late = not asked and deadlines.was_late(job, record)
        if late:
            state = JobState.FAILED
        if asked and state is JobState.FAILED and record.state == "FAILED" and (signal or exit_code > 128):
            state = JobState.CANCELLED
        if state is JobState.FAILED and self._runs_again(job, record, now):
            if asked:
                self.cancelled(job, now)
            return
        if state is JobState.CANCELLED:
            job.signal = (signal or states.TERM) if job.started_at is not None else None
        elif late or record.state == "TIMEOUT":
            job.signal = states.TERM
        elif signal:
            job.signal = signal
        elif state is JobState.COMPLETED or exit_code:
            job.exit_code = exit_code
        job.reason = "TimeLimit" if late else states.end_reason(record, state)
        self.lost_a_node |= job.reason == "NodeFail"
        self._end(job, state, max(job.started_at or job.created_at, self.sharing.same(float(record.ended))), now)

    def judge(self, job: Job, record: JobRecord | None, now: float) -> None:
        """End a job that Slurm does not list any more by what the accounting says, else as cancelled or lost."""
        if record is not None and states.job_state(record).is_terminal:
            self._follow(job, record, now)
            self._doubt_exit_code(job, record)
        elif self.is_being_cancelled(job) or (job.array is not None and job.started_at is None):
            self._end(job, JobState.CANCELLED, now, now)  # of an array a task that waited is not listed any more
        else:
            self._lose(job, now)

    def _lose(self, job: Job, now: float) -> None:
        job.reason = "NoRecord"
        self._end(job, JobState.FAILED, now, now)

    def _doubt_exit_code(self, job: Job, record: JobRecord) -> None:
        """Forget the exit code of a failure where it is 0, as the accounting of Slurm 22.05 has each in JSON."""
        if record.state == "FAILED" and not record.status and job.state is JobState.FAILED:
            job.exit_code, job.reason = None, "NonZeroExitCode"

    def _end(self, job: Job, state: JobState, at: float, now: float) -> None:
        job.ended_at = at
        job.held = False
        reason, _ = self._cancelled.pop(job.id, (None, None))
        job.cancel_reason = reason if state is JobState.CANCELLED else None
        if job.started_at is not None or job.earlier_runs:
            self.poll_log(job, now, final=True)
        job.log.closed = True
        self._forget(job)
        if job.measured == UNMEASURED:
            self.unmeasured[job.id] = job
        self.tallies.ended(job, at, state)
        self._move(job, state, f"job.{state.value}", now)

    def poll_log(self, job: Job, now: float, *, final: bool = False) -> None:
        """Look for new output of a job."""
        if not isinstance(job.log, FileLog):
            return
        found = job.log.poll(now, final=final)
        if job.log.is_behind:
            self.unread[job.id] = job
        else:
            self.unread.pop(job.id, None)
        if found is not None:
            self._record("job.log", job, now, first=found[0], last=found[1])
