"""Network streams that keep the instant by which an answer must be complete, and count what was received.

httpx times each read on its own, so a server that drips a byte now and then holds a call for ever.  Here every read and
write of one exchange shares the time that is left.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from typing import Any

import httpcore

from vantage_sdk.core.io.connecting import connect, is_readable
from vantage_sdk.core.io.port import Sink
from vantage_sdk.core.io.settings import CONNECT_TIMEOUT

PIECE = 1 << 20
_MORE: int = getattr(socket, "MSG_MORE", 0)
"""Lets the kernel keep what is written for the next write, on Linux."""


class Exchange:
    """The times and counts of what happens on one connection right now."""

    def __init__(self) -> None:
        self.at: float | None = None
        self.idle: float | None = None
        self.received = 0
        self.socket: socket.socket | None = None
        self.more = False
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

    def left(self, late: type[Exception], timeout: float | None = None) -> float | None:
        """Return the seconds the next step may take; raise ``late`` if the time is over.

        ``timeout`` takes the place of ``idle``; nobody gives one before the server has switched protocols.
        """
        if self._off:
            raise late("called off")
        most = self.idle if timeout is None else timeout
        if self.at is None:
            return most
        left = self.at - time.monotonic()
        if left <= 0:
            raise late("the time for this call is over")
        return left if most is None else min(left, most)

    def connecting(self) -> float:
        left = self.left(httpcore.ConnectTimeout)
        return CONNECT_TIMEOUT if left is None else min(left, CONNECT_TIMEOUT)


@contextmanager
def _told(late: type[Exception], broken: type[Exception]) -> Generator[None]:
    """Raise what goes wrong with a socket as httpcore's ``late`` or ``broken``."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from None
    except OSError as error:
        raise broken(str(error)) from error


class ClockedStream(httpcore.NetworkStream):
    """A blocking socket under the clock of its connection."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._socket = sock
        self._exchange = exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _told(httpcore.ReadTimeout, httpcore.ReadError):
            self._socket.settimeout(self._exchange.left(httpcore.ReadTimeout, timeout))
            data = self._socket.recv(max_bytes)
        self._exchange.received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write step by step, so that all steps of a long write share the time that is left."""
        left = memoryview(buffer)
        more, self._exchange.more = self._exchange.more, False
        # A head goes out together with the body that follows, so that the server is woken up once.
        flags = _MORE if more and not isinstance(self._socket, ssl.SSLSocket) else 0
        with _told(httpcore.WriteTimeout, httpcore.WriteError):
            while left:
                self._socket.settimeout(self._exchange.left(httpcore.WriteTimeout, timeout))
                left = left[self._socket.send(left, flags) :]

    def receive(self, size: int, sink: Sink) -> None:
        """Give the next ``size`` bytes to ``sink``, past the HTTP parser, which costs three times as much as all the rest."""
        memory = memoryview(bytearray(min(size, PIECE)))
        while size:
            count = self._receive_into(memory[: min(size, PIECE)])
            if not count:
                raise httpcore.RemoteProtocolError(f"the connection was closed {size} bytes before the end")
            sink(memory[:count])
            size -= count

    def _receive_into(self, memory: memoryview) -> int:
        """Wait for bytes and take all that are there by then: TLS gives out 16 KiB at a time, too few to be worth a step each."""
        filled = 0
        with _told(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                self._socket.settimeout(self._exchange.left(httpcore.ReadTimeout))
                while filled < len(memory) and (count := self._socket.recv_into(memory[filled:])):
                    if not filled:
                        self._socket.settimeout(0)
                    filled += count
            except OSError:
                # Nothing more for now, or a failure that comes again: what has come is not to be lost.
                if not filled:
                    raise
        return filled

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        exchange = self._exchange
        try:
            with _told(httpcore.ConnectTimeout, httpcore.ConnectError), self._socket.dup() as twin:
                exchange.socket = twin  # wrapping takes the number away from the socket itself
                self._socket.settimeout(exchange.connecting())
                sock = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        exchange.socket = sock
        return ClockedStream(sock, exchange)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return is_readable(self._socket)
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        names: dict[str, Callable[[], Any]] = {
            "socket": lambda: self._socket,
            "client_addr": self._socket.getsockname,
            "server_addr": self._socket.getpeername,
        }
        return names[info]() if info in names else None


class ClockedBackend(httpcore.NetworkBackend):
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
        with _told(httpcore.ConnectTimeout, httpcore.ConnectError):
            sock = connect(self._exchange, host, port, local_address, socket_options or ())
        self._exchange.socket = sock
        return ClockedStream(sock, self._exchange)


class AsyncClockedStream(httpcore.AsyncNetworkStream):
    """An asynchronous network stream under the clock of its connection."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = await self._stream.read(max_bytes, self._exchange.left(httpcore.ReadTimeout, timeout))
        except ssl.SSLError as error:  # an alert of the peer's, which httpcore does not know to be one
            raise httpcore.ReadError(str(error)) from None
        self._exchange.received += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await self._stream.write(buffer, self._exchange.left(httpcore.WriteTimeout, timeout))
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from None

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
