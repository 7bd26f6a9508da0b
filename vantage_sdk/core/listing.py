"""What lists have in common: one page, every page or everything."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vantage_sdk.core.request import Decode, Request
from vantage_sdk.core.resource import Resource
from vantage_sdk.pagination import Page, start_of, walk

T = TypeVar("T")
LARGEST_PAGE = 100


def as_given(_: str, value: Any) -> Any:
    """Check nothing."""
    return value


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One list: the template of its path, the decoder of a page, its filters, the size of its pages unless given.

    ``check`` gets the name and the value of a filter and returns what is sent.
    """

    path: str
    decode: Decode[Page[T]]
    filters: tuple[str, ...]
    size: int | None = LARGEST_PAGE
    check: Callable[[str, Any], Any] = as_given

    async def page(
        self, resource: Resource[Any], given: Mapping[str, Any], values: Mapping[str, str], **place: Any
    ) -> Page[T]:
        """Fetch one page; ``given`` are filters and options together, ``values`` those of the path."""
        query = {name: self.check(name, given[name]) for name in self.filters if name in given}
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
