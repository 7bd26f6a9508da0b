"""Redirects are followed for GET within the origin of the request, never with a body, and elsewhere only without credentials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from vantage_sdk.core.urls import Origin, resolve_link, same_origin

if TYPE_CHECKING:
    from vantage_sdk.core.attempt import HasHead
    from vantage_sdk.core.io.port import Wire

GET_REDIRECTS = 5
_STATUSES = frozenset({301, 302, 303, 307, 308})
_IMPERSONAL = frozenset({b"user-agent", b"accept", b"accept-encoding", b"range", b"if-range"})


def refusal(answer: HasHead) -> str:
    """Return what to say of a redirect that is not followed; its location may hold secrets, so only the origin is told."""
    try:
        place = str(Origin.of(answer.headers.get("location", "")))
    except ValueError:
        place = "another place"
    return f"the server redirects to {place}, which is not followed; check base_url"


def next_target(sent: Wire, answer: HasHead, *, roams: bool = False) -> Wire | None:
    """Return the request that follows a redirect, ``None`` if there is none or it must not be followed.

    ``roams``: it may lead to any safe place; from the first step away on, also back home, the request is anonymous.
    """
    if answer.status not in _STATUSES or sent.method not in ("GET", "HEAD"):
        return None
    link = resolve_link(answer.headers.get("location", ""), sent.url)
    if not link or not (same_origin(link, sent.url) or roams):
        return None
    parts, origin = urlsplit(link), Origin.of(link)
    moved = replace(sent, target=urlunsplit(("", "", parts.path or "/", parts.query, "")))
    if origin == sent.origin:
        return moved
    return anonymous(moved, origin) if origin.is_safe else None


def anonymous(sent: Wire, origin: Origin) -> Wire:
    """Return a request as it goes to another server: with nothing that tells who asks."""
    host = str(origin).partition("://")[2].encode("ascii")
    kept = [(name, value) for name, value in sent.headers if name.lower() in _IMPERSONAL]
    return replace(sent, origin=origin, headers=((b"Host", host), *kept))
