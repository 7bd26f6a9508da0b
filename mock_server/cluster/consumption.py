"""What a job uses of what it asked for, as a function of how long it has run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import Resources

WARM_UP_SECONDS = 60.0
"""How long memory grows, evenly, before it stays as it is."""


@dataclass(frozen=True, slots=True)
class Appetite:
    """Shares of what a job asked for, 0 to 1: of its CPUs and GPUs at any time, of its memory at the most."""

    cpu: float
    memory: float
    gpu: float


@dataclass(frozen=True, slots=True)
class Consumption:
    """CPU and GPU seconds so far, of all nodes and runs, and the largest memory at one time in bytes.

    ``None`` is what nobody has measured, or not yet.
    """

    cpu_seconds: float | None = 0.0
    gpu_seconds: float | None = 0.0
    max_memory: int | None = 0


UNUSED = Consumption()
UNMEASURED = Consumption(None, None, None)


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
