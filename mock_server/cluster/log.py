"""A job's log: numbered lines with times, readable while it grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple


class LogLine(NamedTuple):
    """One line without its newline; ``number`` counts from 1 and never changes."""

    number: int
    at: float
    text: str
    stream: Literal["stdout", "stderr"] = "stdout"


@dataclass(slots=True, eq=False)
class Log:
    """Lines oldest first.  ``closed`` is set once the job has ended and nothing will follow."""

    lines: list[LogLine]
    closed: bool = False

    def append(self, at: float, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
        self.lines.append(LogLine(len(self.lines) + 1, at, text, stream))

    def after(self, number: int) -> list[LogLine]:
        """Return the lines that follow line ``number``; 0 means all."""
        return self.lines[number:]
