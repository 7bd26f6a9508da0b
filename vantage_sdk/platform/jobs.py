"""Jobs of the platform: list, inspect, change, cancel; the rest is in ``job_submission``, ``job_logs`` and ``job_waiting``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any, TypedDict

from typing_extensions import Unpack

from vantage_sdk.core.call import prepare
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, method, stream
from vantage_sdk.core.retry import gone_is_done
from vantage_sdk.exceptions import ResourceNotFoundError, VantageAPIError
from vantage_sdk.models.base import nothing, one
from vantage_sdk.models.batch import BatchResult, Outcome
from vantage_sdk.models.job import Job, JobOutput
from vantage_sdk.models.metrics import JobMetrics
from vantage_sdk.pagination import Page, start_of, walk
from vantage_sdk.platform.job_logs import JobLogs
from vantage_sdk.platform.job_submission import CONCURRENCY, JOBS, JobSubmission, workers
from vantage_sdk.platform.job_waiting import JobWaiting

Time = str | datetime


class JobFilters(CallOptions, total=False):
    """What a list of jobs can be narrowed and sorted by.

    ``status``: the server's word; ``cluster``: name or id; ``user_id``: submitter; ``created_after``, ``created_before``,
    ``updated_after``, ``updated_before``: ISO 8601 text or an aware ``datetime``, bounds excluded; ``sort``: ``created_at``,
    ``updated_at`` or ``name``, with a leading ``-`` for descending, default ``-created_at``.
    """

    status: str | None
    cluster: str | None
    user_id: str | None
    created_after: Time | None
    created_before: Time | None
    updated_after: Time | None
    updated_before: Time | None
    sort: str | None


class _Split(TypedDict):
    query: dict[str, Any]
    options: dict[str, Any]


_FILTERS = tuple(name for name in JobFilters.__annotations__ if name not in CallOptions.__annotations__)


def _split(given: Mapping[str, Any]) -> _Split:
    query = {("cluster_id" if name == "cluster" else name): given[name] for name in _FILTERS if name in given}
    return {"query": query, "options": {name: value for name, value in given.items() if name not in _FILTERS}}


class Jobs(JobSubmission[Mode], JobLogs[Mode], JobWaiting[Mode]):
    """Jobs of the platform."""

    @method
    async def list(
        self: Jobs[Async],
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[JobFilters],
    ) -> Page[Job]:
        """Fetch one page of jobs, newest first.

        ``limit``: page size, default 50, at most 100; ``offset``: jobs to skip, or ``page``: number from 1; ``page_token``:
        ``next_page_token`` of the page before, ``None`` for the first; filters: see ``JobFilters``.  Returns a ``Page``, itself
        a sequence of ``Job``.  Raises ``ValueError`` for arguments that contradict each other.
        """
        parts = _split(filters)
        query = start_of({**parts["query"], "limit": limit, "offset": offset, "page": page, "page_token": page_token})
        return await self._send(Request("GET", "/jobs", JOBS, query=query), parts["options"])

    @stream
    async def list_paginated(
        self: Jobs[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[JobFilters],
    ) -> AsyncGenerator[Sequence[Page[Job]], None]:
        """Yield every page of jobs.

        ``page_size``: jobs a page, default 50, at most 100; ``prefetch``: 1 fetches the next page while you work on this one;
        ``max_items``: stop after so many jobs; filters: see ``JobFilters``.  A job that moved to the next page because of a
        new one is not repeated.  Raises ``VantageAPIError`` with code ``pagination_cycle`` if the list never ends.
        """

        async def fetch(token: str | None) -> Page[Job]:
            return await self.list(limit=page_size, page_token=token, **filters)

        async with aclosing(walk(fetch, self._sender.io, prefetch=prefetch, max_items=max_items)) as walked:
            async for pages in walked:
                yield pages

    @stream
    async def list_all(
        self: Jobs[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[JobFilters],
    ) -> AsyncGenerator[Sequence[Job], None]:
        """Yield every job, fetching pages as needed; parameters and errors as ``list_paginated``."""
        pages = self.list_paginated(page_size=page_size, prefetch=prefetch, max_items=max_items, **filters)
        async with pages:
            async for page in pages:
                yield page.items

    @method
    async def get(
        self: Jobs[Async], job_id: str, *, include: Sequence[str] = (), **options: Unpack[CallOptions]
    ) -> Job:
        """Fetch one job.

        ``include``: any of ``logs``, ``outputs`` and ``metrics``, embedded in the job; what the server leaves out is fetched
        with a call of its own.  Raises ``ResourceNotFoundError`` if there is no such job.
        """
        wanted = [include] if isinstance(include, str) else [*include]
        query = {"include": wanted or None}
        job = await self._send(Request("GET", "/jobs/{job_id}", one(Job), {"job_id": job_id}, query), options)
        return await self._completed(job, wanted, options) if wanted else job

    async def _completed(self: Jobs[Async], job: Job, wanted: Sequence[str], options: CallOptions) -> Job:
        received = job.to_dict()
        missing = [name for name in wanted if name not in received]
        if "logs" in missing:
            received["logs"] = (await self.logs(job.id, **options)).lines
        if "outputs" in missing:
            received["outputs"] = [file.to_dict() for file in (await self.output(job.id, **options)).files]
        if "metrics" in missing:
            request = Request("GET", "/monitoring/jobs/{job_id}/metrics", one(JobMetrics), {"job_id": job.id})
            received["metrics"] = (await self._send(request, options)).to_dict()
        return Job.from_dict(received) if missing else job

    @method
    async def update(
        self: Jobs[Async],
        job_id: str,
        *,
        name: str | None = None,
        priority: int | None = None,
        environment: Mapping[str, str] | None = None,
        output_path: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Job:
        """Change what is given: ``name`` and ``priority`` always, ``environment`` and ``output_path`` before the job starts.

        Raises ``ConflictError`` if it is too late, ``ValueError`` if nothing is given.
        """
        wanted = {"name": name, "priority": priority, "environment": environment, "output_path": output_path}
        changes = {field: value for field, value in wanted.items() if value is not None}
        if not changes:
            raise ValueError("nothing to update: give name, priority, environment or output_path")
        return await self._send(Request("PATCH", "/jobs/{job_id}", one(Job), {"job_id": job_id}, json=changes), options)

    @method
    async def cancel(
        self: Jobs[Async], job_id: str, *, reason: str | None = None, **options: Unpack[CallOptions]
    ) -> Job:
        """Cancel a job; cancelling a cancelled one changes nothing.

        ``reason``: kept as ``cancel_reason``.  Raises ``ConflictError`` if the job has completed or failed.
        """
        body = {"status": "cancelled"} | ({} if reason is None else {"reason": reason})
        return await self._send(Request("PATCH", "/jobs/{job_id}", one(Job), {"job_id": job_id}, json=body), options)

    @method
    async def cancel_batch(
        self: Jobs[Async],
        job_ids: Iterable[str],
        *,
        reason: str | None = None,
        concurrency: int = CONCURRENCY,
        **options: Unpack[CallOptions],
    ) -> BatchResult:
        """Cancel several jobs, at most ``concurrency`` at a time (default 8).

        ``reason``: as for ``cancel``.  Returns one outcome for each id, in order; a failure of one, or an id
        that can be none, is its outcome and never raised.
        """
        if isinstance(job_ids, str):
            raise TypeError("job_ids takes several ids, not one text")
        prepare(Request("PATCH", "/jobs", nothing, json={"reason": reason}), options, self._sender.config)

        async def cancel(job_id: str) -> Outcome:
            try:
                return Outcome(job_id, await self.cancel(job_id, reason=reason, **options))
            except (VantageAPIError, TypeError, ValueError) as error:
                return Outcome(job_id, error=error)

        calls = [partial(cancel, job_id) for job_id in job_ids]
        return BatchResult(tuple(await self._sender.io.gather(calls, workers(concurrency))))

    @method
    async def delete(self: Jobs[Async], job_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a job and its record, stopping it first if it is active.

        Raises ``ResourceNotFoundError`` if there is no such job.
        """
        try:
            await self._send(Request("DELETE", "/jobs/{job_id}", nothing, {"job_id": job_id}), options)
        except ResourceNotFoundError as error:
            if not gone_is_done(error):
                raise

    @method
    async def output(self: Jobs[Async], job_id: str, **options: Unpack[CallOptions]) -> JobOutput:
        """Fetch what a job left behind: the list of its collected files and its captured standard output."""
        return await self._send(Request("GET", "/jobs/{job_id}/output", one(JobOutput), {"job_id": job_id}), options)
