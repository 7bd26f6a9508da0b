"""Network streams that keep the instant by which an answer must be complete, and count what was received.

httpx times each read on its own, so a server that drips a byte now and then holds a call for ever.  Here every read and
write of one exchange shares the time that is left.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from vantage_sdk.core.io.settings import CONNECT_TIMEOUT


class Exchange:
    """The times and counts of what happens on one connection right now."""

    def __init__(self) -> None:
        self.at: float | None = None
        self.idle: float | None = None
        self.received = 0

    def begin(self, at: float | None, idle: float | None) -> None:
        self.at, self.idle, self.received = at, idle, 0

    def go_on(self, at: float | None) -> None:
        """Give the body of an answer the time until ``at``, now that its head has come."""
        self.at = at

    def expire(self) -> None:
        """Make every further read and write fail at once."""
        self.at = -math.inf

    def left(self, late: type[Exception]) -> float | None:
        """Return the seconds the next step may take; raise ``late`` if the time is over."""
        if self.at is None:
            return self.idle
        left = self.at - time.monotonic()
        if left <= 0:
            raise late("the time for this call is over")
        return left if self.idle is None else min(left, self.idle)

    def connecting(self) -> float:
        left = self.left(httpcore.ConnectTimeout)
        return CONNECT_TIMEOUT if left is None else min(left, CONNECT_TIMEOUT)


PIECE = 16 << 10


class ClockedStream(httpcore.NetworkStream):
    """A blocking network stream under the clock of its connection."""

    def __init__(self, stream: httpcore.NetworkStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._exchange.left(httpcore.ReadTimeout))
        self._exchange.received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write in pieces that a socket takes whole, because every step of a longer write would have all the time again."""
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], self._exchange.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._exchange.connecting()
        return ClockedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._exchange)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class ClockedBackend(httpcore.SyncBackend):
    """Opens blocking streams under the clock of one connection."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._exchange.connecting()
        return ClockedStream(super().connect_tcp(host, port, left, local_address, socket_options), self._exchange)


class AsyncClockedStream(httpcore.AsyncNetworkStream):
    """An asynchronous network stream under the clock of its connection."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, self._exchange.left(httpcore.ReadTimeout))
        self._exchange.received += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, self._exchange.left(httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        left = self._exchange.connecting()
        return AsyncClockedStream(await self._stream.start_tls(ssl_context, server_hostname, left), self._exchange)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class AsyncClockedBackend(httpcore.AsyncNetworkBackend):
    """Opens asynchronous streams under the clock of one connection, on asyncio and trio."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._anyio: Any = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        left = self._exchange.connecting()
        try:
            stream = await self._anyio.connect_tcp(host, port, left, local_address, socket_options)
        except RuntimeError as error:  # names are looked up by threads, and none starts while the interpreter exits
            raise httpcore.ConnectError(str(error)) from None
        return AsyncClockedStream(stream, self._exchange)
