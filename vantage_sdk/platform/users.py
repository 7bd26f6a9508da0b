"""Users of the platform: oneself, and the jobs of anyone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Time, as_text, own
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.models.base import one
from vantage_sdk.models.job import Job
from vantage_sdk.models.user import User
from vantage_sdk.pagination import Page, page_of
from vantage_sdk.platform.listing import Listing


class UserJobFilters(CallOptions, total=False):
    """What the list of a user's jobs can be narrowed and sorted by.

    ``status``: the server's word; ``cluster``: name or id; ``created_after``, ``created_before``, ``updated_after``,
    ``updated_before``: ISO 8601 text or an aware ``datetime``, bounds excluded; ``sort``: ``created_at``, ``updated_at`` or
    ``name``, with a leading ``-`` for descending, default ``-created_at``.
    """

    status: str | None
    cluster: str | None
    created_after: Time | None
    created_before: Time | None
    updated_after: Time | None
    updated_before: Time | None
    sort: str | None


_FILTERS = own(UserJobFilters)
_SENT = tuple("cluster_id" if name == "cluster" else name for name in _FILTERS)
JOBS = Listing("/users/{user_id}/jobs", page_of(Job, "jobs"), _SENT, None)


def _as_sent(filters: UserJobFilters) -> dict[str, object]:
    return {("cluster_id" if name == "cluster" else name): value for name, value in filters.items()}


class Users(Resource[Mode]):
    """Users of the platform."""

    @method
    async def me(self: Users[Async], **options: Unpack[CallOptions]) -> User:
        """Fetch the user that the credential belongs to."""
        return await self._send(Request("GET", "/users/me", one(User)), options)

    @method
    async def update_me(
        self: Users[Async], *, name: str | None = None, email: str | None = None, **options: Unpack[CallOptions]
    ) -> User:
        """Change what is given of your own profile: ``name``, ``email``.

        Raises ``ValueError`` if nothing is given, ``ValidationError`` if the server refuses it.
        """
        wanted = {"name": name, "email": email}
        changes = {field: as_text(value, field) for field, value in wanted.items() if value is not None}
        if not changes:
            raise ValueError("nothing to update: give name or email")
        return await self._send(Request("PATCH", "/users/me", one(User), json=changes), options)

    @method
    async def jobs(
        self: Users[Async],
        user_id: str = "me",
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[UserJobFilters],
    ) -> Page[Job]:
        """Fetch one page of the jobs of a user, newest first.

        ``user_id``: whose, default your own; ``limit``: page size, default 50, at most 100; ``offset``: jobs to skip, or
        ``page``: number from 1; ``page_token``: ``next_page_token`` of the page before; filters: see ``UserJobFilters``.
        Raises ``ResourceNotFoundError`` if there is no such user.
        """
        place = {"limit": limit, "offset": offset, "page": page, "page_token": page_token}
        return await JOBS.page(self, _as_sent(filters), {"user_id": user_id}, **place)

    @stream
    async def jobs_paginated(
        self: Users[Async],
        user_id: str = "me",
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[UserJobFilters],
    ) -> AsyncGenerator[Sequence[Page[Job]], None]:
        """Yield every page of the jobs of a user.

        ``user_id``: whose, default your own; further parameters and errors as ``jobs.list_paginated``, filters: see
        ``UserJobFilters``.
        """
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(JOBS.pages(self, _as_sent(filters), {"user_id": user_id}, walking)) as batches:
            async for pages in batches:
                yield pages

    @stream
    async def jobs_all(
        self: Users[Async],
        user_id: str = "me",
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[UserJobFilters],
    ) -> AsyncGenerator[Sequence[Job], None]:
        """Yield every job of a user, fetching pages as needed; parameters and errors as ``jobs_paginated``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(JOBS.items(self, _as_sent(filters), {"user_id": user_id}, walking)) as batches:
            async for jobs in batches:
                yield jobs
