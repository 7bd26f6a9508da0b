"""Page tokens of our own making: where a list goes on, for an API that only knows offsets."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Set as AbstractSet
from datetime import datetime
from enum import Enum
from typing import Any

VERSION = "v1."
LONGEST = 256
LARGEST = 2**63 - 1


def encode(offset: int, limit: int, digest: str) -> str:
    """Return the token of the page of ``limit`` items from ``offset`` in the list whose filters have ``digest``."""
    if not (0 <= offset <= LARGEST and 1 <= limit <= LARGEST):
        raise ValueError(f"a page begins at 0 or later and has at least 1 item, not {offset!r} and {limit!r}")
    text = json.dumps([offset, limit, digest], separators=(",", ":"))
    token = VERSION + urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    if len(token) > LONGEST:
        raise ValueError(f"a page token has at most {LONGEST} characters; use digest() for the filters")
    return token


def decode(token: str) -> tuple[int, int, str]:
    """Return offset, limit and digest of a token; raise ``ValueError`` for any text that ``encode`` did not make."""
    try:
        offset, limit, filters = _fields(token)
        if encode(offset, limit, filters) == token:
            return offset, limit, filters
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise ValueError("page_token is not valid; pass the next_page_token of a page unchanged, or None to start over")


def _fields(token: str) -> tuple[int, int, str]:
    if len(token) > LONGEST or not token.startswith(VERSION):
        raise ValueError
    body = token.removeprefix(VERSION)
    fields: Any = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    offset, limit, filters = fields
    if type(offset) is not int or type(limit) is not int or type(filters) is not str:
        raise TypeError
    return offset, limit, filters


def digest(filters: Mapping[str, object]) -> str:
    """Return a short fingerprint of filters, the same in every order and process; ``None`` is no filter."""
    given = {name: value for name, value in filters.items() if value is not None}
    return hashlib.sha256(json.dumps(_plain(given)).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return _sorted(list(pair) for pair in _items(value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, AbstractSet):
        return _sorted(value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, datetime):
        return value.timestamp() if value.tzinfo else value.isoformat()
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _items(value: Mapping[Any, Any]) -> Iterable[tuple[str, Any]]:
    return ((str(name), item) for name, item in value.items())


def _sorted(items: Iterable[Any]) -> list[Any]:
    return sorted((_plain(item) for item in items), key=json.dumps)
