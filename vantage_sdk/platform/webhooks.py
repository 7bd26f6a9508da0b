"""Subscriptions to events of the platform; what they deliver is checked by ``vantage_sdk.webhook``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_names, as_text, as_url
from vantage_sdk.core.request import CallOptions, Request, Safety
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.retry import gone_is_done
from vantage_sdk.core.signing import key_of
from vantage_sdk.exceptions import ResourceNotFoundError
from vantage_sdk.models.base import nothing, one
from vantage_sdk.models.webhook import WebhookSubscription
from vantage_sdk.pagination import Page, page_of
from vantage_sdk.platform.listing import ListFilters, Listing

WEBHOOKS = Listing("/webhooks", page_of(WebhookSubscription, "webhooks"))


class Webhooks(Resource[Mode]):
    """Subscriptions to events of the platform."""

    @method
    async def list(
        self: Webhooks[Async],
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[ListFilters],
    ) -> Page[WebhookSubscription]:
        """Fetch all subscriptions, or one page of them if ``limit``, ``offset``, ``page`` or ``page_token`` is given.

        ``limit``: page size, at most 100; ``offset``: subscriptions to skip, or ``page``: number from 1; filters: see
        ``ListFilters``.  Returns a ``Page``, itself a sequence of ``WebhookSubscription``.
        """
        place = {"limit": limit, "offset": offset, "page": page, "page_token": page_token}
        return await WEBHOOKS.whole(self, filters, {}, place)

    @stream
    async def list_paginated(
        self: Webhooks[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[Page[WebhookSubscription]], None]:
        """Yield every page of subscriptions; parameters and errors as ``jobs.list_paginated``, filters: see ``ListFilters``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(WEBHOOKS.pages(self, filters, {}, walking)) as batches:
            async for pages in batches:
                yield pages

    @stream
    async def list_all(
        self: Webhooks[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[WebhookSubscription], None]:
        """Yield every subscription, fetching pages as needed; parameters and errors as ``list_paginated``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(WEBHOOKS.items(self, filters, {}, walking)) as batches:
            async for subscriptions in batches:
                yield subscriptions

    @method
    async def create(
        self: Webhooks[Async],
        url: str,
        events: Sequence[str],
        *,
        secret: str | None = None,
        active: bool | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> WebhookSubscription:
        """Subscribe to events, to be delivered to a URL.

        ``url``: absolute, ``https`` or ``http``; ``events``: their names, for example ``job.completed``; ``secret``: what deliveries are
        signed with, base64 with or without ``whsec_`` in front, which ``Webhook.new_secret()`` makes; ``active``:
        whether to deliver, default the server's, which is yes; ``idempotency_key``: yours instead of a new one: the same key
        cannot create a second subscription.

        Raises ``ValidationError`` if the server refuses it, ``SubmitOutcomeUnknown`` if the connection failed and the
        subscription may exist, which ``list`` tells.
        """
        body = {"url": as_url(url, "url"), "events": as_names(events, "events"), **_optional(secret, active)}
        request = Request(
            "POST",
            "/webhooks",
            one(WebhookSubscription),
            json=body,
            safety=Safety.KEYED,
            idempotency_key=idempotency_key,
        )
        return await self._send(request, options)

    @method
    async def update(
        self: Webhooks[Async],
        webhook_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        secret: str | None = None,
        active: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> WebhookSubscription:
        """Change what is given of a subscription: ``url``, ``events``, ``secret``, ``active``, each as for ``create``.

        Raises ``ResourceNotFoundError`` if there is none with this ``webhook_id``, ``ValueError`` if nothing is given.
        """
        changes: dict[str, Any] = {} if url is None else {"url": as_url(url, "url")}
        changes |= {} if events is None else {"events": as_names(events, "events")}
        changes |= _optional(secret, active)
        if not changes:
            raise ValueError("nothing to update: give url, events, secret or active")
        values = {"webhook_id": webhook_id}
        request = Request("PATCH", "/webhooks/{webhook_id}", one(WebhookSubscription), values, json=changes)
        return await self._send(request, options)

    @method
    async def delete(self: Webhooks[Async], webhook_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a subscription; raise ``ResourceNotFoundError`` if there is none with this ``webhook_id``."""
        try:
            await self._send(Request("DELETE", "/webhooks/{webhook_id}", nothing, {"webhook_id": webhook_id}), options)
        except ResourceNotFoundError as error:
            if not gone_is_done(error):
                raise


def _optional(secret: str | None, active: bool | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if secret is not None:
        key_of(as_text(secret, "secret"))
        found["secret"] = secret
    if active is not None:
        if not isinstance(active, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"active is True or False, not {active!r}")
        found["active"] = active
    return found
