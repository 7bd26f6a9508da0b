"""The port for asynchronous clients, on asyncio and trio."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx

from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.async_pool import AsyncPool
from vantage_sdk.core.io.body import declared, decoded, flat, grown
from vantage_sdk.core.io.failures import CAUGHT, translate
from vantage_sdk.core.io.files import read_bounded
from vantage_sdk.core.io.port import Call, Pending, Wire
from vantage_sdk.core.io.settings import Settings
from vantage_sdk.core.io.tasks import start
from vantage_sdk.core.io.wiring import AsyncClientCarrier, request_of

T = TypeVar("T")
Transport = httpx.AsyncBaseTransport | AsyncClientCarrier


class AnyIO:
    """Sends over an injected ``httpx.AsyncClient``, a proxy, or a pool of its own for each event loop."""

    def __init__(self, settings: Settings, made_at: str, client: httpx.AsyncClient | None = None) -> None:
        self._settings = settings
        self._made_at = made_at
        self._foreign = client is not None
        self._client = None if client is None else AsyncClientCarrier(client)
        self._transports: WeakKeyDictionary[Any, httpx.AsyncBaseTransport] = WeakKeyDictionary()

    def _transport(self) -> Transport:
        if self._client is not None:
            return self._client
        loop = anyio.lowlevel.current_token().native_token
        transport = self._transports.get(loop)
        if transport is None:
            for ended in [loop for loop in self._transports if getattr(loop, "is_closed", bool)()]:
                del self._transports[ended]
            proxy = self._settings.proxy
            transport = AsyncPool(self._settings) if proxy is None else httpx.AsyncHTTPTransport(proxy=proxy)
            self._transports[loop] = transport
        return transport

    async def exchange(self, wire: Wire) -> Answer:
        try:
            response = await self._transport().handle_async_request(request_of(wire, whole_url=self._foreign))
            async with aclosing(response):
                headers = flat(response.headers.raw)
                declared(headers, wire.limit)
                body = await _joined(response, wire.limit)
            return Answer(response.status_code, headers, decoded(body, headers.get("content-encoding", ""), wire.limit))
        except CAUGHT as error:
            failure = translate(error, wire.url)
        raise failure

    async def open(self, wire: Wire) -> AsyncIncoming:
        try:
            return AsyncIncoming(await self._transport().handle_async_request(request_of(wire, whole_url=self._foreign)), wire.url)
        except CAUGHT as error:
            failure = translate(error, wire.url)
        raise failure

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def read_file(self, path: Path, limit: int) -> bytes:
        return await anyio.to_thread.run_sync(read_bounded, path, limit)

    async def gather(self, calls: Sequence[Call[T]], limit: int) -> list[T]:
        results: dict[int, T] = {}
        failed: list[Exception] = []
        todo = iter(enumerate(calls))

        async def work() -> None:
            for number, call in todo:
                try:
                    results[number] = await call()
                except Exception as error:  # raised bare below, not in a group
                    failed.append(error)
                    group.cancel_scope.cancel()
                    return

        async with anyio.create_task_group() as group:
            for _ in range(min(limit, len(calls))):
                group.start_soon(work)
        if failed:
            raise failed[0]
        return [results[number] for number in range(len(calls))]

    def start(self, call: Call[T]) -> Pending[T]:
        return start(call)

    async def aclose(self) -> None:
        transport = self._transports.pop(anyio.lowlevel.current_token().native_token, None)
        if transport is not None:
            await transport.aclose()

    def __del__(self) -> None:
        for loop, transport in getattr(self, "_transports", {}).items():
            leaked = isinstance(transport, AsyncPool) and transport.open_connections
            if leaked and getattr(loop, "is_closed", bool)():
                warnings.warn(f"unclosed client made at {self._made_at}", ResourceWarning, source=self, stacklevel=2)


async def _joined(response: httpx.Response, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    stream: Any = response.stream
    async for chunk in stream:
        chunks.append(chunk)
        size += len(chunk)
        grown(size, limit)
    return b"".join(chunks)


class AsyncIncoming:
    """A streamed answer of an asynchronous client."""

    def __init__(self, response: httpx.Response, url: str) -> None:
        self._response = response
        self._url = url
        stream: Any = response.stream
        self._chunks: AsyncIterator[bytes] = aiter(stream)
        self.status = response.status_code
        self.headers = flat(response.headers.raw)

    def __aiter__(self) -> AsyncIncoming:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except CAUGHT as error:
            failure = translate(error, self._url)
        raise failure

    async def read(self, limit: int) -> bytes:
        try:
            return decoded(await _joined(self._response, limit), self.headers.get("content-encoding", ""), limit)
        except CAUGHT as error:
            failure = translate(error, self._url)
        raise failure

    async def aclose(self) -> None:
        await self._response.aclose()
