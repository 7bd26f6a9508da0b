"""What jobs went through in a period: exact counts and durations from every one of them, not from samples."""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort
from dataclasses import dataclass
from heapq import merge
from math import ceil, fsum
from typing import TYPE_CHECKING

from mock_server.cluster.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds over ``count`` jobs, all 0 where there are none; percentiles by nearest rank, so each one occurred."""

    count: int = 0
    mean: float = 0.0
    max: float = 0.0
    p50: float = 0.0
    p99: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """How much of the capacity that was there had been given to jobs, in percent."""

    cpu_percent: float = 0.0
    memory_percent: float = 0.0
    gpu_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """A period after ``start`` and until ``end``, so that the counts of adjacent periods add up.

    ``wait`` is of each start in it, from when the job could compete; ``run`` of each job that ended in it after it had
    started, its last run.  A job that starts again after a failure counts as started again.
    ``peak_started_per_second`` is the largest number of starts within one second, wherever that begins.
    """

    start: float
    end: float
    submitted: int
    started: int
    completed: int
    failed: int
    cancelled: int
    wait: Durations
    run: Durations
    peak_started_per_second: int
    load: Load = Load()

    @property
    def dispatch_p50(self) -> float:
        """Seconds from when a job could compete to its start."""
        return self.wait.p50

    @property
    def dispatch_p99(self) -> float:
        return self.wait.p99

    @property
    def started_per_second(self) -> float:
        return self.started / (self.end - self.start) if self.end > self.start else 0.0


class Series:
    """Instants in order, each with a number if ``valued``: 8 or 16 bytes an entry."""

    def __init__(self, *, valued: bool = False) -> None:
        self.times = array("d")
        self._values = array("d") if valued else None

    def add(self, at: float, value: float = 0.0) -> None:
        """Note an instant, also one that is older than others."""
        if not self.times or at >= self.times[-1]:
            self.times.append(at)
            if self._values is not None:
                self._values.append(value)
            return
        if self._values is not None:
            self._values.insert(bisect_right(self.times, at), value)
        insort(self.times, at)

    def count(self, start: float, end: float) -> int:
        return max(0, bisect_right(self.times, end) - bisect_right(self.times, start))

    def between(self, start: float, end: float) -> Sequence[float]:
        """Return the values of a period, or its instants if there are no values."""
        kept = self.times if self._values is None else self._values
        return kept[bisect_right(self.times, start) : bisect_right(self.times, end)]


class Tally:
    """The jobs of one queue on one cluster: some 50 bytes for each."""

    def __init__(self) -> None:
        self.submitted = Series()
        self.started = Series()
        self.waits = Series(valued=True)
        self.runs = Series(valued=True)
        self.ended = {state: Series() for state in JobState if state.is_terminal}


class Tallies:
    """The tallies of all clusters and queues, fed by each step of a job's life."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str | None], Tally] = {}

    def submitted(self, cluster_id: str, queue: str | None, at: float) -> None:
        self._tally(cluster_id, queue).submitted.add(at)

    def started(self, cluster_id: str, queue: str | None, at: float, eligible_at: float) -> None:
        """Note a start of a job that could compete since ``eligible_at``."""
        tally = self._tally(cluster_id, queue)
        tally.started.add(at)
        tally.waits.add(at, max(0.0, at - eligible_at))

    def ended(
        self, cluster_id: str, queue: str | None, at: float, state: JobState, started_at: float | None = None
    ) -> None:
        """Note an end, and the run of a job that had started."""
        tally = self._tally(cluster_id, queue)
        tally.ended[state].add(at)
        if started_at is not None:
            tally.runs.add(at, at - started_at)

    def statistics(
        self,
        start: float,
        end: float,
        *,
        cluster_id: str | None = None,
        queue: str | None = None,
        load: Load | None = None,
    ) -> Statistics:
        """Add up a period, of one cluster or queue if they are given."""
        chosen = [
            tally
            for (own_cluster, own_queue), tally in self._tallies.items()
            if cluster_id in {None, own_cluster} and queue in {None, own_queue}
        ]

        def ended(state: JobState) -> int:
            return sum(tally.ended[state].count(start, end) for tally in chosen)

        return Statistics(
            start=start,
            end=end,
            submitted=sum(tally.submitted.count(start, end) for tally in chosen),
            started=sum(tally.started.count(start, end) for tally in chosen),
            completed=ended(JobState.COMPLETED),
            failed=ended(JobState.FAILED),
            cancelled=ended(JobState.CANCELLED),
            wait=durations([wait for tally in chosen for wait in tally.waits.between(start, end)]),
            run=durations([run for tally in chosen for run in tally.runs.between(start, end)]),
            peak_started_per_second=peak(merge(*(tally.started.between(start, end) for tally in chosen))),
            load=Load() if load is None else load,
        )

    def _tally(self, cluster_id: str, queue: str | None) -> Tally:
        tally = self._tallies.get((cluster_id, queue))
        if tally is None:
            tally = self._tallies[cluster_id, queue] = Tally()
        return tally


def durations(values: Iterable[float]) -> Durations:
    """Sum up some durations in seconds."""
    ordered = sorted(values)
    if not ordered:
        return Durations()
    count = len(ordered)
    return Durations(
        count=count,
        mean=fsum(ordered) / count,
        max=ordered[-1],
        p50=ordered[ceil(0.50 * count) - 1],
        p99=ordered[ceil(0.99 * count) - 1],
    )


def peak(times: Iterable[float]) -> int:
    """Return how many of the ordered instants lie within one second at most."""
    window: list[float] = []
    oldest = most = 0
    for at in times:
        window.append(at)
        while at - window[oldest] >= _SECOND:
            oldest += 1
        most = max(most, len(window) - oldest)
    return most
