"""The queue of one cluster: higher priority first, then the order of submission."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.job import Job


class JobQueue:
    """Jobs that wait for resources, and the sum of what they ask for."""

    def __init__(self) -> None:
        self.cpus = 0
        self.memory = 0
        self.gpus = 0
        self._heap: list[tuple[int, int]] = []
        self._jobs: dict[int, Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: Job) -> bool:
        return job.number in self._jobs

    def __iter__(self) -> Iterator[Job]:
        """Yield the jobs in the order in which they will be considered."""
        return iter(sorted(self._jobs.values(), key=lambda job: (-job.priority, job.number)))

    def add(self, job: Job) -> None:
        """Queue a job, or move it to the place that its priority now gives it."""
        if job.number not in self._jobs:
            self._jobs[job.number] = job
            self._count(job, 1)
        heappush(self._heap, (-job.priority, job.number))

    def discard(self, job: Job) -> None:
        """Take a job out if it is in."""
        if self._jobs.pop(job.number, None) is not None:
            self._count(job, -1)

    def head(self) -> Job | None:
        """Return the job that has to start next."""
        while self._heap:
            priority, number = self._heap[0]
            job = self._jobs.get(number)
            if job is not None and job.priority == -priority:
                return job
            heappop(self._heap)
        return None

    def _count(self, job: Job, sign: int) -> None:
        request = job.request
        wanted = request.resources
        times = sign * request.shares
        self.cpus += times * wanted.cpus
        self.memory += times * wanted.memory
        self.gpus += times * wanted.gpus
