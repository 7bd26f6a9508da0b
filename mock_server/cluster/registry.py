"""All jobs of a backend: their ids, numbers and idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.backend import NotFoundError
from mock_server.cluster.job import Job, JobState
from mock_server.cluster.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.job import JobRequest


class Registry:
    """Jobs by id, oldest first; ``submitted`` and ``deleted`` count all that ever came and went."""

    def __init__(self, id_factory: Callable[[int], str] | None) -> None:
        self.jobs: dict[str, Job] = {}
        self.submitted = 0
        self.deleted = 0
        self._id_factory: Callable[[int], str] = id_factory or "job_{}".format
        self._number = 0
        self._newest = float("-inf")
        self._ids_by_key: dict[tuple[str, str], str] = {}

    def get(self, job_id: str) -> Job:
        """Return a job or raise ``NotFoundError``."""
        job = self.jobs.get(job_id)
        if job is None:
            raise NotFoundError("job", job_id)
        return job

    def repeated(self, request: JobRequest) -> Job | None:
        """Return the job that the same user submitted under the same idempotency key."""
        if request.idempotency_key is None:
            return None
        job_id = self._ids_by_key.get((request.user_id, request.idempotency_key))
        return self.jobs[job_id] if job_id is not None else None

    def number(self) -> int:
        """Return the number of the next job."""
        self._number += 1
        return self._number

    def create(self, request: JobRequest, cluster_id: str, now: float) -> Job:
        """Add a new job under a new id."""
        job_id = self._id_factory(number := self.number())
        while job_id in self.jobs:
            # An adopted job has taken this id.
            job_id = self._id_factory(number := self.number())
        job = Job(
            id=job_id,
            request=request,
            cluster_id=cluster_id,
            state=JobState.PENDING,
            created_at=now,
            updated_at=now,
            log=Log([]),
            name=request.name,
            priority=request.priority,
            environment=dict(request.environment),
            output_path=request.output_path,
            outputs={},
            number=number,
        )
        self.add(job)
        return job

    def add(self, job: Job) -> None:
        """Add a job, also one that is older than others."""
        self.jobs[job.id] = job
        self.submitted += 1
        if job.request.idempotency_key is not None:
            self._ids_by_key[job.request.user_id, job.request.idempotency_key] = job.id
        if job.created_at < self._newest:
            # In place, for the sake of those who look at the jobs through a view.
            ordered = sorted(self.jobs.items(), key=lambda item: item[1].created_at)
            self.jobs.clear()
            self.jobs.update(ordered)
        self._newest = max(self._newest, job.created_at)

    def remove(self, job: Job) -> None:
        """Forget a job."""
        del self.jobs[job.id]
        self.deleted += 1
        if job.request.idempotency_key is not None:
            self._ids_by_key.pop((job.request.user_id, job.request.idempotency_key), None)
