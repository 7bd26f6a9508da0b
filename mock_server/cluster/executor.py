"""Runs the commands of started jobs, one pause at a time."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Protocol

from mock_server.cluster.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Generator

    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.history import History
    from mock_server.cluster.job import Job


class Observer(Protocol):
    """Told how a job ended by itself."""

    def exited(self, job: Job, status: int) -> None: ...
    def timed_out(self, job: Job) -> None: ...


class Process:
    """A running command: its remaining steps, and the one thing scheduled for it."""

    __slots__ = ("deadline", "job", "shell", "steps", "ticket")

    def __init__(self, job: Job, shell: Shell, steps: Generator[float, None, int], deadline: float) -> None:
        self.job = job
        self.shell = shell
        self.steps = steps
        self.deadline = deadline
        self.ticket: int | None = None


class Executor:
    """The processes of one cluster's running jobs."""

    def __init__(self, agenda: Agenda, history: History, seed: int, observer: Observer) -> None:
        self.processes: dict[str, Process] = {}
        self._agenda = agenda
        self._history = history
        self._seed = seed
        self._observer = observer

    def start(self, job: Job) -> None:
        """Run the job's command until its first pause, which may be its end."""
        shell = Shell(job, self._seed, self._now)
        self._begin(job, shell, shell.run())

    def occupy(self, job: Job, seconds: float) -> None:
        """Run nothing for so long, then succeed; an infinite time never ends by itself."""
        self._begin(job, Shell(job, self._seed, self._now), _idle(seconds))

    def stop(self, job: Job) -> None:
        """End the job's command where it stands."""
        process = self.processes.pop(job.id)
        if process.ticket is not None:
            self._agenda.cancel(process.ticket)
        self._write(process, None)

    def say(self, job: Job, text: str) -> None:
        """Add a line of the system's own to the job's log."""
        job.log.append(self._now(), text, "stderr")
        self._announce(job, len(job.log.lines) - 1)

    def _begin(self, job: Job, shell: Shell, steps: Generator[float, None, int]) -> None:
        limit = job.time_limit
        started = self._now() if job.started_at is None else job.started_at
        deadline = inf if limit is None else started + limit
        self.processes[job.id] = process = Process(job, shell, steps, deadline)
        self._resume(process)

    def _now(self) -> float:
        return self._agenda.now

    def _resume(self, process: Process) -> None:
        job = process.job
        before = len(job.log.lines)
        status: int | None = None
        pause = 0.0
        try:
            pause = next(process.steps)
        except StopIteration as end:
            status = end.value
        self._announce(job, before)
        # Whoever has just read the log may have stopped the job.
        if self.processes.get(job.id) is not process:
            return
        if status is None:
            self._wait(process, pause)
        else:
            del self.processes[job.id]
            self._observer.exited(job, status)

    def _wait(self, process: Process, pause: float) -> None:
        until = self._agenda.now + pause
        # A command that ends right at its limit has kept it.
        if until <= process.deadline and until < inf:
            process.ticket = self._agenda.schedule(until, partial(self._resume, process))
        elif process.deadline < inf:
            process.ticket = self._agenda.schedule(process.deadline, partial(self._time_out, process))

    def _time_out(self, process: Process) -> None:
        job = process.job
        self._write(process, f"Job exceeded its time limit of {job.time_limit:g} s")
        if self.processes.get(job.id) is process:
            del self.processes[job.id]
            self._observer.timed_out(job)

    def _write(self, process: Process, text: str | None) -> None:
        log = process.job.log
        before = len(log.lines)
        process.shell.flush()
        if text is not None:
            log.append(self._now(), text, "stderr")
        self._announce(process.job, before)

    def _announce(self, job: Job, before: int) -> None:
        count = len(job.log.lines)
        if count > before:
            self._history.record(self._agenda.now, "job.log", job.id, {"first": before + 1, "last": count})


def _idle(seconds: float) -> Generator[float, None, int]:
    if seconds > 0:
        yield seconds
    return 0
