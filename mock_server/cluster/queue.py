"""The jobs of one cluster that compete for nodes, by lanes.

A lane holds the jobs of one partition that are under the same limits.  Within it, and among the heads of all lanes, the
higher priority comes first and then the order of submission.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from mock_server.cluster.limits import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.limits import Limit

LaneKey = tuple[str, tuple["Limit", ...]]
"""The name of a partition, and what a job there counts for."""

Entry = tuple[int, int, "Job"]
"""The rank of a job with its sign changed, its number and the job; what is smaller comes first."""


class Lane:
    """Jobs that wait for the same, by their numbers, and the sum of what they ask for."""

    __slots__ = ("_heap", "cpus", "entries", "gpus", "key", "limits", "memory", "partition")

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.partition, self.limits = key
        self.entries: dict[int, Entry] = {}
        self.cpus = 0
        self.memory = 0
        self.gpus = 0
        self._heap: list[Entry] = []

    def add(self, job: Job, rank: int) -> None:
        """Queue a job, or move it to the place that its rank now gives it."""
        number = job.number
        if number not in self.entries:
            self._count(job.request, 1)
        self.entries[number] = entry = (-rank, number, job)
        heappush(self._heap, entry)

    def discard(self, job: Job) -> None:
        """Take a job out."""
        del self.entries[job.number]
        self._count(job.request, -1)

    def first(self) -> Entry | None:
        """Return the job that has to start next."""
        heap, entries = self._heap, self.entries
        while heap:
            entry = heap[0]
            if entries.get(entry[1]) is entry:
                return entry
            heappop(heap)
        return None

    def rerank(self, rank: Callable[[Job], int]) -> None:
        """Put all jobs in the order that has become right."""
        self.entries = {number: (-rank(job), number, job) for number, (_, _, job) in self.entries.items()}
        self._heap = list(self.entries.values())
        heapify(self._heap)

    def _count(self, request: JobRequest, sign: int) -> None:
        wanted = request.resources
        times = sign * (request.nodes if request.gang is None else request.gang)
        self.cpus += times * wanted.cpus
        self.memory += times * wanted.memory
        self.gpus += times * wanted.gpus


class JobQueue:
    """All lanes of a cluster; a lane is there as long as it has jobs."""

    def __init__(
        self,
        rank: Callable[[Job], int] | None = None,
        limits: Callable[[Job], tuple[Limit, ...]] | None = None,
    ) -> None:
        self.lanes: dict[LaneKey, Lane] = {}
        self._lane_of: dict[int, Lane] = {}
        self._rank = rank or _requested
        self._limits = limits or _unlimited

    def __len__(self) -> int:
        return len(self._lane_of)

    def __contains__(self, job: Job) -> bool:
        return job.number in self._lane_of

    def __iter__(self) -> Iterator[Job]:
        """Yield the jobs in the order in which they will be considered."""
        return (job for _, _, job in sorted(lane.entries[number] for number, lane in self._lane_of.items()))

    def key(self, job: Job) -> LaneKey:
        """Return the lane of a job."""
        return job.partition, self._limits(job)

    def add(self, job: Job) -> None:
        """Queue a job, or move it to the place that its rank now gives it."""
        lane = self._lane_of.get(job.number)
        if lane is None:
            key = (job.partition, self._limits(job))
            lane = self.lanes.get(key)
            if lane is None:
                lane = self.lanes[key] = Lane(key)
            self._lane_of[job.number] = lane
        lane.add(job, self._rank(job))

    def discard(self, job: Job) -> None:
        """Take a job out if it is in."""
        lane = self._lane_of.pop(job.number, None)
        if lane is not None:
            lane.discard(job)
            if not lane.entries:
                del self.lanes[lane.key]

    def heads(self) -> list[tuple[Entry, Lane]]:
        """Return the first jobs of the lanes, as a heap."""
        found = [(entry, lane) for lane in self.lanes.values() if (entry := lane.first()) is not None]
        heapify(found)
        return found

    def head(self) -> Job | None:
        """Return the job that comes before all others."""
        best = min(self.heads(), default=None)
        return None if best is None else best[0][2]

    def rerank(self) -> None:
        """Ask for all ranks anew."""
        for lane in self.lanes.values():
            lane.rerank(self._rank)


def _requested(job: Job) -> int:
    return job.priority


def _unlimited(_job: Job) -> tuple[Limit, ...]:
    return UNLIMITED
