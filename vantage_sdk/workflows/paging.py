"""Lists whose pages are numbered from 0; callers see pages and tokens as of every other list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.core.page_token import decode, digest, encode
from vantage_sdk.core.shapes import as_list, is_whole
from vantage_sdk.models.base import Model
from vantage_sdk.models.envelope import opened
from vantage_sdk.pagination import DEFAULT_LIMIT, Page

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer

M = TypeVar("M", bound=Model)


def numbered(model: type[M], key: str) -> Callable[[Answer], Page[M]]:
    """Return the decoder of a list in an envelope whose items are under ``key``."""

    def decode_page(answer: Answer) -> Page[M]:
        data, meta = opened(answer)
        received = as_list(data.get(key))
        if received is None:
            raise ValueError(f"no list under {key!r}")
        items = [model.from_dict(item) for item in received]
        sent = answer.query or {}
        limit = _number(data, sent, "limit", 1) or DEFAULT_LIMIT
        page = _number(data, sent, "page", 0) or 0
        total = data["total"] if is_whole(data.get("total"), 0) else None
        more = data.get("has_more", total is not None and page * limit + len(items) < total)
        token = encode((page + 1) * limit, limit, digest({})) if more and items else None
        return Page(items, total, limit, page * limit, page, token, meta)

    return decode_page


def _number(data: Mapping[str, Any], sent: Mapping[str, Any], name: str, least: int) -> int | None:
    """Return what the server used, else what it was asked for."""
    return next((place[name] for place in (data, sent) if is_whole(place.get(name), least)), None)


def numbers(limit: int | None, page: int | None, page_token: str | None = None) -> dict[str, int]:
    """Return the query of a page; a token goes on with the page size that it was made for.

    Raises ``ValueError`` for arguments that contradict each other.
    """
    for name, value, least in (("limit", limit, 1), ("page", page, 0)):
        if value is not None and not is_whole(value, least):
            raise ValueError(f"{name} is a number from {least}, not {value!r}")
    if page_token is None:
        return {name: value for name, value in (("page", page), ("limit", limit)) if value is not None}
    if page:
        raise ValueError("page_token says where to go on: give no page beside it")
    offset, size, filters = decode(page_token)
    if filters != digest({}) or offset % size:
        raise ValueError("page_token belongs to another list")
    return {"page": offset // size, "limit": size}
