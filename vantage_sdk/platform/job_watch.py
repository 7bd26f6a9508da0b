"""Which of many jobs have changed, asked with one list call a tick.

The list is sorted by the time of the last change and asked only for what came after the last tick, so its cost depends on
what happens and not on how many jobs are watched.  Jobs of a server that tells no such time are fetched one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from vantage_sdk.models.job import Job

if TYPE_CHECKING:
    from vantage_sdk.platform.jobs import Jobs

OVERLAP = timedelta(seconds=1)  # servers may tell times in whole seconds
PAGE = 100
WORKERS = 8


class Watch:
    """The jobs that have not ended yet, and how far the list of changes was read."""

    share = 1.0

    def __init__(self, jobs: Jobs[Any], options: Mapping[str, Any], wanted: Mapping[str, str | Job]) -> None:
        self._jobs = jobs
        self._options = options
        self.pending: dict[str, Job | None] = dict.fromkeys(wanted)
        self._given = {job_id: job for job_id, job in wanted.items() if isinstance(job, Job)}
        self._cursor: datetime | None = None

    async def tick(self) -> list[Job]:
        """Return the jobs whose status changed since the last tick; those that ended are not pending any more."""
        if self._given:
            changed = self._take([*self._given.values()])
            self._given = {}
            if any(job.is_terminal for job in changed):
                return changed
        elif unseen := [job_id for job_id, job in self.pending.items() if job is None]:
            return self._take(await self._each(unseen))
        else:
            changed = []
        return changed + self._take(await self._look())

    async def _look(self) -> list[Job]:
        known = [job for job in self.pending.values() if job is not None]
        times = [job.updated_at for job in known if isinstance(job.updated_at, datetime)]
        if not known or len(times) < len(known):
            return await self._each(list(self.pending))
        cursor = self._cursor or min(times)
        page = await self._jobs.list(sort="updated_at", updated_after=cursor - OVERLAP, limit=PAGE, **self._options)
        if page.total is not None and page.total > PAGE * max(1, len(self.pending) // WORKERS):
            return await self._skip_ahead()
        found = list(page)
        while page.has_next:
            page = await self._jobs.list(
                sort="updated_at",
                updated_after=cursor - OVERLAP,
                limit=PAGE,
                page_token=page.next_page_token,
                **self._options,
            )
            found += page
        self._cursor = max([cursor, *(job.updated_at for job in found if job.updated_at is not None)])
        if not any(job.id in self.pending for job in found):
            found += await self._oldest()
        return found

    async def _skip_ahead(self) -> list[Job]:
        """Too much happened since: note the time of the newest change, then fetch our jobs one by one."""
        newest = await self._jobs.list(sort="-updated_at", limit=1, **self._options)
        self._cursor = next((job.updated_at for job in newest if job.updated_at is not None), self._cursor)
        return await self._each(list(self.pending))

    async def _oldest(self) -> list[Job]:
        """Look at one quiet job itself, each in turn: a deleted one never shows in a list of changes."""
        job_id = next(iter(self.pending))
        self.pending[job_id] = self.pending.pop(job_id)
        return await self._each([job_id])

    async def _each(self, job_ids: list[str]) -> list[Job]:
        calls = [partial(self._jobs.get, job_id, **self._options) for job_id in job_ids]
        return await self._jobs._sender.io.gather(calls, WORKERS)

    def _take(self, found: list[Job]) -> list[Job]:
        changed: list[Job] = []
        for job in found:
            if job.id not in self.pending:
                continue
            seen = self.pending[job.id]
            if seen is None or seen.status != job.status:
                changed.append(job)
            self.pending[job.id] = job
            if job.is_terminal:
                del self.pending[job.id]
        return changed
