"""Teams of the platform and their members."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Literal

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_text, as_word
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.retry import gone_is_done
from vantage_sdk.exceptions import ResourceNotFoundError
from vantage_sdk.models.base import nothing, one
from vantage_sdk.models.team import Team, TeamMember
from vantage_sdk.pagination import Page, page_of
from vantage_sdk.platform.listing import ListFilters, Listing

Role = Literal["owner", "admin", "member", "viewer"]
ROLES = ("owner", "admin", "member", "viewer")
TEAMS = Listing("/teams", page_of(Team, "teams"))
MEMBERS = Listing("/teams/{team_id}/members", page_of(TeamMember, "members"))


class Teams(Resource[Mode]):
    """Teams of the platform."""

    @method
    async def list(
        self: Teams[Async],
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[ListFilters],
    ) -> Page[Team]:
        """Fetch all teams, or one page of them if ``limit``, ``offset``, ``page`` or ``page_token`` is given.

        ``limit``: page size, at most 100; ``offset``: teams to skip, or ``page``: number from 1; filters: see ``ListFilters``.
        Returns a ``Page``, itself a sequence of ``Team``.
        """
        place = {"limit": limit, "offset": offset, "page": page, "page_token": page_token}
        return await TEAMS.whole(self, filters, {}, place)

    @stream
    async def list_paginated(
        self: Teams[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[Page[Team]], None]:
        """Yield every page of teams; parameters and errors as ``jobs.list_paginated``, filters: see ``ListFilters``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(TEAMS.pages(self, filters, {}, walking)) as batches:
            async for pages in batches:
                yield pages

    @stream
    async def list_all(
        self: Teams[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[Team], None]:
        """Yield every team, fetching pages as needed; parameters and errors as ``list_paginated``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(TEAMS.items(self, filters, {}, walking)) as batches:
            async for teams in batches:
                yield teams

    @method
    async def get(self: Teams[Async], team_id: str, **options: Unpack[CallOptions]) -> Team:
        """Fetch one team; raise ``ResourceNotFoundError`` if there is none with this id."""
        return await self._send(Request("GET", "/teams/{team_id}", one(Team), {"team_id": team_id}), options)

    @method
    async def members(
        self: Teams[Async],
        team_id: str,
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[ListFilters],
    ) -> Page[TeamMember]:
        """Fetch all members of a team, or one page of them; parameters as for ``list``.

        Raises ``ResourceNotFoundError`` if there is no such team.
        """
        place = {"limit": limit, "offset": offset, "page": page, "page_token": page_token}
        return await MEMBERS.whole(self, filters, {"team_id": team_id}, place)

    @stream
    async def members_paginated(
        self: Teams[Async],
        team_id: str,
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[Page[TeamMember]], None]:
        """Yield every page of the members of a team; parameters and errors as ``list_paginated``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(MEMBERS.pages(self, filters, {"team_id": team_id}, walking)) as batches:
            async for pages in batches:
                yield pages

    @stream
    async def members_all(
        self: Teams[Async],
        team_id: str,
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[TeamMember], None]:
        """Yield every member of a team, fetching pages as needed; parameters and errors as ``list_paginated``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(MEMBERS.items(self, filters, {"team_id": team_id}, walking)) as batches:
            async for members in batches:
                yield members

    @method
    async def add_member(
        self: Teams[Async], team_id: str, user_id: str, *, role: Role | None = None, **options: Unpack[CallOptions]
    ) -> TeamMember:
        """Add a user to a team.

        ``user_id``: who; ``role``: ``owner``, ``admin``, ``member`` or ``viewer``, default the server's, which is ``member``.
        Raises ``ResourceNotFoundError`` if there is no such team or user, ``ValueError`` for another role.
        """
        body = {"user_id": as_text(user_id, "user_id")}
        if role is not None:
            body["role"] = as_word(role, "role", ROLES)
        request = Request("POST", "/teams/{team_id}/members", one(TeamMember), {"team_id": team_id}, json=body)
        return await self._send(request, options)

    @method
    async def remove_member(self: Teams[Async], team_id: str, user_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a user from a team.

        ``user_id``: who.  Raises ``ResourceNotFoundError`` if there is no such team, or the user is not in it.
        """
        values = {"team_id": team_id, "user_id": user_id}
        try:
            await self._send(Request("DELETE", "/teams/{team_id}/members/{user_id}", nothing, values), options)
        except ResourceNotFoundError as error:
            if not gone_is_done(error):
                raise
