"""Runs the commands of started jobs, one pause at a time."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Literal, Protocol

from mock_server.cluster.shell import Shell, Signalled
from mock_server.cluster.signals import KILL, KILL_SECONDS, TERM

if TYPE_CHECKING:
    from collections.abc import Generator

    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.history import History
    from mock_server.cluster.job import Job


Verdict = Literal["cancelled", "timed out"]


class Observer(Protocol):
    """Told how a job ended by itself."""

    def exited(self, job: Job, status: int) -> None: ...
    def interrupted(self, job: Job, verdict: Verdict, signal: int) -> None: ...


class Process:
    """A running command: its remaining steps, and the one thing scheduled for it.

    ``verdict`` says how the job will end although its script, which caught ``signal``, still runs.
    """

    __slots__ = ("deadline", "job", "shell", "signal", "steps", "ticket", "turn", "until", "verdict")

    def __init__(self, job: Job, shell: Shell, steps: Generator[float, None, int], deadline: float) -> None:
        self.job = job
        self.shell = shell
        self.steps = steps
        self.deadline = deadline
        self.ticket: int | None = None
        self.turn = 0
        self.until = inf
        self.verdict: Verdict | None = None
        self.signal = TERM


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

    def verdict(self, job: Job) -> Verdict | None:
        """Return how a job will end whose script has been told so and still runs."""
        process = self.processes.get(job.id)
        return None if process is None else process.verdict

    def interrupt(self, job: Job, signal: int, verdict: Verdict) -> bool:
        """Send a signal to a script that catches it, which has ``KILL_SECONDS`` from then on; tell whether it does."""
        process = self.processes.get(job.id)
        if process is None:
            return False
        if process.verdict is not None:
            # It is cleaning up already, with the time that it has got for that.
            process.verdict = verdict
            return True
        handler = process.shell.handler(signal)
        if handler is not None:
            self._hand_over(process, signal, verdict, handler)
        return handler is not None

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

    def _hand_over(self, process: Process, signal: int, verdict: Verdict, handler: str) -> None:
        process.verdict, process.signal = verdict, signal
        process.deadline = self._now() + KILL_SECONDS
        if process.ticket is not None:
            self._agenda.cancel(process.ticket)
        if handler:
            self._resume(process, Signalled(signal))
        elif process.ticket is not None:
            # An empty handler ignores the signal: what was going on goes on.
            self._schedule(process)

    def _resume(self, process: Process, signal: Signalled | None = None) -> None:
        job = process.job
        before = len(job.log.lines)
        status: int | None = None
        pause = 0.0
        process.turn = turn = process.turn + 1
        process.ticket = None
        try:
            pause = next(process.steps) if signal is None else process.steps.throw(signal)
        except StopIteration as end:
            status = end.value
        self._announce(job, before)
        # Whoever has just read the log may have stopped the job, or sent it a signal.
        if self.processes.get(job.id) is not process or process.turn != turn:
            return
        if status is None:
            self._wait(process, pause)
        else:
            del self.processes[job.id]
            if process.verdict is None:
                self._observer.exited(job, status)
            else:
                self._observer.interrupted(job, process.verdict, process.signal)

    def _wait(self, process: Process, pause: float) -> None:
        process.until = self._agenda.now + pause
        self._schedule(process)

    def _schedule(self, process: Process) -> None:
        until = process.until
        # A command that ends right at its limit has kept it.
        if until <= process.deadline and until < inf:
            process.ticket = self._agenda.schedule(until, partial(self._resume, process))
        elif process.deadline < inf:
            process.ticket = self._agenda.schedule(process.deadline, partial(self._expire, process))

    def _expire(self, process: Process) -> None:
        job, turn = process.job, process.turn
        if process.verdict is None:
            self._write(process, f"Job exceeded its time limit of {job.time_limit:g} s")
        else:
            self._write(process, f"Job killed {KILL_SECONDS:g} s after signal {process.signal}")
        if self.processes.get(job.id) is not process or process.turn != turn:
            return
        if process.verdict is None and self.interrupt(job, TERM, "timed out"):
            return
        del self.processes[job.id]
        signal = TERM if process.verdict is None else KILL
        self._observer.interrupted(job, process.verdict or "timed out", signal)

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
