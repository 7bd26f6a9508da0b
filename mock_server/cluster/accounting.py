"""Usage accounting: exact integrals of what was allocated, and of what was there."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from mock_server.cluster.statistics import Load
from mock_server.cluster.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import JobRequest, Resources

_HOUR = 3600.0
_GIGABYTE = 1e9


class StepFunction:
    """A level that changes in steps; ``area`` is its integral, 24 bytes a step whatever it counts."""

    def __init__(self, origin: float) -> None:
        # The area before each step is stored, so that a query is a binary search.
        self._times = array("d", [origin])
        self._levels = array("d", [0.0])
        self._areas = array("d", [0.0])

    def __len__(self) -> int:
        return len(self._times)

    def add(self, at: float, change: float) -> None:
        """Raise the level by ``change`` from ``at`` on."""
        if change == 0:
            return
        last = self._times[-1]
        if at == last:
            self._levels[-1] += change
        elif at > last:
            self._areas.append(self._areas[-1] + self._levels[-1] * (at - last))
            self._levels.append(self._levels[-1] + change)
            self._times.append(at)
        else:
            self._insert(at, change)

    def level(self, at: float) -> float:
        """Return the level that holds from ``at`` on."""
        index = bisect_right(self._times, at) - 1
        return self._levels[index] if index >= 0 else 0.0

    def area(self, until: float) -> float:
        """Return the integral from the beginning to ``until``."""
        index = bisect_right(self._times, until) - 1
        return self._areas[index] + self._levels[index] * (until - self._times[index]) if index >= 0 else 0.0

    def between(self, start: float, end: float) -> float:
        return self.area(end) - self.area(start)

    def _insert(self, at: float, change: float) -> None:
        index = bisect_right(self._times, at)
        self._times.insert(index, at)
        self._levels.insert(index, self._levels[index - 1] if index else 0.0)
        for later in range(index, len(self._levels)):
            self._levels[later] += change
        area = 0.0
        self._areas = array("d", [area])
        for level, (left, right) in zip(self._levels, pairwise(self._times), strict=False):
            area += level * (right - left)
            self._areas.append(area)


class Ledger:
    """The books of one cluster."""

    def __init__(self, origin: float) -> None:
        self.cpus, self.memory, self.gpus = (StepFunction(origin) for _ in range(3))
        self.total_cpus, self.total_memory, self.total_gpus = (StepFunction(origin) for _ in range(3))
        self._begun = StepFunction(origin)
        self._over = StepFunction(origin)

    def allocate(self, at: float, request: JobRequest, sign: int) -> None:
        """Book the resources of a job, ``sign`` 1 when it takes them and -1 when it gives them back."""
        wanted = request.resources
        times = sign * (request.nodes if request.gang is None else request.gang)
        self.cpus.add(at, times * wanted.cpus)
        self.memory.add(at, times * wanted.memory)
        self.gpus.add(at, times * wanted.gpus)

    def provide(self, at: float, capacity: Resources, sign: int) -> None:
        """Book a node, ``sign`` 1 when it comes up and -1 when it goes."""
        self.total_cpus.add(at, sign * capacity.cpus)
        self.total_memory.add(at, sign * capacity.memory)
        self.total_gpus.add(at, sign * capacity.gpus)

    def begin(self, at: float) -> None:
        """Count a job from its first start on."""
        self._begun.add(at, 1)

    def finish(self, at: float) -> None:
        """Count a job as over."""
        self._over.add(at, 1)

    def areas(self, since: float, until: float) -> list[tuple[float, float]]:
        """Return the CPU, memory and GPU seconds of a period, each used and there."""
        used = (self.cpus, self.memory, self.gpus)
        there = (self.total_cpus, self.total_memory, self.total_gpus)
        return [
            (part.between(since, until), all_.between(since, until)) for part, all_ in zip(used, there, strict=True)
        ]

    def usage(self, start: float, end: float, now: float) -> Usage:
        """Return the totals of a period; what lies after ``now`` has not been used yet."""
        until = min(end, now)
        since = min(start, until)
        (cpu, _), (memory, _), (gpu, _) = self.areas(since, until)
        mean = load([self], since, until)
        return Usage(
            start=start,
            end=end,
            cpu_hours=cpu / _HOUR,
            gpu_hours=gpu / _HOUR,
            memory_gb_hours=memory / _HOUR / _GIGABYTE,
            jobs_total=round(self._begun.level(until) - self._over.level(since)) if since < until else 0,
            cpu_percent=mean.cpu_percent,
            memory_percent=mean.memory_percent,
            gpu_percent=mean.gpu_percent,
        )


def load(ledgers: Iterable[Ledger], since: float, until: float) -> Load:
    """Return the mean load of several clusters together in a period that does not lie in the future."""
    used, there = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    for ledger in ledgers:
        for index, (part, whole) in enumerate(ledger.areas(since, max(since, until))):
            used[index] += part
            there[index] += whole
    return Load(*map(_percent, used, there))


def _percent(part: float, whole: float) -> float:
    return min(100.0, 100.0 * part / whole) if whole > 0 else 0.0
