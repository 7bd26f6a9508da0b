"""All jobs of a backend: their ids, numbers, arrays and idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.backend import NotFoundError
from mock_server.cluster.job import Job, JobState
from mock_server.cluster.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.cluster.facility import Terms
    from mock_server.cluster.job import ArrayTask, IdForm, JobRequest
    from mock_server.cluster.meter import Meter

ID_FACTORIES: dict[IdForm, Callable[[int], str]] = {"platform": "job_{}".format, "jobservice": "job-{}".format}
"""Each form's ids by the number of the job; those of ``s9s`` count up from the highest that there is."""

DIGITS = 15
"""Longer numbers are no ids that this backend gave out."""


class Registry:
    """Jobs by id, oldest first; ``submitted`` and ``deleted`` count all that ever came and went."""

    def __init__(self, id_factories: Mapping[IdForm, Callable[[int], str]], meter: Meter) -> None:
        self.jobs: dict[str, Job] = {}
        self.arrays: dict[str, list[Job]] = {}
        self.submitted = 0
        self.deleted = 0
        self._meter = meter
        self._id_factories = {**ID_FACTORIES, **id_factories}
        self._number = 0
        self._highest = 0
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

    def array(self, array_job_id: str) -> tuple[Job, ...]:
        """Return the tasks of an array in the order of their numbers, or raise ``NotFoundError``."""
        tasks = self.arrays.get(array_job_id)
        if tasks is None:
            raise NotFoundError("job", array_job_id)
        return tuple(tasks)

    def new_id(self, form: IdForm) -> str:
        """Return an id that nothing has yet; it costs a number."""
        while True:
            number = self.number()
            if form == "s9s":
                self._highest += 1
                job_id = str(self._highest)
            else:
                job_id = self._id_factories[form](number)
            if job_id not in self.jobs and job_id not in self.arrays:
                return job_id

    def create(
        self,
        job_id: str,
        request: JobRequest,
        terms: Terms,
        now: float,
        *,
        array: ArrayTask | None = None,
    ) -> Job:
        """Add a new job; the number of the last new id is its own, unless it is a task of an array."""
        job = Job(
            id=job_id,
            request=request,
            cluster_id=terms.partition.cluster.id,
            state=JobState.PENDING,
            created_at=now,
            updated_at=now,
            log=Log([]),
            name=request.name,
            priority=request.priority,
            environment=dict(request.environment),
            output_path=request.output_path,
            partition=terms.partition.name,
            account=terms.account,
            held=request.hold,
            time_limit=terms.time_limit,
            array=array,
            eligible_at=now,
            outputs={},
            number=self._number if array is None else self.number(),
        )
        self.add(job)
        return job

    def add(self, job: Job) -> None:
        """Add a job, also one that is older than others."""
        self.jobs[job.id] = job
        job.meter = self._meter
        self.submitted += 1
        if job.id[0].isdecimal():
            self._note(job.id)
        if job.array is not None:
            self.arrays.setdefault(job.array.array_job_id, []).append(job)
        if job.request.idempotency_key is not None:
            # Of an array it is the first task.
            self._ids_by_key.setdefault((job.request.user_id, job.request.idempotency_key), job.id)
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
        if job.array is not None:
            tasks = self.arrays[job.array.array_job_id]
            tasks.remove(job)
            if not tasks:
                del self.arrays[job.array.array_job_id]
        key = (job.request.user_id, job.request.idempotency_key or "")
        if self._ids_by_key.get(key) == job.id:
            del self._ids_by_key[key]

    def _note(self, job_id: str) -> None:
        if job_id.isdecimal() and len(job_id) <= DIGITS:
            self._highest = max(self._highest, int(job_id))
