"""Jobs of the job service: create, list, inspect, cancel; the rest is in ``job_logs`` and ``job_waiting``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import own
from vantage_sdk.core.listing import Listing
from vantage_sdk.core.request import CallOptions, Request, Safety
from vantage_sdk.core.resource import Async, Mode, method, stream
from vantage_sdk.exceptions import ConflictError
from vantage_sdk.jobservice.job_body import Resources, job_body
from vantage_sdk.jobservice.job_logs import JobLogs
from vantage_sdk.jobservice.job_waiting import JobWaiting
from vantage_sdk.models.base import one
from vantage_sdk.models.jobservice.job import Gang, JobServiceJob, RetryPolicy
from vantage_sdk.models.phase import Phase
from vantage_sdk.pagination import Page, page_of


class JobServiceFilters(CallOptions, total=False):
    """What a list of jobs can be narrowed to.

    ``status``: the server's word: ``pending``, ``queued``, ``running``, ``succeeded``, ``failed`` or ``cancelled``; ``job_type``: the kind
    of work; ``priority_min``: the lowest priority, 0 to 100.
    """

    status: str | None
    job_type: str | None
    priority_min: int | None


JOBS = Listing("/jobs/", page_of(JobServiceJob, "items"), own(JobServiceFilters), None)


class Jobs(JobLogs[Mode], JobWaiting[Mode]):
    """Jobs of the job service."""

    @method
    async def create(
        self: Jobs[Async],
        job_type: str,
        image: str,
        *,
        priority: int | None = None,
        config: Mapping[str, Any] | None = None,
        resources: Resources | None = None,
        gang: Gang | Mapping[str, Any] | None = None,
        timeout_seconds: float | timedelta | None = None,
        retry_policy: RetryPolicy | Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> JobServiceJob:
        """Submit a job.

        ``job_type``: the kind of work; ``image``: of the container; ``priority``: 0 to 100, higher runs earlier, default the
        server's; ``config``: settings for the work, any JSON object; ``resources``: a ``JobServiceResources`` or a mapping with ``cpu``
        and ``memory`` as quantities (``"500m"``, ``"8Gi"``, ``"8GB"``, see ``Quantity``) and ``gpu`` as a number; ``gang``: a ``Gang`` or a
        mapping; ``timeout_seconds``: how long the job may run, whole seconds or a ``timedelta``, default without limit;
        ``retry_policy``: a ``RetryPolicy`` or a mapping, default no retry; ``idempotency_key``: yours instead of a new one.

        Returns the job, ``pending``, with its ``queue_position``.  Raises ``ValidationError`` if the server refuses it,
        ``SubmitOutcomeUnknown`` if the connection failed and the job may have been created, which ``list`` tells.
        """
        body = job_body(
            job_type,
            image,
            priority=priority,
            config=config,
            resources=resources,
            gang=gang,
            timeout_seconds=timeout_seconds,
            retry_policy=retry_policy,
        )
        request = Request(
            "POST", "/jobs/", one(JobServiceJob), json=body, safety=Safety.KEYED, idempotency_key=idempotency_key
        )
        return await self._send(request, options)

    @method
    async def list(
        self: Jobs[Async],
        *,
        limit: int | None = None,
        offset: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[JobServiceFilters],
    ) -> Page[JobServiceJob]:
        """Fetch one page of jobs.

        ``limit``: page size, default 50, at most 100; ``offset``: jobs to skip; ``page_token``: ``next_page_token`` of the page before,
        ``None`` for the first; filters: see ``JobServiceFilters``.  Returns a ``Page``, itself a sequence of ``JobServiceJob``
        without image, config and resources.  Raises ``ValueError`` for arguments that contradict each other.
        """
        return await JOBS.page(self, filters, {}, limit=limit, offset=offset, page_token=page_token)

    @stream
    async def list_paginated(
        self: Jobs[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[JobServiceFilters],
    ) -> AsyncGenerator[Sequence[Page[JobServiceJob]], None]:
        """Yield every page of jobs.

        ``page_size``: jobs a page, default 50, at most 100; ``prefetch``: 1 fetches the next page while you work on this one;
        ``max_items``: stop after so many jobs; filters: see ``JobServiceFilters``.  A job that moved to the next page because of
        a new one is not repeated.  Raises ``VantageAPIError`` with code ``pagination_cycle`` if the list never ends.
        """
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(JOBS.pages(self, filters, {}, walking)) as batches:
            async for pages in batches:
                yield pages

    @stream
    async def list_all(
        self: Jobs[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[JobServiceFilters],
    ) -> AsyncGenerator[Sequence[JobServiceJob], None]:
        """Yield every job, fetching pages as needed; parameters and errors as ``list_paginated``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(JOBS.items(self, filters, {}, walking)) as batches:
            async for jobs in batches:
                yield jobs

    @method
    async def get(self: Jobs[Async], job_id: str, **options: Unpack[CallOptions]) -> JobServiceJob:
        """Fetch one job; raise ``ResourceNotFoundError`` if there is no such job."""
        return await self._send(Request("GET", "/jobs/{job_id}", one(JobServiceJob), {"job_id": job_id}), options)

    @method
    async def cancel(self: Jobs[Async], job_id: str, **options: Unpack[CallOptions]) -> JobServiceJob:
        """Cancel a job; its record stays.

        Returns the job, ``cancelled``, with little more than ``cancelled_at``.  Raises ``ConflictError`` if it has ended before, be it
        that it was cancelled, ``ResourceNotFoundError`` if there is no such job.
        """
        request = Request("DELETE", "/jobs/{job_id}", one(JobServiceJob), {"job_id": job_id})
        try:
            return await self._send(request, options)
        except ConflictError as error:
            if len(error.attempts) > 1:  # an earlier attempt of this call may have done it
                job = await self.get(job_id, **options)
                if job.phase is Phase.CANCELLED:
                    return job
            raise
