"""The shell itself: runs a job's command lazily, as a generator of the pauses between its steps."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from mock_server.cluster.shell.errors import FileError, ShellError
from mock_server.cluster.shell.expansion import expand
from mock_server.cluster.shell.files import Files
from mock_server.cluster.shell.programs import INSTANT, SLICE_SECONDS, TIMED, Stdio, program_name, stand_in
from mock_server.cluster.shell.streams import Console, ConsoleStream
from mock_server.cluster.shell.syntax import literal, parse
from mock_server.cluster.shell.traps import Signalled, Traps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.cluster.job import ArrayTask, Job
    from mock_server.cluster.shell.programs import Timed
    from mock_server.cluster.shell.syntax import Command

COMMAND_LIMIT = 20_000
COMMANDS_PER_SLICE = 1_000
CHARACTERS_PER_COMMAND = 100
NESTING_LIMIT = 8
"""How many commands one job may run, parsing a text counting by its length; how many of them in one instant; and how
deep ``sh -c`` may nest."""

_SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})


class Shell:
    """Runs the command of one job; ``seed`` makes the programs that only have a name repeatable."""

    __slots__ = (
        "_exiting",
        "_job",
        "_ran",
        "_seed",
        "_status",
        "_stderr",
        "_stdio",
        "_stdout",
        "_traps",
        "_variables",
    )

    def __init__(self, job: Job, seed: int, now: Callable[[], float]) -> None:
        self._job = job
        self._seed = seed
        console = Console(job.log, now)
        self._stdout = ConsoleStream(console, "stdout")
        self._stderr = ConsoleStream(console, "stderr")
        self._stdio = Stdio(self._stdout, self._stderr, Files(job, now))
        self._status = 0
        self._ran = 0
        self._exiting = False
        self._traps: Traps | None = None
        self._variables = job.environment if job.array is None else _variables(job, job.array)

    def run(self) -> Timed:
        """Run the job's command, or its image's default program if it has none."""
        request = self._job.request
        try:
            if request.command.strip() or request.image is None:
                self._status = yield from self._script(request.command, 0, self._stdio)
                if self._traps is not None:
                    self._status = yield from self._leave(self._traps, 0, self._stdio)
            else:
                self._status = yield from self._stand_in((request.image,), self._stdio)
        except ShellError as error:
            self._status = self._complain(str(error), error.status)
        self.flush()
        return self._status

    def flush(self) -> None:
        """Bring what has been written, but not yet ended by a newline, into the log."""
        self._stdout.flush()
        self._stderr.flush()

    def handler(self, signal: int) -> str | None:
        """Return what the command does about a signal, ``None`` if the signal ends it."""
        return None if self._traps is None else self._traps.handler(signal)

    def _script(self, text: str, depth: int, io: Stdio) -> Timed:
        self._status = 0
        self._ran += len(text) // CHARACTERS_PER_COMMAND
        for command in parse(text):
            if command.connector != ";" and (command.connector == "&&") != (self._status == 0):
                continue
            self._ran += 1
            if self._ran > COMMAND_LIMIT:
                self._exiting = True
                return self._complain("too many commands", 126)
            try:
                if self._ran % COMMANDS_PER_SLICE == 0:
                    yield SLICE_SECONDS
                self._status = yield from self._command(command, depth, io)
            except Signalled as signal:
                yield from self._handle(signal, depth, io)
            if self._exiting:
                break
        return self._status

    def _handle(self, signal: Signalled, depth: int, io: Stdio) -> Timed:
        action = None if self._traps is None else self._traps.own(depth, signal.number)
        if action is None:
            if self._traps is not None:
                self._traps.leave(depth)
            raise signal
        yield from self._script(action, depth, io)
        if not self._exiting:
            self._status = 128 + signal.number
        return self._status

    def _leave(self, traps: Traps, depth: int, io: Stdio) -> Timed:
        """Do what a script has asked for at its end, which keeps its status unless that sets another one."""
        at_exit, status = traps.leave(depth), self._status
        if at_exit and self._ran <= COMMAND_LIMIT:
            self._exiting = False
            yield from self._script(at_exit, depth, io)
            status = self._status if self._exiting else status
        return status

    def _command(self, command: Command, depth: int, io: Stdio) -> Timed:
        try:
            if command.redirects:
                io = self._redirected(command, io)
            if command.opaque and command.words:
                return (yield from self._stand_in(tuple(map(literal, command.words)), io))
            words = expand(command.words, self._variables, self._status)
            if not words:
                return 0
            instant = INSTANT.get(program_name(words[0]))
            return instant(words[1:], io) if instant is not None else (yield from self._timed(words, depth, io))
        except ShellError as error:
            return self._complain(str(error), error.status)

    def _timed(self, words: list[str], depth: int, io: Stdio) -> Timed:
        program = TIMED.get(program_name(words[0]))
        if program is not None:
            return (yield from program(words[1:], io))
        if words[0] == "exit":
            return self._exit(words[1:])
        if words[0] == "trap":
            self._traps = self._traps or Traps()
            wrong = self._traps.set(depth, words[1:])
            return 0 if wrong is None else self._complain(wrong, 1)
        if words[0] in _SHELLS and len(words) > 2 and words[1] == "-c":
            if depth == NESTING_LIMIT:
                return self._complain("maximum nesting depth exceeded", 2)
            status = self._status = yield from self._script(words[2], depth + 1, io)
            if self._traps is not None:
                status = yield from self._leave(self._traps, depth + 1, io)
            # The inner shell is a process of its own: its exit is not ours.
            self._exiting = self._ran > COMMAND_LIMIT
            return status
        return (yield from self._stand_in(tuple(words), io))

    def _exit(self, arguments: list[str]) -> int:
        self._exiting = True
        if not arguments:
            return self._status
        digits = arguments[0].removeprefix("-")
        if not digits.isdecimal() or len(digits) > 18:
            return self._complain(f"exit: {arguments[0]}: numeric argument required", 2)
        return int(arguments[0]) & 0xFF

    def _stand_in(self, words: tuple[str, ...], io: Stdio) -> Timed:
        key = f"{self._seed}:{self._job.number}:{' '.join(words)}"
        name = next((word for word in words if posixpath.splitext(word)[1]), words[0])
        return stand_in(posixpath.basename(name) or name, key, io)

    def _redirected(self, command: Command, io: Stdio) -> Stdio:
        streams = {1: io.stdout, 2: io.stderr}
        for redirect in command.redirects:
            if redirect.target in {"&1", "&2"}:
                streams[redirect.stream] = streams[int(redirect.target[1])]
                continue
            names = expand((redirect.target,), self._variables, self._status)
            if len(names) != 1 or not names[0]:
                raise FileError(f"{literal(redirect.target)}: ambiguous redirect")
            streams[redirect.stream] = io.files.open(names[0], append=redirect.append)
        return Stdio(streams[1], streams[2], io.files)

    def _complain(self, message: str, status: int) -> int:
        self._stderr.write(f"sh: {message}\n")
        return status


def _variables(job: Job, task: ArrayTask) -> Mapping[str, str]:
    """Return the environment of a task of an array, which finds its number there, as with Slurm."""
    numbers = {"SLURM_ARRAY_JOB_ID": task.array_job_id, "SLURM_ARRAY_TASK_ID": str(task.task_id)}
    return {**job.environment, **numbers}
