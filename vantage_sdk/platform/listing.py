"""What the lists of the platform have in common: filters, and one page, every page or everything."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from vantage_sdk.core.arguments import Time, as_time, own
from vantage_sdk.core.request import CallOptions, Decode, Request
from vantage_sdk.core.resource import Resource
from vantage_sdk.pagination import Page, start_of, walk
from vantage_sdk.platform.sorting import as_sort

T = TypeVar("T")
LARGEST_PAGE = 100


class ListFilters(CallOptions, total=False):
    """What a list can be narrowed and sorted by.

    ``created_after``, ``created_before``, ``updated_after``, ``updated_before``: ISO 8601 text or an aware ``datetime``, bounds
    excluded; ``sort``: ``created_at``, ``updated_at`` or ``name``, with a leading ``-`` for descending, default
    ``-created_at``.
    """

    created_after: Time | None
    created_before: Time | None
    updated_after: Time | None
    updated_before: Time | None
    sort: str | None


_FILTERS = own(ListFilters)


def period(after: Time | None, before: Time | None) -> dict[str, str | datetime | None]:
    """Return the query of a period; raise ``TypeError`` or ``ValueError`` for what is no time."""
    return {"created_after": as_time(after, "created_after"), "created_before": as_time(before, "created_before")}


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One list: the template of its path, the decoder of a page, its filters, and the size of its pages unless given."""

    path: str
    decode: Decode[Page[T]]
    filters: tuple[str, ...] = _FILTERS
    size: int | None = LARGEST_PAGE

    async def page(
        self, resource: Resource[Any], given: Mapping[str, Any], values: Mapping[str, str], **place: Any
    ) -> Page[T]:
        """Fetch one page; ``given`` are filters and options together, ``values`` those of the path."""
        query = {name: _checked(name, given[name]) for name in self.filters if name in given}
        options = {name: value for name, value in given.items() if name not in self.filters}
        request = Request("GET", self.path, self.decode, values, start_of({**query, **place}))
        return await resource._send(request, options)

    async def pages(
        self, resource: Resource[Any], given: Mapping[str, Any], values: Mapping[str, str], walking: Mapping[str, Any]
    ) -> AsyncGenerator[Sequence[Page[T]], None]:
        """Yield every page; ``walking`` has ``page_size`` and what ``pagination.walk`` takes."""
        size = walking["page_size"]
        rest = {name: value for name, value in walking.items() if name != "page_size"}

        async def fetch(token: str | None) -> Page[T]:
            return await self.page(resource, given, values, limit=self.size if size is None else size, page_token=token)

        async with aclosing(walk(fetch, resource._sender.io, **rest)) as walked:
            async for pages in walked:
                yield pages

    async def items(
        self, resource: Resource[Any], given: Mapping[str, Any], values: Mapping[str, str], walking: Mapping[str, Any]
    ) -> AsyncGenerator[Sequence[T], None]:
        """Yield what is on every page; parameters as for ``pages``."""
        async with aclosing(self.pages(resource, given, values, walking)) as walked:
            async for pages in walked:
                for page in pages:
                    yield page.items

    async def whole(
        self, resource: Resource[Any], given: Mapping[str, Any], values: Mapping[str, str], place: Mapping[str, Any]
    ) -> Page[T]:
        """Fetch everything, or one page if ``place`` says which."""
        if any(value is not None for value in place.values()):
            return await self.page(resource, given, values, **place)
        async with aclosing(self.items(resource, given, values, {"page_size": None})) as walked:
            found = [item async for items in walked for item in items]
        return Page(found, len(found), len(found), 0, 1)


def _checked(name: str, value: Any) -> Any:
    if name == "sort":
        return as_sort(value)
    return as_time(value, name) if name.endswith(("_after", "_before")) else value
