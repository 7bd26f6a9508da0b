"""Usage and invoices of the platform."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Time
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.models.base import one
from vantage_sdk.models.billing import Invoice, UsageSummary
from vantage_sdk.pagination import Page, page_of
from vantage_sdk.platform.listing import ListFilters, Listing, period

INVOICES = Listing("/billing/invoices", page_of(Invoice, "invoices"))


class Billing(Resource[Mode]):
    """What was used, and what it costs."""

    @method
    async def usage(
        self: Billing[Async],
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        **options: Unpack[CallOptions],
    ) -> UsageSummary:
        """Fetch what was used in a period and what it costs, in one line for each resource.

        ``created_after``, ``created_before``: the period, ISO 8601 text or aware ``datetime``s, default the server's.  Costs are
        ``Decimal``s in the unit of ``currency``, quantities in the ``unit`` of the line.
        """
        query = period(created_after, created_before)
        return await self._send(Request("GET", "/billing/usage", one(UsageSummary), query=query), options)

    @method
    async def invoices(
        self: Billing[Async],
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[ListFilters],
    ) -> Page[Invoice]:
        """Fetch all invoices, or one page of them if ``limit``, ``offset``, ``page`` or ``page_token`` is given.

        ``limit``: page size, at most 100; ``offset``: invoices to skip, or ``page``: number from 1; filters: see
        ``ListFilters``.  Their lines come with ``invoice``.  Returns a ``Page``, itself a sequence of ``Invoice``.
        """
        place = {"limit": limit, "offset": offset, "page": page, "page_token": page_token}
        return await INVOICES.whole(self, filters, {}, place)

    @stream
    async def invoices_paginated(
        self: Billing[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[Page[Invoice]], None]:
        """Yield every page of invoices; parameters and errors as ``jobs.list_paginated``, filters: see ``ListFilters``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(INVOICES.pages(self, filters, {}, walking)) as batches:
            async for pages in batches:
                yield pages

    @stream
    async def invoices_all(
        self: Billing[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ListFilters],
    ) -> AsyncGenerator[Sequence[Invoice], None]:
        """Yield every invoice, fetching pages as needed; parameters and errors as ``invoices_paginated``."""
        walking = {"page_size": page_size, "prefetch": prefetch, "max_items": max_items}
        async with aclosing(INVOICES.items(self, filters, {}, walking)) as batches:
            async for invoices in batches:
                yield invoices

    @method
    async def invoice(self: Billing[Async], invoice_id: str, **options: Unpack[CallOptions]) -> Invoice:
        """Fetch one invoice with its lines; raise ``ResourceNotFoundError`` if there is none with this id."""
        values = {"invoice_id": invoice_id}
        return await self._send(Request("GET", "/billing/invoices/{invoice_id}", one(Invoice), values), options)
