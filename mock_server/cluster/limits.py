"""How many jobs may run at once: of a queue, of a user in a quality of service, of an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mock_server.cluster.job import Job
    from mock_server.cluster.layout import Qos, QueueInfo


class Limit(NamedTuple):
    """One count, ``reason`` being why a job waits that would exceed it."""

    reason: str
    subject: str
    user_id: str = ""


UNLIMITED: tuple[Limit, ...] = ()


class Limits:
    """The counts of a whole backend; whoever ``watches`` is told when there is room again where there was none."""

    def __init__(self, qos: Mapping[str, Qos], queues: Mapping[str, QueueInfo]) -> None:
        self.running: dict[Limit, int] = {}
        self._qos = qos
        self._queues = queues
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        self._watchers.append(watcher)

    def of(self, job: Job) -> tuple[Limit, ...]:
        """Return what a job counts for."""
        request = job.request
        qos = self._qos[request.qos]
        if request.queue is None and request.array_limit is None and qos.max_jobs_per_user is None:
            return UNLIMITED
        found: list[Limit] = []
        if request.queue is not None:
            found.append(Limit("QueueConcurrencyLimit", request.queue))
        if qos.max_jobs_per_user is not None:
            found.append(Limit("QOSMaxJobsPerUserLimit", qos.name, request.user_id))
        if request.array_limit is not None and job.array is not None:
            found.append(Limit("JobArrayTaskLimit", job.array.array_job_id))
        return tuple(found)

    def exceeded(self, job: Job, limits: tuple[Limit, ...]) -> str | None:
        """Return why one more such job may not start now, ``None`` if it may."""
        for limit in limits:
            if self.running.get(limit, 0) >= self.most(job, limit):
                return limit.reason
        return None

    def room(self, job: Job, limit: Limit) -> int:
        """Return how many more jobs like this one may start."""
        return int(self.most(job, limit)) - self.running.get(limit, 0)

    def begin(self, limits: Iterable[Limit]) -> None:
        """Count a job that starts under these limits."""
        for limit in limits:
            self.running[limit] = self.running.get(limit, 0) + 1

    def end(self, job: Job) -> None:
        """Count a job no more that has given its nodes back."""
        for limit in self.of(job):
            was = self.running.pop(limit)
            if was > 1:
                self.running[limit] = was - 1
            if was >= self.most(job, limit):
                for watcher in self._watchers:
                    watcher()

    def most(self, job: Job, limit: Limit) -> int:
        """Return how many jobs such as this one may run under a limit."""
        if limit.reason == "QueueConcurrencyLimit":
            return self._queues[limit.subject].max_concurrency
        if limit.reason == "JobArrayTaskLimit":
            return job.request.array_limit or 1
        return self._qos[limit.subject].max_jobs_per_user or 0
