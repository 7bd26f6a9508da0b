"""The three headers of a webhook's delivery, however a framework hands headers over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from vantage_sdk.exceptions import WebhookVerificationError

ID, TIMESTAMP, SIGNATURE = NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
_FORMS = {
    ID: re.compile(r"[!-~]{1,256}"),
    TIMESTAMP: re.compile(r"[0-9]{1,12}"),
    # Exactly one comma an entry: repeated headers that something has joined into one have more.
    SIGNATURE: re.compile(r"(?=.{1,8192}\Z)[!-+\--~]+,[!-+\--~]+(?: +[!-+\--~]+,[!-+\--~]+)*"),
}


class HasItems(Protocol):
    """Headers of a framework: not always a ``Mapping``, and with repeated ones repeated."""

    def items(self) -> Iterable[tuple[Any, Any]]: ...


Headers = Mapping[Any, Any] | HasItems | Iterable[tuple[Any, Any]]


class Delivery(NamedTuple):
    """What the headers of a delivery say, as text of the right form."""

    webhook_id: str
    timestamp: str
    signature: str


def delivery_of(headers: Headers) -> Delivery:
    """Return the headers that matter; raise ``WebhookVerificationError`` if one is missing, repeated or malformed.

    ``headers``: a mapping, pairs, or what has ``items()``; names in any case, also as a WSGI environment spells them; text or
    bytes.  Raises ``TypeError`` for anything else.
    """
    found: dict[str, list[Any]] = {name: [] for name in NAMES}
    for name, value in _pairs(headers):
        if (plain := _plain(name)) in found:
            found[plain].append(value)
    return Delivery(*(_only(name, found[name]) for name in NAMES))


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    items = getattr(headers, "items", None)
    given: Any = items() if callable(items) else headers
    try:
        if not isinstance(headers, str | bytes):
            return [(name, value) for name, value in given]
    except (TypeError, ValueError):
        pass
    raise TypeError(f"headers takes a mapping or pairs of name and value, not {type(headers).__name__}")


def _plain(name: Any) -> str:
    """Return the name of a header in lower case; only ASCII is folded, since other letters become ASCII ones by it."""
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    if not isinstance(text, str) or not text.isascii():
        return ""
    if text.startswith("HTTP_"):
        text = text.removeprefix("HTTP_").replace("_", "-")
    return text.lower()


def _only(name: str, values: list[Any]) -> str:
    check = name.removeprefix("webhook-")
    if not values:
        raise WebhookVerificationError(f"there is no header {name}", check=check)
    if len(values) > 1:
        raise WebhookVerificationError(f"the header {name} is there {len(values)} times", check=check)
    value = values[0].decode("latin-1") if isinstance(values[0], bytes) else values[0]
    value = value.strip(" \t") if isinstance(value, str) else ""
    if not _FORMS[name].fullmatch(value):
        raise WebhookVerificationError(f"the header {name} is malformed", check=check)
    return value
