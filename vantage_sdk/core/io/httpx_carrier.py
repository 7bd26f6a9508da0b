"""httpx as a carrier: for proxies, and for clients that the user brought; loaded only for these."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from vantage_sdk.core.io.blocking_pool import Content, Made, MadeInThreads
from vantage_sdk.core.io.carrier import RawHeaders
from vantage_sdk.core.io.port import Body, Failure, Sink, TransportError, Wire
from vantage_sdk.core.io.settings import CONNECT_TIMEOUT, Settings, tls_context

_OF_THE_RAW_BODY = frozenset({b"content-encoding", b"content-length"})


def request_of(wire: Wire, made: Callable[[Body], Any]) -> httpx.Request:
    """Return the exchange as httpx's request, with the time that is left as its timeouts.

    ``made`` turns a body that is made while it is sent into what the client iterates over.
    """
    left = None if wire.at is None else max(0.001, wire.at - time.monotonic())
    step = wire.idle if left is None else left if wire.idle is None else min(left, wire.idle)
    connect = CONNECT_TIMEOUT if step is None else min(step, CONNECT_TIMEOUT)
    times: dict[str, Any] = {"timeout": {"connect": connect, "read": step, "write": step, "pool": step}}
    headers, body = list(wire.headers), wire.body
    content = body if isinstance(body, bytes) else made(body)
    if not isinstance(body, bytes):
        headers.append((b"Content-Length", b"%d" % body.length))
    return httpx.Request(wire.method, wire.url, headers=headers, content=content, extensions=times)


def _headers(response: httpx.Response) -> RawHeaders:
    """Return the headers; what a hook or a mock has read already is decoded, so the encoding says nothing any more."""
    if not response.is_stream_consumed:
        return response.headers.raw
    return [(name, value) for name, value in response.headers.raw if name.lower() not in _OF_THE_RAW_BODY]


def _stream(response: httpx.Response) -> Any:
    """Return the stream below the answer 101; transports that make up their answers have none."""
    stream = response.extensions.get("network_stream")
    if stream is None:
        raise TransportError(Failure.BAD, "the transport of http_client cannot hand over a connection")
    return stream


@dataclass(slots=True)
class HttpxAnswer:
    """An answer of httpx."""

    response: httpx.Response
    status: int
    headers: RawHeaders

    def chunks(self) -> Iterator[bytes]:
        return iter([self.response.content]) if self.response.is_stream_consumed else self.response.iter_raw()

    def receive(self, _size: int, _sink: Sink, /) -> bool:
        """Leave it to ``chunks``: behind a proxy the socket is not where the body is."""
        return False

    def stream(self) -> Any:
        return _stream(self.response)

    def close(self) -> None:
        self.response.close()


@dataclass(slots=True)
class AsyncHttpxAnswer:
    """An answer of httpx, read asynchronously."""

    response: httpx.Response
    status: int
    headers: RawHeaders

    def chunks(self) -> AsyncIterator[bytes]:
        return Content(self.response.content) if self.response.is_stream_consumed else self.response.aiter_raw()

    def stream(self) -> Any:
        return _stream(self.response)

    async def aclose(self) -> None:
        await self.response.aclose()


class HttpxCarrier:
    """Sends through an ``httpx.Client``: its transport, hooks and proxies, but neither its auth nor redirects.

    A client that is not ``owned`` is the user's and stays open.
    """

    def __init__(self, client: httpx.Client, *, owned: bool) -> None:
        self._client = client
        self._owned = owned

    def send(self, wire: Wire) -> HttpxAnswer:
        request = request_of(wire, lambda body: Made(body, abort=wire.abort))
        response = self._client.send(request, stream=True, auth=None, follow_redirects=False)
        return HttpxAnswer(response, response.status_code, _headers(response))

    @classmethod
    def through(cls, proxy: str, settings: Settings) -> HttpxCarrier:
        """Return a carrier over a proxy, with a client of its own."""
        mounts: dict[str, Any] = {}
        if settings.cert:
            certified = tls_context(settings, settings.home)
            mounts[str(settings.home)] = httpx.HTTPTransport(proxy=proxy, verify=certified)
        client = httpx.Client(proxy=proxy, verify=tls_context(settings), mounts=mounts, trust_env=False)
        return cls(client, owned=True)

    def close(self) -> None:
        if self._owned:
            self._client.close()


class AsyncHttpxCarrier:
    """Sends through an ``httpx.AsyncClient`` likewise."""

    def __init__(self, client: httpx.AsyncClient, *, owned: bool) -> None:
        self._client = client
        self._owned = owned

    async def send(self, wire: Wire) -> AsyncHttpxAnswer:
        request = request_of(wire, MadeInThreads)
        response = await self._client.send(request, stream=True, auth=None, follow_redirects=False)
        return AsyncHttpxAnswer(response, response.status_code, _headers(response))

    @classmethod
    def through(cls, proxy: str, settings: Settings) -> AsyncHttpxCarrier:
        """Return a carrier over a proxy, with a client of its own."""
        mounts: dict[str, Any] = {}
        if settings.cert:
            certified = tls_context(settings, settings.home)
            mounts[str(settings.home)] = httpx.AsyncHTTPTransport(proxy=proxy, verify=certified)
        client = httpx.AsyncClient(proxy=proxy, verify=tls_context(settings), mounts=mounts, trust_env=False)
        return cls(client, owned=True)

    async def aclose(self) -> None:
        if self._owned:
            await self._client.aclose()
