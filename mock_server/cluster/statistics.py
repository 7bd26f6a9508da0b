"""What jobs went through in a period: exact counts and durations from every one of them, not from samples."""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass
from heapq import merge
from math import ceil, fsum
from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mock_server.cluster.job import Job

_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds over ``count`` jobs, all 0 where there are none; percentiles by nearest rank, so each one occurred."""

    count: int = 0
    mean: float = 0.0
    max: float = 0.0
    p50: float = 0.0
    p99: float = 0.0


class Load(NamedTuple):
    """How much of the capacity that was there had been given to jobs, in percent."""

    cpu_percent: float = 0.0
    memory_percent: float = 0.0
    gpu_percent: float = 0.0


NO_LOAD = Load()


@dataclass(frozen=True, slots=True)
class Statistics:
    """A period after ``start`` and until ``end``, so that the counts of adjacent periods add up.

    ``wait`` is of each start in it, from when the job could compete; ``run`` of each job that ended in it after it had
    started, its last run.  A job that starts again after a failure counts as started again.
    ``peak_started_per_second`` is the largest number of starts within one second, wherever that begins.  The
    percentages are those of ``Load``, of the whole cluster also where only one queue was asked for.
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
    cpu_percent: float = 0.0
    memory_percent: float = 0.0
    gpu_percent: float = 0.0

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


class Instants:
    """Instants in order, 8 bytes each."""

    def __init__(self) -> None:
        self._times = array("d")

    def __len__(self) -> int:
        return len(self._times)

    def add(self, at: float) -> None:
        """Note an instant, also one that is older than others."""
        times = self._times
        if not times or at >= times[-1]:
            times.append(at)
        else:
            insort(times, at)

    def count(self, start: float, end: float) -> int:
        span = self._span(start, end)
        return max(0, span.stop - span.start)

    def between(self, start: float, end: float) -> Sequence[float]:
        """Return the instants of a period."""
        return self._times[self._span(start, end)]

    def _span(self, start: float, end: float) -> slice[int, int, None]:
        return slice(bisect_right(self._times, start), bisect_right(self._times, end))


class Samples(Instants):
    """Instants with a number each, 16 bytes together."""

    def __init__(self) -> None:
        super().__init__()
        self._values = array("d")

    def note(self, at: float, value: float) -> None:
        """Note a number at an instant."""
        times = self._times
        if not times or at >= times[-1]:
            times.append(at)
            self._values.append(value)
        else:
            index = bisect_right(times, at)
            times.insert(index, at)
            self._values.insert(index, value)

    def values(self, start: float, end: float) -> Sequence[float]:
        """Return the numbers of a period."""
        return self._values[self._span(start, end)]


class Tally:
    """The jobs of one queue on one cluster: some 50 bytes for each."""

    def __init__(self) -> None:
        self.submitted = Instants()
        self.waits = Samples()
        self.runs = Samples()
        self.ended = {state: Instants() for state in JobState if state.is_terminal}


class Tallies:
    """The tallies of all clusters and queues, fed by each step of a job's life."""

    def __init__(self) -> None:
        self._tallies: defaultdict[tuple[str, str | None], Tally] = defaultdict(Tally)

    def submitted(self, job: Job, at: float) -> None:
        self._tallies[job.cluster_id, job.request.queue].submitted.add(at)

    def started(self, job: Job, at: float) -> None:
        """Note a start, and the wait since the job could compete."""
        tally = self._tallies[job.cluster_id, job.request.queue]
        since = job.created_at if job.eligible_at is None else job.eligible_at
        tally.waits.note(at, at - since)

    def ended(self, job: Job, at: float, state: JobState) -> None:
        """Note an end, and the run of a job that had started."""
        tally = self._tallies[job.cluster_id, job.request.queue]
        tally.ended[state].add(at)
        if job.started_at is not None:
            tally.runs.note(at, at - job.started_at)

    def statistics(
        self,
        start: float,
        end: float,
        *,
        cluster_id: str | None = None,
        queue: str | None = None,
        mean: Load = NO_LOAD,
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
            started=sum(tally.waits.count(start, end) for tally in chosen),
            completed=ended(JobState.COMPLETED),
            failed=ended(JobState.FAILED),
            cancelled=ended(JobState.CANCELLED),
            wait=durations([wait for tally in chosen for wait in tally.waits.values(start, end)]),
            run=durations([run for tally in chosen for run in tally.runs.values(start, end)]),
            peak_started_per_second=peak(merge(*(tally.waits.between(start, end) for tally in chosen))),
            **mean._asdict(),
        )


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
