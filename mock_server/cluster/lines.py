"""Who waits in each queue of the job service, in order."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.job import Job

Order = tuple[int, int]
"""The rank of a job with its sign changed, and its number; what is smaller comes first."""


class Lines:
    """The waiting jobs by queue, whether they compete already or not; those without a queue are not here."""

    def __init__(self, rank: Callable[[Job], int]) -> None:
        self._rank = rank
        self._lines: dict[str, list[Order]] = {}
        self._orders: dict[int, Order] = {}
        self._jobs: dict[int, Job] = {}

    def __contains__(self, job: Job) -> bool:
        return job.number in self._orders

    def enter(self, job: Job) -> None:
        """Let a job wait, or move it to the place that its rank now gives it."""
        queue = job.request.queue
        if queue is not None:
            self.leave(job)
            self._orders[job.number] = order = (-self._rank(job), job.number)
            self._jobs[job.number] = job
            insort(self._lines.setdefault(queue, []), order)

    def leave(self, job: Job) -> None:
        """Let a job wait no more, if it does."""
        order = self._orders.pop(job.number, None)
        if order is not None:
            del self._jobs[job.number]
            line = self._lines[job.request.queue or ""]
            del line[bisect_left(line, order)]

    def position(self, job: Job) -> int | None:
        """Return the place of a job in its line, from 1."""
        order = self._orders.get(job.number)
        return None if order is None else 1 + bisect_left(self._lines[job.request.queue or ""], order)

    def of(self, queue: str) -> list[Job]:
        """Return who waits in a queue, the next one first."""
        return [self._jobs[number] for _, number in self._lines.get(queue, ())]
