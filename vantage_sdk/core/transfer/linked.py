"""Files behind a link of an answer, on the client's own server or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vantage_sdk.core.request import Request
from vantage_sdk.core.transfer import download
from vantage_sdk.core.transfer.checksums import sha256_of_headers
from vantage_sdk.core.transfer.reading import Version, strong
from vantage_sdk.core.transfer.tries import Remote
from vantage_sdk.core.urls import Origin, resolve_link
from vantage_sdk.exceptions import TransferError

if TYPE_CHECKING:
    from vantage_sdk.config import Config
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.sending import Sender


async def linked(sender: Sender, options: Mapping[str, Any], link: str, name: str, size: int | None) -> Remote:
    """Return how to read the file of ``size`` bytes, if that is known, behind a link, and the version that is there now.

    A link without a host is one of the client's server and its mount path.  On another server, to which only ``https`` or
    a loopback address leads, the file is asked for without credentials.  Raises ``TransferError`` for any other link.
    """
    request = _request(sender.config, link, name)
    version = Version(size)
    if size == 0:
        await _must_be_empty(sender, options, request, name)
    elif size is not None and size > download.KEPT:
        version = await _told(sender, options, request, size)
    return Remote(request, version, name, unproved=version.sha256 is None)


def _request(config: Config, link: str, name: str) -> Request[Answer]:
    if link.startswith("/") and not link.startswith(("//", f"{config.mount}/")):
        link = config.mount + link
    url = resolve_link(link, f"{config.origin}{config.mount}/")
    if url is None:
        raise TransferError(f"the server says that {name} is at a place that is none")
    origin, parts = Origin.of(url), urlsplit(url)
    if origin != config.origin and not origin.is_safe:
        raise TransferError(f"the server says that {name} is at {origin}, where anybody on the way could change it")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Request("GET", path, _itself, accept="*/*", origin=origin, roams=True)


def _itself(answer: Answer) -> Answer:
    return answer


async def _must_be_empty(sender: Sender, options: Mapping[str, Any], request: Request[Any], name: str) -> None:
    """Ask for the file all the same: it may have gone."""
    answer = await sender.fetch(request, options)
    if answer.body:
        raise TransferError(f"{name} has {len(answer.body)} bytes, not 0 as the server says")


async def _told(sender: Sender, options: Mapping[str, Any], request: Request[Any], size: int) -> Version:
    """Return the version of a file that is worth going on with after an interruption."""
    incoming = await sender.open(replace(request, headers={"Range": "bytes=0-0"}), options)
    try:
        return Version(size, strong(incoming.headers.get("etag")), sha256_of_headers(incoming.headers))
    finally:
        await incoming.aclose()
