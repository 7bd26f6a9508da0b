"""Redirects are followed for GET within the origin of the request, never with a body and never elsewhere."""

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


def refusal(answer: HasHead) -> str:
    """Return what to say of a redirect that is not followed; its location may hold secrets, so only the origin is told."""
    try:
        place = str(Origin.of(answer.headers.get("location", "")))
    except ValueError:
        place = "another place"
    return f"the server redirects to {place}, which is not followed; check base_url"


def next_target(sent: Wire, answer: HasHead) -> Wire | None:
    """Return the request that follows a redirect, ``None`` if there is none or it must not be followed."""
    if answer.status not in _STATUSES or sent.method not in ("GET", "HEAD"):
        return None
    link = resolve_link(answer.headers.get("location", ""), sent.url)
    if not link or not same_origin(link, sent.url):
        return None
    parts = urlsplit(link)
    return replace(sent, target=urlunsplit(("", "", parts.path or "/", parts.query, "")))
