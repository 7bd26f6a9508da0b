"""The programs that a job can run: a few real ones, and a stand-in for every other."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from decimal import Decimal
from itertools import count, islice, takewhile
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.shell.errors import FileError
from mock_server.cluster.shell.model import run_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.shell.files import Files
    from mock_server.cluster.shell.streams import Stream

SLICE_LINES = 1_000
SLICE_SECONDS = 0.1
"""A program that writes without pause writes so many lines at a time, and time moves on in between."""

MAX_SLEEP = 1e9

DIRECTORIES = frozenset({"/bin", "/usr/bin"})
"""Where the programs are that this shell knows."""

_NUMBER = re.compile(r"[-+]?\d{1,18}(\.\d{1,9})?")
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_FAILURE_RATE = 0.05


class Stdio(NamedTuple):
    """What a program may use."""

    stdout: Stream
    stderr: Stream
    files: Files


Timed = Generator[float, None, int]
"""Yields seconds to wait, returns the exit status."""


def echo(arguments: list[str], io: Stdio) -> int:
    """Write the arguments; ``-n`` leaves the newline out."""
    if arguments and arguments[0] == "-n":
        io.stdout.write(" ".join(arguments[1:]))
    else:
        io.stdout.write(" ".join(arguments) + "\n")
    return 0


def true(_arguments: list[str], _io: Stdio) -> int:
    """Succeed."""
    return 0


def false(_arguments: list[str], _io: Stdio) -> int:
    """Fail."""
    return 1


def cat(arguments: list[str], io: Stdio) -> int:
    """Write what the job's files hold."""
    status = 0
    for name in arguments:
        try:
            content = io.files.read(name)
            if not io.stdout.full:
                io.stdout.write(content.decode(errors="replace"))
        except FileError as error:
            io.stderr.write(f"cat: {error}\n")
            status = 1
    return status


def sleep(arguments: list[str], io: Stdio) -> Timed:
    """Let time pass: seconds, or with a suffix minutes, hours or days."""
    seconds = 0.0
    for argument in arguments or [""]:
        match = _DURATION.fullmatch(argument)
        if match is None and argument not in {"inf", "infinity"}:
            io.stderr.write(f"sleep: invalid time interval '{argument}'\n")
            return 1
        seconds += float(match[1]) * _UNITS[match[2]] if match else MAX_SLEEP
    if seconds > 0:
        yield min(seconds, MAX_SLEEP)
    return 0


def seq(arguments: list[str], io: Stdio) -> Timed:
    """Count from FIRST by STEP to LAST, as long as anybody can see it."""
    for argument in arguments:
        if not _NUMBER.fullmatch(argument):
            io.stderr.write(f"seq: invalid floating point argument: '{argument}'\n")
            return 1
    if not 1 <= len(arguments) <= 3:
        io.stderr.write("seq: expected one to three operands\n")
        return 1
    numbers = [Decimal(argument) for argument in arguments]
    first = numbers[0] if len(numbers) > 1 else Decimal(1)
    step = numbers[1] if len(numbers) == 3 else Decimal(1)
    if step == 0:
        io.stderr.write("seq: invalid Zero increment value: '0'\n")
        return 1
    lines = _sequence(first, step, numbers[-1])
    while not io.stdout.full and (batch := list(islice(lines, SLICE_LINES))):
        io.stdout.write("".join(batch))
        if len(batch) < SLICE_LINES:
            break
        yield SLICE_SECONDS
    return 0


def _sequence(first: Decimal, step: Decimal, last: Decimal) -> Iterator[str]:
    values = (first + index * step for index in count())
    return (f"{value:f}\n" for value in takewhile(lambda value: value <= last if step > 0 else value >= last, values))


def program_name(word: str) -> str:
    """Return the name of a program that is called by its path, as ``/bin/sleep`` may be; other words stay."""
    directory, _, name = word.rpartition("/")
    return name if directory in DIRECTORIES else word


def stand_in(name: str, key: str, io: Stdio) -> Timed:
    """Run a program of which only the name is known; ``key`` decides how long it takes and how it ends."""
    random = Random(key)
    steps = random.randint(4, 20)
    pause = random.uniform(4.0, 180.0) / steps
    failing_at = random.randint(1, steps) if random.random() < _FAILURE_RATE else None
    io.stdout.write(f"{name}: started\n")
    for step in range(1, steps + 1):
        yield pause
        if step == failing_at:
            io.stderr.write(f"{name}: error: step {step} of {steps} failed\n")
            return 1
        io.stdout.write(f"{name}: step {step}/{steps} ({100 * step // steps}%)\n")
    io.stdout.write(f"{name}: finished\n")
    return 0


INSTANT: dict[str, Callable[[list[str], Stdio], int]] = {
    "cat": cat,
    "echo": echo,
    "false": false,
    "true": true,
    ":": true,
}
TIMED: dict[str, Callable[[list[str], Stdio], Timed]] = {"run-model": run_model, "seq": seq, "sleep": sleep}
