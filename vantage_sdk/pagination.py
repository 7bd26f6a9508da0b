"""Pages, and how to get from one to the next."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from vantage_sdk.core.page_token import decode, digest, encode
from vantage_sdk.core.shapes import as_list, as_object, is_whole
from vantage_sdk.exceptions import VantageAPIError
from vantage_sdk.models.base import Model, parsed

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.io.port import IO
    from vantage_sdk.models.envelope import Meta

T = TypeVar("T")
M = TypeVar("M", bound=Model)
Query = Mapping[str, Any]
PAGING = frozenset({"limit", "offset", "page", "page_token"})
DEFAULT_LIMIT = 50
SERVER_TOKEN = "server:"


@dataclass(frozen=True, slots=True)
class Page(Sequence[T], Generic[T]):
    """One page of a list, itself a read-only sequence of its ``items``.

    ``total`` counts the matches on all pages if the server tells; ``limit`` is the page size that the server used,
    ``offset`` the place of the first item, ``page`` the page number in the family's own counting.
    ``next_page_token`` goes into ``list(page_token=...)`` with the same filters.  ``meta`` has ``request_id`` and ``timestamp``
    where the family tells them.
    """

    items: list[T]
    total: int | None = None
    limit: int | None = None
    offset: int | None = None
    page: int | None = None
    next_page_token: str | None = None
    meta: Meta | None = field(default=None, compare=False, repr=False)

    @property
    def has_next(self) -> bool:
        """Tell whether there are more items after these."""
        return self.next_page_token is not None

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def _repr_html_(self) -> str:
        from vantage_sdk.notebook import listing

        return listing(self.items, self.total)


def page_of(model: type[M], key: str, default_limit: int = DEFAULT_LIMIT) -> Callable[[Answer], Page[M]]:
    """Return the decoder of a list whose items are under ``key``, counted by page or by offset; ``default_limit``: the size of its pages."""

    def decode_page(answer: Answer) -> Page[M]:
        body = as_object(parsed(answer)) or {}
        items = _items(model, key, body)
        sent = answer.query or {}
        sizes = (body.get("per_page"), body.get("limit"), sent.get("limit"))
        limit = next((size for size in map(_number, sizes) if size), default_limit)
        number = _number(body.get("page"))
        offset = _number(body.get("offset", sent.get("offset")))
        if offset is None:
            offset = max(0, (number or 1) - 1) * limit
        total = _number(body.get("total"))
        end = offset + len(items)
        more = body.get("has_more", total is not None and end < total)
        token = body.get("next_page_token")
        if isinstance(token, str) and token:
            token = SERVER_TOKEN + token
        else:
            token = encode(end, limit, digest(_filters(sent))) if more and items else None
        return Page(items, total, limit, offset, number, token)

    return decode_page


def whole_list_of(model: type[M], key: str) -> Callable[[Answer], Page[M]]:
    """Return the decoder of a list under ``key`` that comes as a whole, whatever ``total`` it tells."""

    def decode_list(answer: Answer) -> Page[M]:
        body = as_object(parsed(answer)) or {}
        items = _items(model, key, body)
        total = _number(body.get("total"))
        return Page(items, len(items) if total is None else total, offset=0)

    return decode_list


def _items(model: type[M], key: str, body: Mapping[str, Any]) -> list[M]:
    received = as_list(body.get(key))
    if received is None:
        raise ValueError(f"no list under {key!r}")
    return [model.from_dict(item) for item in received]


def _number(value: Any) -> int | None:
    return value if is_whole(value, 0) else None


def _filters(query: Query) -> Query:
    return {name: value for name, value in query.items() if name not in PAGING and value is not None}


def start_of(query: Query) -> dict[str, Any]:
    """Return the query of a page, with a ``page_token`` resolved; refuse arguments that contradict each other.

    Tokens are made by ``page_of`` from the next offset, because the documented API has no tokens of its own; one that a
    server made is passed on.
    """
    query = {name: value for name, value in query.items() if value is not None}
    limit, offset, page, token = (query.get(name) for name in ("limit", "offset", "page", "page_token"))
    for name, value, least in (("limit", limit, 1), ("offset", offset, 0), ("page", page, 1)):
        if value is not None and not is_whole(value, least):
            raise ValueError(f"{name} is a number from {least}, not {value!r}")
    if page is not None and offset is not None:
        raise ValueError("page and offset are two ways to say the same: give one of them")
    if token is None:
        return query
    if offset or page is not None:
        raise ValueError("page_token says where to go on: give no offset or page beside it")
    if token.startswith(SERVER_TOKEN):
        return {**query, "page_token": token.removeprefix(SERVER_TOKEN)}
    place, size, filters = decode(token)
    if filters != digest(_filters(query)):
        raise ValueError("page_token belongs to a list with other filters; give the same ones on every page")
    if limit is not None and limit != size:
        size = limit
    rest = {name: value for name, value in query.items() if name != "page_token"}
    return {**rest, "limit": size, "offset": place}


async def walk(
    fetch: Callable[[str | None], Awaitable[Page[T]]], io: IO, *, prefetch: int = 0, max_items: int | None = None
) -> AsyncGenerator[Sequence[Page[T]], None]:
    """Yield pages one by one, the next one on its way while the caller works on this one if ``prefetch`` is 1.

    Items that the page before had are left out: they moved there when something was inserted meanwhile.  A list that
    leads back to where it was raises ``VantageAPIError`` with code ``pagination_cycle``.
    """
    if prefetch not in (0, 1):
        raise ValueError(f"prefetch is 0 or 1, not {prefetch!r}")
    if max_items is not None and max_items < 1:
        raise ValueError(f"max_items is a number from 1, not {max_items!r}")
    left, seen, before = max_items, set[str](), list[T]()
    page = await fetch(None)
    while True:
        token = page.next_page_token
        if token is not None and token in seen:
            raise VantageAPIError("the list leads back to a page that was there already", code="pagination_cycle")
        seen.add(token or "")
        ahead = io.start(_bound(fetch, token)) if prefetch and token is not None and not _enough(page, left) else None
        try:
            fresh = _without(page, before)
            yield [fresh if left is None else _cut(fresh, left)]
        except BaseException:
            if ahead is not None:
                ahead.abandon()
            raise
        left = None if left is None else left - len(fresh)
        if token is None or (left is not None and left <= 0):
            return
        before = page.items
        page = await (fetch(token) if ahead is None else ahead.result())
        if page.items and [_identity(item) for item in page.items] == [_identity(item) for item in before]:
            raise VantageAPIError("the server sends the same page again and again", code="pagination_cycle")


def _bound(fetch: Callable[[str | None], Awaitable[Page[T]]], token: str) -> Callable[[], Any]:
    async def call() -> Page[T]:
        return await fetch(token)

    return call


def _enough(page: Page[T], left: int | None) -> bool:
    return left is not None and len(page) >= left


def _identity(item: object) -> object:
    return getattr(item, "id", item)


def _without(page: Page[T], before: list[T]) -> Page[T]:
    known = {_identity(item) for item in before}
    if not known or not any(_identity(item) in known for item in page.items):
        return page
    return _with_items(page, [item for item in page.items if _identity(item) not in known])


def _cut(page: Page[T], left: int) -> Page[T]:
    return page if len(page) <= left else _with_items(page, page.items[:left])


def _with_items(page: Page[T], items: list[T]) -> Page[T]:
    return replace(page, items=items)
