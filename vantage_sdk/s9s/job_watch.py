"""Which of many jobs of S9S have changed, asked with one list call a tick where that is cheaper than one call a job.

The list is of the jobs of the one user, if they are all of one, newest first, down to the oldest of those that are watched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from vantage_sdk.models.s9s_job import S9SJob

if TYPE_CHECKING:
    from vantage_sdk.s9s.jobs import Jobs

FEW = 3
PAGE = 1000
WORKERS = 8


class Watch:
    """The jobs that have not ended yet, each as it was seen last; of those given only the ended ones are believed."""

    share = 1.0

    def __init__(self, jobs: Jobs[Any], options: Mapping[str, Any], wanted: Mapping[str, S9SJob | None]) -> None:
        self._jobs = jobs
        self._options = options
        self.pending: dict[str, S9SJob | None] = dict.fromkeys(wanted)
        self._ended = [job for job in wanted.values() if job is not None and job.is_terminal]

    async def tick(self) -> list[S9SJob]:
        """Return the jobs whose state changed since the last tick; those that ended are not pending any more."""
        if self._ended:
            ended, self._ended = self._ended, []
            return self._take(ended)
        found = await self._listed() if len(self.pending) > FEW else []
        seen = {job.job_id for job in found}
        return self._take(found + await self._each([job_id for job_id in self.pending if job_id not in seen]))

    async def _listed(self) -> list[S9SJob]:
        """Return those of the pending jobs that are in the list, ``[]`` if it is not known how far to read it."""
        known = [job for job in self.pending.values() if job is not None]
        times = [job.submit_time for job in known if isinstance(job.submit_time, datetime)]
        if len(times) < len(self.pending):
            return []
        user = known[0].user if len({job.user for job in known}) == 1 else None
        found: list[S9SJob] = []
        token: str | None = None
        for _ in range(1 + len(self.pending) // WORKERS):  # more pages would cost more than the jobs one by one
            page = await self._jobs.list(
                user=user, sort="submit_time", order="desc", limit=PAGE, page_token=token, **self._options
            )
            found += [job for job in page if job.job_id in self.pending]
            token = page.next_page_token
            last = page[-1].submit_time if page else None
            if token is None or not isinstance(last, datetime) or last < min(times):
                break
        return found

    async def _each(self, job_ids: list[str]) -> list[S9SJob]:
        calls = [partial(self._jobs.get, job_id, **self._options) for job_id in job_ids]
        return await self._jobs._sender.io.gather(calls, WORKERS)

    def _take(self, found: list[S9SJob]) -> list[S9SJob]:
        changed: list[S9SJob] = []
        for job in found:
            if job.job_id not in self.pending:
                continue
            seen = self.pending[job.job_id]
            if seen is None or seen.state != job.state:
                changed.append(job)
            self.pending[job.job_id] = job
            if job.is_terminal:
                del self.pending[job.job_id]
        return changed
