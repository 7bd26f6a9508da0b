"""Which of several jobs have changed, asked one by one: no list of the job service is sorted by change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from vantage_sdk.models.jobservice.job import JobServiceJob

AT_ONCE = 8  # looks a tick, which is a second at least: the documented limit is 600 a minute
Gather = Callable[[Sequence[Callable[[], Any]], int], Awaitable[list[JobServiceJob]]]


class Watch:
    """The jobs that have not ended yet, those first that were not looked at for the longest time."""

    def __init__(self, get: Callable[[str], Awaitable[JobServiceJob]], gather: Gather, job_ids: Iterable[str]) -> None:
        self._get = get
        self._gather = gather
        self._seen: dict[str, str | None] = dict.fromkeys(job_ids)

    @property
    def pending(self) -> Collection[str]:
        return self._seen.keys()

    @property
    def share(self) -> float:
        return min(1.0, AT_ONCE / len(self._seen))

    async def tick(self) -> list[JobServiceJob]:
        """Return the jobs whose status changed since they were looked at; those that ended are not pending any more."""
        wanted = [*islice(self._seen, AT_ONCE)]
        found = await self._gather([partial(self._get, job_id) for job_id in wanted], AT_ONCE)
        changed: list[JobServiceJob] = []
        for job_id, job in zip(wanted, found, strict=True):
            if self._seen.pop(job_id) != job.status:
                changed.append(job)
            if not job.is_terminal:
                self._seen[job_id] = job.status
        return changed
