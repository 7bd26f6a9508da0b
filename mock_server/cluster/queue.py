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

    from mock_server.cluster.job import Job
    from mock_server.cluster.limits import Limit

LaneKey = tuple[str, tuple["Limit", ...]]
"""The name of a partition, and what a job there counts for."""

Order = tuple[int, int]
"""The rank of a job with its sign changed, and its number; what is smaller comes first."""


class Lane:
    """Jobs that wait for the same, and the sum of what they ask for."""

    __slots__ = ("_heap", "cpus", "gpus", "jobs", "key", "memory", "ranks")

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.jobs: dict[int, Job] = {}
        self.ranks: dict[int, int] = {}
        self.cpus = 0
        self.memory = 0
        self.gpus = 0
        self._heap: list[Order] = []

    @property
    def partition(self) -> str:
        return self.key[0]

    @property
    def limits(self) -> tuple[Limit, ...]:
        return self.key[1]

    def add(self, job: Job, rank: int) -> None:
        """Queue a job, or move it to the place that its rank now gives it."""
        number = job.number
        if number not in self.jobs:
            self.jobs[number] = job
            self._count(job, 1)
        self.ranks[number] = rank
        heappush(self._heap, (-rank, number))

    def discard(self, job: Job) -> None:
        """Take a job out."""
        del self.jobs[job.number], self.ranks[job.number]
        self._count(job, -1)

    def first(self) -> Order | None:
        """Return the place of the job that has to start next."""
        heap, ranks = self._heap, self.ranks
        while heap:
            order = heap[0]
            if ranks.get(order[1]) == -order[0]:
                return order
            heappop(heap)
        return None

    def rerank(self, rank: Callable[[Job], int]) -> None:
        """Put all jobs in the order that has become right."""
        self.ranks = {number: rank(job) for number, job in self.jobs.items()}
        self._heap = [(-value, number) for number, value in self.ranks.items()]
        heapify(self._heap)

    def _count(self, job: Job, sign: int) -> None:
        request = job.request
        wanted = request.resources
        times = sign * request.shares
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
        places = sorted((-lane.ranks[number], number) for number, lane in self._lane_of.items())
        return (self._lane_of[number].jobs[number] for _, number in places)

    def add(self, job: Job) -> None:
        """Queue a job, or move it to the place that its rank now gives it."""
        lane = self._lane_of.get(job.number)
        if lane is None:
            key = self.key(job)
            lane = self.lanes.get(key)
            if lane is None:
                lane = self.lanes[key] = Lane(key)
            self._lane_of[job.number] = lane
        lane.add(job, self._rank(job))

    def key(self, job: Job) -> LaneKey:
        """Return the lane of a job."""
        return job.partition, self._limits(job)

    def discard(self, job: Job) -> None:
        """Take a job out if it is in."""
        lane = self._lane_of.pop(job.number, None)
        if lane is not None:
            lane.discard(job)
            if not lane.jobs:
                del self.lanes[lane.key]

    def heads(self) -> list[tuple[Order, Lane]]:
        """Return the lanes with the places of their first jobs, as a heap."""
        found = [(order, lane) for lane in self.lanes.values() if (order := lane.first()) is not None]
        heapify(found)
        return found

    def head(self) -> Job | None:
        """Return the job that comes before all others."""
        best = min(self.heads(), default=None)
        return None if best is None else best[1].jobs[best[0][1]]

    def rerank(self) -> None:
        """Ask for all ranks anew."""
        for lane in self.lanes.values():
            lane.rerank(self._rank)


def _requested(job: Job) -> int:
    return job.priority


def _unlimited(_job: Job) -> tuple[Limit, ...]:
    return UNLIMITED
