"""The log of a real job: its output files, read as they grow and never as a whole."""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, cast

from mock_server.cluster.log import Log, LogLine
from mock_server.cluster.slurm.accounts import uid
from mock_server.cluster.slurm.identity import slurm_key
from mock_server.cluster.slurm.submission import expand

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCK = 1 << 20
PER_POLL = 64 * BLOCK
"""How many bytes of a file are looked at in one go; the rest is for the next time."""

WINDOW = 8 * BLOCK
"""How many bytes of the newest lines a reader gets."""

Stream = Literal["stdout", "stderr"]
File = tuple[Stream, str]


class Segment(NamedTuple):
    """Some lines that were found at one time: where they are, and which numbers they have."""

    first: int
    total: int
    at: float
    file: int
    offset: int
    size: int


# Shared by all logs in which nothing was found.
_BEGINNINGS = (0, 0)
_NO_SEGMENTS: list[Segment] = []


class FileLog(Log):
    """Lines in the order in which they were found; only where they are is kept, and the text is read when wanted."""

    __slots__ = ("_ends", "_files", "_owner", "_segments", "_total", "_unread_since")

    def __init__(self, *files: File, owner: int | None = None) -> None:
        self._files = files
        self._owner = owner
        self._begin()

    def _begin(self) -> None:
        self.closed = False
        self._ends: tuple[int, ...] = _BEGINNINGS
        self._segments: list[Segment] = _NO_SEGMENTS
        self._total = 0
        self._unread_since: float | None = None

    @property
    def files(self) -> tuple[File, ...]:
        """Each stream and its path; one that both have is here once."""
        return self._files

    @property
    def owner(self) -> int | None:
        """The number of the account whose files they must be, ``None`` for anybody's."""
        return self._owner

    @property
    def is_behind(self) -> bool:
        """Whether a closed log has more than was looked at so far."""
        return self._unread_since is not None

    def close_unread(self, at: float) -> None:
        """Close the log of a job that ended at an instant before; its files are looked at when somebody reads it."""
        self.closed, self._unread_since = True, at

    @property
    def lines(self) -> list[LogLine]:
        """The newest lines, ``WINDOW`` bytes of them at most; numbers count from the very first one."""
        while self.is_behind:
            self._catch_up()
        chosen: list[Segment] = []
        size = 0
        for segment in reversed(self._segments):
            size += segment.size
            if chosen and size > WINDOW:
                break
            chosen.append(segment)
        return self._read(reversed(chosen))

    @lines.setter
    def lines(self, _: list[LogLine]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise TypeError("the lines of this log are in files")

    def after(self, number: int) -> list[LogLine]:
        """Return the lines that follow line ``number``, as many as fit into ``WINDOW`` bytes."""
        while self.is_behind and number >= self._total:
            self._catch_up()
        start = max(0, bisect_right(self._segments, number + 1, key=lambda segment: segment.first) - 1)
        chosen: list[Segment] = []
        size = 0
        for segment in self._segments[start:]:
            size += segment.size
            if chosen and size > WINDOW:
                break
            chosen.append(segment)
        return [line for line in self._read(chosen) if line.number > number]

    def poll(self, now: float, *, final: bool = False) -> tuple[int, int] | None:
        """Look for new lines and return the numbers of the first and the last one; ``final`` takes an unfinished one too."""
        before = self._total
        done = [self._poll_file(index, path, now, final=final) for index, (_, path) in enumerate(self.files)]
        # What is left of a file that will not grow any more is for the next look, or for who wants to read it.
        self._unread_since = now if final and not all(done) else None
        return None if self._total == before else (before + 1, self._total)

    def _catch_up(self) -> None:
        at, self._unread_since = self._unread_since, None
        if at is not None:
            self.poll(at, final=True)

    def _poll_file(self, index: int, path: str, now: float, *, final: bool) -> bool:
        """Look at a portion of a file; whether nothing is left of it."""
        try:
            size = os.stat(path).st_size
            if size < self._ends[index]:
                self._begin_anew(index)
            if size <= self._ends[index]:
                return True
            with self._open(path) as file:
                budget = PER_POLL
                while budget > 0:
                    file.seek(self._ends[index])
                    block = file.read(BLOCK)
                    if not self._take(index, block, now, final=final):
                        return True
                    budget -= len(block)
        except OSError:
            return True  # not there yet, no file, or not the job's
        return False

    def _begin_anew(self, index: int) -> None:
        """Let go of the lines of a file that its job has emptied; numbers count on."""
        self._segments = [segment for segment in self._segments if segment.file != index]
        self._ends = (self._ends[0] * (index != 0), self._ends[1] * (index != 1))

    def _open(self, path: str) -> BinaryIO:
        """Open an output file; what another account owns is none, whatever a job's path or link names."""
        file = open(path, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or self.owner not in {None, status.st_uid}:
            file.close()
            raise PermissionError(path)
        return cast("BinaryIO", file)

    def _take(self, index: int, block: bytes, now: float, *, final: bool) -> bool:
        """Note the whole lines of a block; ``False`` if there is none."""
        whole = block.rfind(b"\n") + 1
        if whole == 0 or (final and len(block) < BLOCK):
            # A line longer than a block is cut, for nothing is read without a bound.
            whole = len(block) if final or len(block) == BLOCK else 0
        if whole == 0:
            return False
        count = block.count(b"\n", 0, whole) + (block[whole - 1 : whole] != b"\n")
        if not self._segments:
            self._segments = []
        self._segments.append(Segment(self._total + 1, count, now, index, self._ends[index], whole))
        self._total += count
        self._ends = (self._ends[0] + whole * (index == 0), self._ends[1] + whole * (index == 1))
        return True

    def _read(self, segments: Iterable[Segment]) -> list[LogLine]:
        lines: list[LogLine] = []
        files = self.files
        for segment in segments:
            stream, path = files[segment.file]
            try:
                with self._open(path) as file:
                    file.seek(segment.offset)
                    text = file.read(segment.size).decode(errors="replace")
            except OSError:
                continue
            texts = text.removesuffix("\n").split("\n") if text else []  # emptied since the last look
            lines += [LogLine(segment.first + index, segment.at, each, stream) for index, each in enumerate(texts)]
        return lines


class JobLog(FileLog):
    """The log of a job, which makes the paths of its files up when they are wanted."""

    __slots__ = ("_account", "_job_id", "_name", "_templates")

    def __init__(self, job_id: str, name: str, templates: tuple[str | None, str | None], account: str) -> None:
        self._job_id = job_id
        self._name = name
        self._templates = templates
        self._account = account
        self._begin()

    @property
    def files(self) -> tuple[File, ...]:
        key = slurm_key(self._job_id)
        out, err = (expand(template or "", key, self._name, self._account) for template in self._templates)
        found: tuple[File, ...] = (("stdout", out),) if out else ()
        return (*found, ("stderr", err)) if err and err != out else found

    @property
    def owner(self) -> int | None:
        return uid(self._account)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
