"""From the port's ``Wire`` to httpx's ``Request``, and the carrier for a client that the user brought."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import httpx

from vantage_sdk.core.io.port import Wire
from vantage_sdk.core.io.settings import CONNECT_TIMEOUT


@lru_cache(maxsize=256)
def _parsed(origin: str) -> httpx.URL:
    return httpx.URL(origin)


def request_of(wire: Wire, *, whole_url: bool) -> httpx.Request:
    """Return the request with its times in the extensions: ``at`` and ``idle`` for our pools, ``timeout`` for others.

    Parsing a URL is a fifth of the cost of a call, so path and query travel as httpx's ``target`` extension unless
    ``whole_url`` is asked for, as it is for clients of the user's, whose hooks read the URL.
    """
    left = None if wire.at is None else max(0.001, wire.at - time.monotonic())
    step = wire.idle if left is None else left if wire.idle is None else min(left, wire.idle)
    connect = CONNECT_TIMEOUT if step is None else min(step, CONNECT_TIMEOUT)
    times: dict[str, Any] = {
        "target": wire.target.encode("ascii"),
        "at": wire.at,
        "idle": wire.idle,
        "timeout": {"connect": connect, "read": step, "write": step, "pool": step},
    }
    url = httpx.URL(wire.url) if whole_url else _parsed(wire.origin)
    return httpx.Request(wire.method, url, headers=list(wire.headers), content=wire.body, extensions=times)


class ClientCarrier:
    """Sends through an injected ``httpx.Client``: its transport, hooks and proxies, but neither its auth nor redirects."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._client.send(request, stream=True, auth=None, follow_redirects=False)


class AsyncClientCarrier:
    """Sends through an injected ``httpx.AsyncClient`` likewise."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request, stream=True, auth=None, follow_redirects=False)
