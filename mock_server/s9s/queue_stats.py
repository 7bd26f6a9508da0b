"""How full partitions and queues are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import JobState

if TYPE_CHECKING:
    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.job import Job

WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


@dataclass(slots=True)
class QueueLoad:
    """The active jobs of a partition, or of a queue with a ``limit``; ``kind`` is ``partition`` or ``queue``."""

    kind: str
    name: str
    limit: int | None = None
    running: int = 0
    pending: int = 0
    oldest: float | None = None

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.running >= self.limit and self.pending > 0

    def count(self, job: Job) -> None:
        """Count an active job."""
        if job.state is JobState.RUNNING:
            self.running += 1
        else:
            self.pending += 1
            self.oldest = job.created_at if self.oldest is None else min(self.oldest, job.created_at)

    def move(self, previous: str | None, state: str) -> None:
        """Count a job that goes from one state to another; one that is new has no ``previous``."""
        for word, change in ((previous, -1), (state, 1)):
            if word == JobState.RUNNING:
                self.running += change
            elif word in WAITING:
                self.pending += change

    def view(self, now: float) -> dict[str, Any]:
        """Return the load as readers see it; the age of the job that waits longest is in seconds."""
        age = None if self.oldest is None else round(now - self.oldest)
        view = {self.kind: self.name, "jobs_running": self.running, "jobs_pending": self.pending, "oldest_wait": age}
        return view if self.limit is None else {**view, "max_concurrency": self.limit}


def loads(cluster: ClusterBackend) -> list[QueueLoad]:
    """Return the loads of all partitions and queues at this moment."""
    partitions = {name: QueueLoad("partition", name) for name in cluster.partitions}
    queues = {name: QueueLoad("queue", name, queue.max_concurrency) for name, queue in cluster.queues.items()}
    for job in cluster.jobs.values():
        if job.state.is_terminal:
            continue
        if job.partition in partitions:
            partitions[job.partition].count(job)
        if job.queue in queues:
            queues[job.queue].count(job)
    return [*partitions.values(), *queues.values()]
