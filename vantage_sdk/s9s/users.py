"""Users of S9S."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.s9s_user import S9SUser
from vantage_sdk.pagination import Page, whole_list_of

USERS = whole_list_of(S9SUser, "users")


class Users(Resource[Mode]):
    """Users of S9S."""

    @method
    async def list(self: Users[Async], **options: Unpack[CallOptions]) -> Page[S9SUser]:
        """Fetch all users; returns a ``Page``, itself a sequence of ``S9SUser``."""
        return await self._send(Request("GET", "/users", USERS), options)

    @method
    async def get(self: Users[Async], username: str, **options: Unpack[CallOptions]) -> S9SUser:
        """Fetch one user by ``username``; raise ``ResourceNotFoundError`` if there is no such user."""
        return await self._send(Request("GET", "/users/{username}", one(S9SUser), {"username": username}), options)
