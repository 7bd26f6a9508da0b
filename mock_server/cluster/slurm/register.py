"""All jobs the server knows of: how they come into its view, and how they are found."""

from __future__ import annotations

import sys
import time
from bisect import insort
from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import NotFoundError
from mock_server.cluster.consumption import UNMEASURED, UNUSED, Consumption
from mock_server.cluster.job import ArrayTask, Job, JobRequest, JobState, Resources
from mock_server.cluster.lines import Lines
from mock_server.cluster.slurm.files import ROOT
from mock_server.cluster.slurm.gate import BACKOFF, Gate
from mock_server.cluster.slurm.identity import Tag, job_id, slurm_key
from mock_server.cluster.slurm.log import FileLog, JobLog
from mock_server.cluster.slurm.memory import KEPT
from mock_server.cluster.slurm.sharing import NO_OUTPUTS, Marks, Sharing
from mock_server.cluster.statistics import Tallies

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from mock_server.cluster.history import History
    from mock_server.cluster.slurm.memory import Memory
    from mock_server.cluster.slurm.records import JobRecord

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})
_TICK = 1e-6
_NOT_CANCELLED = (None, 0)
REMEASURED = 86_400.0
"""Seconds after its end for which a job is looked up again in the accounting by a server that was started anew."""


class Register:
    """Jobs by id, oldest first, and by Slurm's name for them."""

    def __init__(self, cluster_id: str, history: History, memory: Memory, directory: str | None = None) -> None:
        self.jobs: dict[str, Job] = {}
        self.arrays: dict[str, list[Job]] = {}
        self.active: dict[str, Job] = {}
        self.finished = Marks()
        self.unread: dict[str, Job] = {}
        self.sharing = Sharing()
        self.by_token: dict[str, str] = {}
        self.priorities: dict[str, int] = {}
        self.unmeasured: dict[str, Job] = {}
        self.missing: list[Job] = []
        self.tallies = Tallies()
        self.lines = Lines(self.priority)
        self.gate = Gate()
        self._cluster_id = cluster_id
        self._history = history
        self._memory = memory
        self._dirty: dict[str, Job] = {}
        self._tokens: dict[str, str] = {}
        self._accounts: dict[str, str] = {}
        self._quiet: set[str] = set()
        self._directory = directory
        self._root = None if directory is None else f"{directory}/{ROOT}"
        self._is_first = True
        self.lost_a_node = False
        self._forms: dict[int, str] = {}
        self._deleted: set[str] = set()
        self._gone: dict[str, str] = {}
        self._cancelled: dict[str, tuple[str | None, int | None]] = {}
        self._said: dict[tuple[str, str | None], dict[str, Any]] = {}

    def recall(self) -> None:
        """Take over what an earlier server wrote down; that is no news to anybody."""
        self._deleted = self._memory.deleted()
        recalled = sorted(self._memory.jobs(), key=lambda row: (row[4]["created_at"], row[0]))
        for own, token, account, request, facts in recalled:
            key = slurm_key(own)
            number, _, task = key.partition("_")
            self._forms[int(number)] = request.id_form
            array = ArrayTask(job_id(request.id_form, number), int(task)) if task else None
            job = self._create(
                key, request.id_form, request, facts["partition"], facts["created_at"], account, array=array
            )
            _restore(job, facts)
            if token is not None:
                self._tokens[job.id] = token
                self.by_token.setdefault(token, job.id)
            if not job.state.is_terminal:
                self.gate.see(job, self.tag(job))
            if job.started_at is not None:
                self.tallies.started(job, job.started_at)
            if job.state not in _WAITING:
                self._forget_place(job)
            elif job.retries and job.reason == BACKOFF and not job.held:
                self.gate.returning.add(job.id)
            if job.state.is_terminal and job.ended_at is not None and isinstance(job.log, FileLog):
                self._forget(job)
                self.tallies.ended(job, job.ended_at, job.state)
                job.log.close_unread(job.ended_at)
                if job.measured == UNMEASURED and time.time() - job.ended_at < REMEASURED:
                    self.unmeasured[job.id] = job
        self._dirty.clear()

    def flush(self) -> None:
        """Write down what has changed."""
        dirty, self._dirty = self._dirty, {}
        gone, self._gone = self._gone, {}
        rows = ((job, self._tokens.get(key), self._accounts.get(key, "")) for key, job in dirty.items())
        self._memory.write(rows, gone.items())
        if gone:
            self._forget_tokens(gone)
        for key, job in dirty.items():
            if job.state.is_terminal:
                self._accounts.pop(key, None)
                self._tokens.pop(key, None)

    def measured(self, jobs: Iterable[Job]) -> None:
        """Write down what jobs have used that ended."""
        self._memory.write_facts(jobs)

    def get(self, job_id: str) -> Job:
        """Return a job or raise ``NotFoundError``."""
        job = self.jobs.get(job_id)
        if job is None:
            raise NotFoundError("job", job_id)
        return job

    def array(self, array_job_id: str) -> tuple[Job, ...]:
        """Return the tasks of an array or raise ``NotFoundError``."""
        tasks = self.arrays.get(array_job_id)
        if tasks is None:
            raise NotFoundError("job", array_job_id)
        return tuple(tasks)

    def several(self, job_id: str) -> tuple[Job, ...]:
        """Return a job, or all tasks of an array."""
        return self.array(job_id) if job_id in self.arrays else (self.get(job_id),)

    def priority(self, job: Job) -> int:
        """Return the priority that Slurm gave a job last."""
        return self.priorities.get(job.id, job.priority)

    def account(self, job: Job) -> str:
        """Return the account that an active job runs as, nothing if that is not known."""
        return self._accounts.get(job.id, "")

    def cancelling(self, job: Job, reason: str | None, signal: int | None = None) -> None:
        """Note that an end will be a cancellation, where a ``signal`` is given one by that signal only."""
        if signal is None or not self.is_being_cancelled(job):
            self._cancelled[job.id] = reason, signal

    def not_cancelling(self, job: Job) -> None:
        """Note that a cancellation was refused."""
        self._cancelled.pop(job.id, None)

    def is_being_cancelled(self, job: Job) -> bool:
        """Tell whether a caller has had a job ended, and not only sent it a signal with which it may go on."""
        return self._cancelled.get(job.id, _NOT_CANCELLED)[1] is None

    def tag(self, job: Job) -> Tag:
        """Return the tag of a job as it was submitted, whatever has become of its comment."""
        request = job.request
        token = self._tokens.get(job.id, "")
        return Tag(request.user_id, request.id_form, token, request.queue, request.time_limit)

    def _forget_tokens(self, owners: Container[str]) -> None:
        for token in [token for token, owner in self.by_token.items() if owner in owners]:
            del self.by_token[token]

    def _form(self, number: int, tag: Tag | None) -> Any:
        return self._forms.get(number) or ("s9s" if tag is None else tag.form)

    def _adopt(self, key: str, record: JobRecord, form: Any, tag: Tag | None, now: float) -> Job:
        """Add a job that this server did not submit, or not in this life."""
        user = record.user if tag is None else tag.user_id
        if tag is not None:
            self.by_token.setdefault(tag.token, job_id(form, key))
        request = JobRequest(
            name=record.name,
            command="",
            user_id=user,
            cluster_id=self._cluster_id,
            resources=Resources(max(1, record.cpus // record.node_count), record.memory_per_node, record.gpus),
            nodes=record.node_count,
            # Where this server has Slurm begin a job that goes on to its output directory.
            working_directory=None if tag is not None and record.directory == self._directory else record.directory,
            time_limit=record.time_limit if tag is None or tag.time_limit is None else tag.time_limit,
            partition=record.partition,
            account=record.account or None,
            qos=record.qos or "normal",
            queue=None if tag is None else tag.queue,
            stdout_path=record.stdout or None,
            stderr_path=record.stderr or None,
            id_form=form,
        )
        self._forms[record.array_job_id or record.job_id] = form
        task = key.partition("_")[2]
        array = ArrayTask(job_id(form, record.array_job_id), int(task)) if task else None
        created = float(record.submitted or now)
        job = self._create(key, form, request, record.partition, created, record.user, array=array)
        if self._is_first:
            self._quiet.add(job.id)
        self._record("job.created", job, now)
        return job

    def _create(
        self,
        key: str,
        form: Any,
        request: JobRequest,
        partition: str,
        now: float,
        account: str,
        *,
        array: ArrayTask | None,
    ) -> Job:
        own, templates = job_id(form, key), (request.stdout_path, request.stderr_path)
        job = Job(
            id=own,
            request=request,
            cluster_id=self._cluster_id,
            state=JobState.PENDING,
            created_at=now,
            updated_at=now,
            log=JobLog(own, request.name, self.sharing.same(templates), self.sharing.same(account)),
            name=request.name,
            priority=request.priority,
            environment=request.environment if isinstance(request.environment, dict) else dict(request.environment),
            outputs=NO_OUTPUTS,
            output_path=request.output_path,
            partition=self.sharing.same(partition),
            account=request.account or "default",
            held=request.hold,
            time_limit=request.time_limit,
            array=array,
            eligible_at=now,
            number=int(key.partition("_")[0]) * 100_000 + (0 if array is None else array.task_id),
        )
        job.root = self._root  # not above, since Python 3.11 keeps what a call with twenty keywords has taken
        self.jobs[job.id] = self.active[job.id] = job
        self._accounts[job.id] = account
        if array is not None:
            # Slurm lists the last task under the number of the array, before the others.
            insort(self.arrays.setdefault(array.array_job_id, []), job, key=lambda task: task.number)
        self.tallies.submitted(job, now)
        self.lines.enter(job)
        return job

    def _record(self, kind: str, job: Job, now: float, **what: Any) -> None:
        if kind != "job.log":
            self._dirty[job.id] = job
        if job.id not in self._quiet:
            data = {"state": job.state.value, **what}
            if not what.keys() - {"previous"}:
                data = self._said.setdefault((job.state, what.get("previous")), data)
            self._history.record(now, sys.intern(kind), job.id, data)

    def _touch(self, job: Job, now: float) -> None:
        job.updated_at = now if now > job.updated_at else job.updated_at + _TICK

    def _move(self, job: Job, state: JobState, kind: str, now: float, **what: Any) -> None:
        previous, job.state = job.state, state
        self._touch(job, now)
        self._record(kind, job, now, previous=previous.value, **what)

    def _forget(self, job: Job) -> None:
        self.active.pop(job.id, None)
        self._forget_place(job)
        self.gate.forget(job)

    def _forget_place(self, job: Job) -> None:
        self.priorities.pop(job.id, None)
        self.lines.leave(job)
        self.gate.started(job)


def _restore(job: Job, facts: dict[str, Any]) -> None:
    """Give a job back what was written down of it."""
    for name in KEPT:
        if name in facts:
            setattr(job, name, facts[name])
    job.state = JobState(facts["state"])
    job.earlier_runs = tuple((first, last) for first, last in facts["earlier_runs"])
    job.allocation = tuple((name, shares) for name, shares in facts["allocation"])
    used = facts.get("measured")
    job.measured = Consumption(*used) if used else UNUSED if job.started_at is None else UNMEASURED
