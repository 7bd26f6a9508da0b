"""API keys: create, list, change, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Id, id_text
from vantage_sdk.core.call import timestamp
from vantage_sdk.core.request import CallOptions, Request, Safety
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.shapes import as_list, as_object
from vantage_sdk.models.api_key import ApiKey, ApiKeyCreated, ApiKeyRevoked
from vantage_sdk.models.envelope import enveloped, opened, with_meta
from vantage_sdk.pagination import Page

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer

LONGEST_NAME = 100


class Keys(Resource[Mode]):
    """API keys of the account."""

    @method
    async def create(
        self: Keys[Async],
        name: str,
        *,
        scope_level: str | None = None,
        scopes: Sequence[str] | None = None,
        expires_at: str | datetime | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiKeyCreated:
        """Create an API key and return it with its value, ``full_key.reveal()``, which is never shown again.

        ``name``: of the key, at most 100 characters; ``scope_level``: ``user`` (default) or ``client``, for the whole
        organization; ``scopes``: any of ``workflows:read``, ``workflows:write`` and ``workflows:execute``, default the server's
        choice; ``expires_at``: ISO 8601 text or an aware ``datetime``, default never.

        Raises ``AuthorizationError`` for scopes that the caller has not, ``SubmitOutcomeUnknown`` if the connection failed and
        the key may exist: look for its name in ``keys.list()``, and revoke it.
        """
        body = {
            "name": _checked_name(name),
            "scope_level": scope_level,
            "scopes": _checked_scopes(scopes),
            "expires_at": timestamp(expires_at) if isinstance(expires_at, datetime) else expires_at,
        }
        given = {field: value for field, value in body.items() if value is not None}
        return await self._send(
            Request("POST", "/keys", enveloped(ApiKeyCreated), json=given, safety=Safety.KEYED), options
        )

    @method
    async def list(self: Keys[Async], **options: Unpack[CallOptions]) -> Page[ApiKey]:
        """Fetch all API keys of the account, without their values; revoked ones have ``is_active`` ``False``."""
        return await self._send(Request("GET", "/keys", _all_keys), options)

    @method
    async def update(
        self: Keys[Async],
        key_id: Id,
        *,
        name: str | None = None,
        scopes: Sequence[str] | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiKey:
        """Change the ``name`` or the ``scopes`` of a key; nothing else of it can be changed.

        Raises ``ResourceNotFoundError`` if there is no such key, ``ValueError`` if nothing is given.
        """
        wanted = {"name": None if name is None else _checked_name(name), "scopes": _checked_scopes(scopes)}
        changes = {field: value for field, value in wanted.items() if value is not None}
        if not changes:
            raise ValueError("nothing to update: give name or scopes")
        values = {"key_id": id_text(key_id, "key_id")}
        return await self._send(Request("PATCH", "/keys/{key_id}", _one_key, values, json=changes), options)

    @method
    async def revoke(self: Keys[Async], key_id: Id, **options: Unpack[CallOptions]) -> ApiKeyRevoked:
        """Revoke a key, which stops working at once and stays in the list; repeating it changes nothing.

        Raises ``ResourceNotFoundError`` if there is no such key.
        """
        values = {"key_id": id_text(key_id, "key_id")}
        return await self._send(Request("DELETE", "/keys/{key_id}", enveloped(ApiKeyRevoked), values), options)


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"name takes text, not {type(name).__name__}")
    if not 0 < len(name) <= LONGEST_NAME:
        raise ValueError(f"name has 1 to {LONGEST_NAME} characters, not {len(name)}")
    return name


def _checked_scopes(scopes: Any) -> Any:
    if isinstance(scopes, str):
        raise TypeError("scopes takes several scopes, not one text")
    return None if scopes is None else [*scopes]


def _one_key(answer: Answer) -> ApiKey:
    data, meta = opened(answer)
    return with_meta(ApiKey.from_dict(as_object(data.get("key")) or data), meta)


def _all_keys(answer: Answer) -> Page[ApiKey]:
    data, meta = opened(answer)
    received = as_list(data.get("keys"))
    if received is None:
        raise ValueError("no list under 'keys'")
    keys = [with_meta(ApiKey.from_dict(item), meta) for item in received]
    return Page(keys, len(keys), len(keys), 0, 0, meta=meta)
