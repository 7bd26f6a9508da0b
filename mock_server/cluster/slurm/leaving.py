"""How jobs leave the server's view: by being deleted, or by another job under their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.slurm.identity import job_id, slurm_key
from mock_server.cluster.slurm.register import Register

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import Job
    from mock_server.cluster.slurm.identity import Tag
    from mock_server.cluster.slurm.records import JobRecord


class Leaving(Register):
    """Slurm gives a number again when it has lost its state, or has reached ``MaxJobId``."""

    def deleted(self, job: Job, now: float) -> None:
        """Forget a job, also if Slurm goes on listing it; ``flush`` makes it last."""
        self._drop(job, now)
        self._deleted.add(slurm_key(job.id))
        self._gone[job.id] = slurm_key(job.id)

    def displaced(self, form: Any, number: int, keys: Iterable[str], now: float) -> None:
        """Forget what had a number before that another job has now; ``keys`` are those of the other one."""
        whole = job_id(form, number)
        before = [*self.arrays.get(whole, ()), *([self.jobs[whole]] if whole in self.jobs else ())]
        again = self._deleted.intersection(keys)
        self.finished.discard(number)
        if not before and not again:
            return
        for job in before:
            if not job.state.is_terminal:
                self._lose(job, now)
            self._drop(job, now)
        self._forget_tokens({job.id for job in before})
        self._deleted -= again
        self._memory.displace([job.id for job in before], again)

    def is_another(self, job: Job, record: JobRecord, tag: Tag | None) -> bool:
        """Tell whether a record is not of the job that ended under its number."""
        if job.ended_at is None or record.restarts or record.submitted <= job.ended_at:
            return False
        known = None if tag is None else self.by_token.get(tag.token)
        return known is None or _number(known) != _number(job.id)

    def _lose(self, job: Job, now: float) -> None:
        raise NotImplementedError

    def _drop(self, job: Job, now: float) -> None:
        self._record("job.deleted", job, now)
        del self.jobs[job.id]
        self.unmeasured.pop(job.id, None)
        self.unread.pop(job.id, None)
        self._forget(job)
        self._dirty.pop(job.id, None)
        if job.array is not None:
            tasks = self.arrays[job.array.array_job_id]
            tasks.remove(job)
            if not tasks:
                del self.arrays[job.array.array_job_id]


def _number(job_id: str) -> str:
    return slurm_key(job_id).partition("_")[0]
