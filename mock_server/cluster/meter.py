"""Reads what jobs have used so far.

What a job makes of its resources is decided by the seed, its number and its command, and holds for as long as it runs.
So nothing is sampled while it runs, and every reader sees the same.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from mock_server.cluster.consumption import Appetite, Consumption, consumption
from mock_server.cluster.shell.errors import ShellError
from mock_server.cluster.shell.programs import INSTANT, TIMED
from mock_server.cluster.shell.syntax import literal, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.node import Node

IDLE = Appetite(cpu=0.001, memory=0.01, gpu=0.0)
"""A job that only sleeps: its shell is there and waits."""

_CPU_RANGE = (0.55, 0.98)
_MEMORY_RANGE = (0.35, 0.95)
_GPU_RANGE = (0.50, 0.99)
_CACHED_COMMANDS = 4096
_SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})


class Meter:
    """What the jobs of one backend use, until its present instant."""

    def __init__(self, seed: int, agenda: Agenda) -> None:
        self._seed = seed
        self._agenda = agenda

    def appetite(self, job: Job) -> Appetite:
        """Return what a job uses of what it asked for while it runs."""
        return appetite(self._seed, job.number, job.request)

    def load(self, node: Node, jobs: Mapping[str, Job]) -> float:
        """Return how many CPUs of a node its jobs keep busy."""
        running = [jobs[job_id] for job_id in node.running]
        shares = ((job, dict(job.allocation)[node.name]) for job in running)
        return sum(self.appetite(job).cpu * count * job.request.resources.cpus for job, count in shares)

    def read(self, job: Job) -> Consumption:
        """Return what a job has used so far."""
        request = job.request
        return consumption(self.appetite(job), request.resources, request.shares, job.runs(self._agenda.now))


def appetite(seed: int, number: int, request: JobRequest) -> Appetite:
    """Return what the job of this number uses of what it asks for."""
    if is_idle(request.command, request.image):
        return IDLE
    digest = blake2b(f"{seed}:{number}".encode(), digest_size=12).digest()
    shares = (int.from_bytes(digest[first : first + 4], "big") / 2**32 for first in (0, 4, 8))
    ranges = (_CPU_RANGE, _MEMORY_RANGE, _GPU_RANGE)
    return Appetite(*(low + share * (high - low) for share, (low, high) in zip(shares, ranges, strict=True)))


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
