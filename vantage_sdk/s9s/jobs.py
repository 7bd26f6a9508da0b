"""Jobs of S9S: list, inspect, change, cancel; the rest is in ``job_submission``, ``job_waiting`` and ``job_output``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from signal import Signals
from typing import Any, Literal

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Id, as_count, as_text, as_word, id_text, own
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, method, stream
from vantage_sdk.core.shapes import flag
from vantage_sdk.models.base import one
from vantage_sdk.models.logs import Logs, logs_of
from vantage_sdk.models.s9s_bulk import BulkResult
from vantage_sdk.models.s9s_job import S9SJob, as_job_id
from vantage_sdk.pagination import Page, page_of, start_of, walk
from vantage_sdk.s9s.job_output import JobOutput
from vantage_sdk.s9s.job_submission import JobSubmission
from vantage_sdk.s9s.job_waiting import JobWaiting

PAGE_SIZE = 100
JOBS = page_of(S9SJob, "jobs", PAGE_SIZE)
Order = Literal["asc", "desc"]
Action = Literal["cancel", "hold", "release", "priority"]


class S9SJobFilters(CallOptions, total=False):
    """What a list of jobs can be narrowed and sorted by.

    ``state``: the server's word, in any case; ``user``, ``partition``: names; ``sort``: a field, default ``submit_time``;
    ``order``: ``asc`` or ``desc``, default ``desc``.
    """

    state: str | None
    user: str | None
    partition: str | None
    sort: str | None
    order: Order | None


_FILTERS = own(S9SJobFilters)


class Jobs(JobSubmission[Mode], JobWaiting[Mode], JobOutput[Mode]):
    """Jobs of S9S."""

    @method
    async def list(
        self: Jobs[Async],
        *,
        limit: int | None = None,
        offset: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[S9SJobFilters],
    ) -> Page[S9SJob]:
        """Fetch one page of jobs, newest first.

        ``limit``: page size, default 100; ``offset``: jobs to skip; ``page_token``: ``next_page_token`` of the page before,
        ``None`` for the first; filters: see ``S9SJobFilters``.  Returns a ``Page``, itself a sequence of ``S9SJob``.  Raises
        ``ValueError`` for arguments that contradict each other.
        """
        query: dict[str, Any] = {name: filters.get(name) for name in _FILTERS}
        if query["order"] is not None:
            query["order"] = as_word(query["order"], "order", ("asc", "desc"))
        options = {name: value for name, value in filters.items() if name not in _FILTERS}
        query = start_of({**query, "limit": limit, "offset": offset, "page_token": page_token})
        return await self._send(Request("GET", "/jobs", JOBS, query=query), options)

    @stream
    async def list_paginated(
        self: Jobs[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[S9SJobFilters],
    ) -> AsyncGenerator[Sequence[Page[S9SJob]], None]:
        """Yield every page of jobs.

        ``page_size``: jobs a page, default 100; ``prefetch``: 1 fetches the next page while you work on this one;
        ``max_items``: stop after so many jobs; filters: see ``S9SJobFilters``.  A job that moved to the next page because of a
        new one is not repeated.  Raises ``VantageAPIError`` with code ``pagination_cycle`` if the list never ends.
        """

        async def fetch(token: str | None) -> Page[S9SJob]:
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
        **filters: Unpack[S9SJobFilters],
    ) -> AsyncGenerator[Sequence[S9SJob], None]:
        """Yield every job, fetching pages as needed; parameters and errors as ``list_paginated``."""
        pages = self.list_paginated(page_size=page_size, prefetch=prefetch, max_items=max_items, **filters)
        async with pages:
            async for page in pages:
                yield page.items

    @method
    async def get(self: Jobs[Async], job_id: Id, **options: Unpack[CallOptions]) -> S9SJob:
        """Fetch one job with its command, environment, dependencies and efficiency.

        Raises ``ResourceNotFoundError`` if there is no such job.
        """
        return await self._act("GET", job_id, "", options)

    @method
    async def cancel(
        self: Jobs[Async],
        job_id: Id,
        *,
        signal: str | Signals | None = None,
        force: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> S9SJob:
        """Cancel a job; cancelling a cancelled one changes nothing, and its record stays.

        ``signal``: its name, default ``SIGTERM``; ``force``: also where a plain cancel is refused.  Raises ``ConflictError`` if the
        job has completed or failed.
        """
        name = signal.name if isinstance(signal, Signals) else signal
        query = {
            "signal": None if name is None else as_text(name, "signal"),
            "force": None if force is None else flag("force", force),
        }
        return await self._act("DELETE", job_id, "", options, query=query)

    @method
    async def hold(
        self: Jobs[Async], job_id: Id, *, reason: str | None = None, **options: Unpack[CallOptions]
    ) -> S9SJob:
        """Keep a job from starting; one that runs goes on, but does not start again.

        ``reason``: shown with the job.  Raises ``ConflictError`` if the job has ended.
        """
        body = None if reason is None else {"reason": as_text(reason, "reason")}
        return await self._act("PUT", job_id, "/hold", options, json=body)

    @method
    async def release(self: Jobs[Async], job_id: Id, **options: Unpack[CallOptions]) -> S9SJob:
        """Let a job that was held start; raise ``ConflictError`` if it has ended."""
        return await self._act("PUT", job_id, "/release", options)

    @method
    async def set_priority(self: Jobs[Async], job_id: Id, priority: int, **options: Unpack[CallOptions]) -> S9SJob:
        """Change the priority of a job.

        ``priority``: a whole number from 0; jobs with a higher one start earlier.  Raises ``ConflictError`` if the job has ended.
        """
        body = {"priority": as_count(priority, "priority", 0)}
        return await self._act("PUT", job_id, "/priority", options, json=body)

    async def _act(
        self, verb: str, job_id: Id, place: str, options: Mapping[str, Any], *, query: Any = None, json: Any = None
    ) -> S9SJob:
        values = {"job_id": id_text(job_id, "job_id")}
        return await self._send(
            Request(verb, "/jobs/{job_id}" + place, one(S9SJob), values, query or {}, json), options
        )

    @method
    async def output(
        self: Jobs[Async], job_id: Id, *, lines: int | None = None, **options: Unpack[CallOptions]
    ) -> Logs:
        """Fetch the standard output of a job as it is now.

        ``lines``: only the last so many.  Returns text with a ``lines`` attribute.  Raises ``ResourceNotFoundError`` if there is
        no such job.
        """
        return await self._written(job_id, "/output", lines, options)

    @method
    async def error(self: Jobs[Async], job_id: Id, *, lines: int | None = None, **options: Unpack[CallOptions]) -> Logs:
        """Fetch the standard error of a job as it is now; parameters and errors as for ``output``."""
        return await self._written(job_id, "/error", lines, options)

    async def _written(self, job_id: Id, place: str, lines: int | None, options: Mapping[str, Any]) -> Logs:
        values, query = {"job_id": id_text(job_id, "job_id")}, {"lines": lines}
        if lines is not None:
            as_count(lines, "lines", 1)
        return await self._send(Request("GET", "/jobs/{job_id}" + place, logs_of, values, query), options)

    @method
    async def bulk(
        self: Jobs[Async],
        action: Action,
        job_ids: Iterable[Id | S9SJob],
        *,
        force: bool | None = None,
        reason: str | None = None,
        priority: int | None = None,
        **options: Unpack[CallOptions],
    ) -> BulkResult:
        """Do the same to several jobs in one call.

        ``action``: ``cancel``, or where the server knows them ``hold``, ``release`` and ``priority``; ``job_ids``: ids or jobs;
        ``force``: as for ``cancel``; ``reason``: kept with the jobs; ``priority``: as for ``set_priority``.  Returns one outcome for
        each job, in order; a failure of one is its outcome and never raised.
        """
        if isinstance(job_ids, str):
            raise TypeError("job_ids takes several ids, not one text")
        ids = [as_job_id(job) for job in job_ids]
        wanted = {
            "force": None if force is None else flag("force", force),
            "reason": None if reason is None else as_text(reason, "reason"),
            "priority": None if priority is None else as_count(priority, "priority", 0),
        }
        body: dict[str, Any] = {
            "action": as_word(action, "action", ("cancel", "hold", "release", "priority")),
            "job_ids": ids,
        }
        if given := {name: value for name, value in wanted.items() if value is not None}:
            body["options"] = given
        if not ids:
            return BulkResult.from_dict({"results": [], "summary": {"total": 0, "successful": 0, "failed": 0}})
        return await self._send(Request("POST", "/jobs/bulk", one(BulkResult), json=body), options)

    @method
    async def cancel_batch(
        self: Jobs[Async],
        job_ids: Iterable[Id | S9SJob],
        *,
        reason: str | None = None,
        force: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> BulkResult:
        """Cancel several jobs in one call; parameters and what is returned as for ``bulk``."""
        return await self.bulk("cancel", job_ids, force=force, reason=reason, **options)
