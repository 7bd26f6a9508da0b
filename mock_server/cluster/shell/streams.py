"""Where a program's output goes: the job's log, one of its output files, or nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from mock_server.cluster.job import OutputFile
from mock_server.cluster.shell.errors import DiskFullError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.job import Job
    from mock_server.cluster.log import Log

LOG_LINES = 10_000
LOG_CHARACTERS = 1_048_576
LINE_CHARACTERS = 8_192
"""What one job may write to its log; longer lines are broken, all beyond the totals is dropped."""

OUTPUT_BYTES = 1_048_576
OUTPUT_FILES = 1_000
"""What all output files of one job may hold together, and how many there may be."""


class Stream(Protocol):
    """Takes text; once ``full``, nothing that is written can be seen any more."""

    @property
    def full(self) -> bool: ...
    def write(self, text: str) -> None: ...


class Console:
    """The log as the terminal of a job, with one budget for both streams."""

    __slots__ = ("_log", "_now", "_room", "full")

    def __init__(self, log: Log, now: Callable[[], float]) -> None:
        self._log = log
        self._now = now
        self._room = LOG_CHARACTERS - sum(len(line.text) for line in log.lines) if log.lines else LOG_CHARACTERS
        self.full = self._room <= 0 or len(log.lines) >= LOG_LINES

    def append(self, text: str, stream: Literal["stdout", "stderr"]) -> None:
        """Add a line, or the line that says that no more will follow."""
        if self.full:
            return
        self._room -= len(text)
        if self._room < 0 or len(self._log.lines) >= LOG_LINES - 1:
            self.full = True
            text, stream = f"[log truncated after {len(self._log.lines)} lines]", "stderr"
        self._log.append(self._now(), text, stream)


class ConsoleStream:
    """One of the two streams of a console, buffered by line."""

    __slots__ = ("_console", "_name", "_partial")

    def __init__(self, console: Console, name: Literal["stdout", "stderr"]) -> None:
        self._console = console
        self._name: Literal["stdout", "stderr"] = name
        self._partial = ""

    @property
    def full(self) -> bool:
        return self._console.full

    def write(self, text: str) -> None:
        if self._console.full:
            return
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._append(line)
        if len(self._partial) > LINE_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Make a line of what has not been ended by a newline."""
        if self._partial:
            line, self._partial = self._partial, ""
            self._append(line)

    def _append(self, line: str) -> None:
        for start in range(0, len(line) or 1, LINE_CHARACTERS):
            self._console.append(line[start : start + LINE_CHARACTERS], self._name)


class Discard:
    """``/dev/null``."""

    full = True

    def write(self, text: str) -> None:
        """Take the text and keep none of it."""


class FileStream:
    """Appends to one output file of a job."""

    full = False

    def __init__(self, job: Job, path: str, now: Callable[[], float]) -> None:
        self._job = job
        self._path = path
        self._now = now

    def truncate(self) -> None:
        """Begin the file anew."""
        self._claim()
        self._job.outputs[self._path] = OutputFile(self._path, b"", self._now())

    def write(self, text: str) -> None:
        self._claim()
        outputs = self._job.outputs
        content = text.encode(errors="replace")
        room = OUTPUT_BYTES - sum(len(file.content) for file in outputs.values())
        before = outputs[self._path].content if self._path in outputs else b""
        outputs[self._path] = OutputFile(self._path, before + content[:room], self._now())
        if len(content) > room:
            raise DiskFullError

    def _claim(self) -> None:
        outputs = self._job.outputs
        if len(outputs) >= OUTPUT_FILES and self._path not in outputs:
            raise DiskFullError
