"""Network streams that keep the instant by which an answer must be complete, and count what was received.

httpx times each read on its own, so a server that drips a byte now and then holds a call for ever.  Here every read and
write of one exchange shares the time that is left.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore

from vantage_sdk.core.io.port import Sink
from vantage_sdk.core.io.settings import CONNECT_TIMEOUT

PIECE = 1 << 20


class Exchange:
    """The times and counts of what happens on one connection right now."""

    def __init__(self) -> None:
        self.at: float | None = None
        self.idle: float | None = None
        self.received = 0
        self.socket: socket.socket | None = None
        self._off = False

    def begin(self, at: float | None, idle: float | None) -> None:
        self.at, self.idle, self.received = at, idle, 0

    def go_on(self, at: float | None) -> None:
        """Give the body of an answer the time until ``at``, now that its head has come."""
        self.at = at

    def expire(self) -> None:
        """Make every further read and write fail at once."""
        self.at = -math.inf

    def shut(self) -> None:
        """Make what waits on the connection return at once, and fail every further step; for any thread."""
        self._off = True
        if self.socket is not None:
            with suppress(OSError):
                # not the method of an SSLSocket, which would pull the cipher from under a thread that reads
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def left(self, late: type[Exception]) -> float | None:
        """Return the seconds the next step may take; raise ``late`` if the time is over."""
        if self._off:
            raise late("called off")
        if self.at is None:
            return self.idle
        left = self.at - time.monotonic()
        if left <= 0:
            raise late("the time for this call is over")
        return left if self.idle is None else min(left, self.idle)

    def connecting(self) -> float:
        left = self.left(httpcore.ConnectTimeout)
        return CONNECT_TIMEOUT if left is None else min(left, CONNECT_TIMEOUT)


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
        """Write step by step, because httpcore would give every step of a long write all the time again."""
        sock = self._stream.get_extra_info("socket")
        left = memoryview(buffer)
        try:
            while left:
                sock.settimeout(self._exchange.left(httpcore.WriteTimeout))
                left = left[sock.send(left) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from None
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def receive(self, size: int, sink: Sink) -> None:
        """Give the next ``size`` bytes to ``sink``, past the HTTP parser, which costs three times as much as all the rest."""
        sock = self._stream.get_extra_info("socket")
        memory = memoryview(bytearray(min(size, PIECE)))
        while size:
            count = self._receive_into(sock, memory[: min(size, PIECE)])
            if not count:
                raise httpcore.RemoteProtocolError(f"the connection was closed {size} bytes before the end")
            sink(memory[:count])
            size -= count

    def _receive_into(self, sock: socket.socket, memory: memoryview) -> int:
        """Wait for bytes and take all that are there by then: TLS gives out 16 KiB at a time, too few to be worth a step each."""
        filled = 0
        try:
            sock.settimeout(self._exchange.left(httpcore.ReadTimeout))
            while filled < len(memory) and (count := sock.recv_into(memory[filled:])):
                if not filled:
                    sock.settimeout(0)
                filled += count
        except OSError as error:
            # Nothing more for now, or a failure that comes again: what has come is not to be lost.
            if filled:
                return filled
            if isinstance(error, TimeoutError):
                raise httpcore.ReadTimeout(str(error)) from None
            raise httpcore.ReadError(str(error)) from error
        return filled

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._exchange.connecting()
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        self._exchange.socket = stream.get_extra_info("socket")
        return ClockedStream(stream, self._exchange)

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
        stream = super().connect_tcp(host, port, left, local_address, socket_options)
        self._exchange.socket = stream.get_extra_info("socket")
        return ClockedStream(stream, self._exchange)


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
