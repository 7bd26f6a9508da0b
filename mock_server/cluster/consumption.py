"""What a job really uses of what it asked for.

The share is decided by the seed, the job's number and its command, and holds for as long as the job runs; so what has
been used is a function of the time, and nothing has to be sampled while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from mock_server.cluster.shell.errors import ShellError
from mock_server.cluster.shell.programs import INSTANT, TIMED
from mock_server.cluster.shell.syntax import literal, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import JobRequest, Resources

WARM_UP_SECONDS = 60.0
"""How long memory grows, evenly, before it stays as it is."""

_CPU_RANGE = (0.55, 0.98)
_MEMORY_RANGE = (0.35, 0.95)
_GPU_RANGE = (0.50, 0.99)
_CACHED_COMMANDS = 4096
_SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})


@dataclass(frozen=True, slots=True)
class Appetite:
    """Shares of what a job asked for, 0 to 1: of its CPUs and GPUs at any time, of its memory at the most."""

    cpu: float
    memory: float
    gpu: float


IDLE = Appetite(cpu=0.001, memory=0.01, gpu=0.0)
"""A job that only sleeps: its shell is there and waits."""


@dataclass(frozen=True, slots=True)
class Consumption:
    """CPU and GPU seconds so far, of all nodes and runs, and the largest memory at one time in bytes."""

    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    max_memory: int = 0


def appetite(seed: int, number: int, request: JobRequest) -> Appetite:
    """Return what a job uses of what it asked for while it runs."""
    if is_idle(request.command, request.image):
        return IDLE
    digest = blake2b(f"{seed}:{number}".encode(), digest_size=12).digest()
    shares = (int.from_bytes(digest[first : first + 4], "big") / 2**32 for first in (0, 4, 8))
    ranges = (_CPU_RANGE, _MEMORY_RANGE, _GPU_RANGE)
    return Appetite(*(low + share * (high - low) for share, (low, high) in zip(shares, ranges, strict=True)))


def consumption(used: Appetite, asked: Resources, shares: int, runs: Iterable[tuple[float, float]]) -> Consumption:
    """Return what has been used in some runs of a job that has ``shares`` times ``asked``."""
    lengths = [max(0.0, end - start) for start, end in runs]
    seconds = sum(lengths)
    longest = max(lengths, default=0.0)
    return Consumption(
        cpu_seconds=used.cpu * asked.cpus * shares * seconds,
        gpu_seconds=used.gpu * asked.gpus * shares * seconds,
        max_memory=round(memory_share(used, longest) * asked.memory) * shares,
    )


def memory_share(used: Appetite, seconds: float) -> float:
    """Return the share of its memory that a job has after running so long."""
    return used.memory * min(1.0, seconds / WARM_UP_SECONDS)


def mean_memory_share(used: Appetite, since: float, until: float) -> float:
    """Return the mean share of its memory between two instants, counted in seconds from the start of the run."""
    if until <= since:
        return memory_share(used, until)
    return used.memory * (_grown(until) - _grown(since)) / (until - since)


def _grown(seconds: float) -> float:
    """Return the integral of the growth from 0 to 1 and what follows."""
    rising = min(seconds, WARM_UP_SECONDS)
    return rising * rising / (2 * WARM_UP_SECONDS) + max(0.0, seconds - WARM_UP_SECONDS)


@lru_cache(_CACHED_COMMANDS)
def is_idle(command: str, image: str | None) -> bool:
    """Tell whether a job has nothing to compute: commands such as ``sleep`` and ``echo`` only."""
    if not command.strip():
        return image is None
    try:
        return all(_is_light(tuple(map(literal, parsed.words)), opaque=parsed.opaque) for parsed in parse(command))
    except ShellError:
        return True


def _is_light(words: tuple[str, ...], *, opaque: bool) -> bool:
    if opaque and words:
        return False
    if not words or words[0] in INSTANT or words[0] in TIMED or words[0] == "exit":
        return True
    return words[0] in _SHELLS and len(words) > 2 and words[1] == "-c" and is_idle(words[2], None)
