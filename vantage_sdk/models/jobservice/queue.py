"""Queues of the job service."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from vantage_sdk.models.base import Model, Timestamp


class QueuedJob(Model):
    """A job that waits in a queue."""

    id: str
    priority: int | None = None
    queued_at: Timestamp | None = None


class QueueStats(Model):
    """How a queue does: jobs that left it in the last hour, and the mean seconds that they waited and ran."""

    jobs_processed_1h: int | None = None
    avg_wait_time_seconds: float | None = None
    avg_processing_time_seconds: float | None = None


class Queue(Model):
    """A queue: ``depth`` jobs wait in it, ``processing`` of at most ``max_concurrency`` run.

    ``oldest_job_age_seconds`` is there in lists, ``jobs`` and ``stats`` when one queue is fetched.
    """

    name: str
    depth: int | None = None
    processing: int | None = None
    max_concurrency: int | None = None
    oldest_job_age_seconds: float | None = None
    jobs: list[QueuedJob] | None = None
    stats: QueueStats | None = None


class Queues(Model):
    """All queues, itself a sequence of them, with the number of jobs that wait and run in all of them together."""

    queues: list[Queue] = Field(default_factory=list[Queue])
    total_pending: int | None = None
    total_processing: int | None = None

    def __iter__(self) -> Iterator[Queue]:  # type: ignore[override]
        return iter(self.queues)

    def __len__(self) -> int:
        return len(self.queues)

    def __getitem__(self, index: int) -> Queue:
        return self.queues[index]
