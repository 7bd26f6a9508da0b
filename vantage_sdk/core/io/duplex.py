"""The connection itself, once a server has switched protocols.

It belongs to the process that made it: a forked child neither reads what its parent waits for nor says anything in its name.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.core.io.failures import caught, translate
from vantage_sdk.core.io.port import Failure, TransportError, Wire

if TYPE_CHECKING:
    import httpcore

    from vantage_sdk.core.io.carrier import AsyncCarried, Carried

T = TypeVar("T")


class _Owned:
    def __init__(self, wire: Wire) -> None:
        self._origin = str(wire.origin)
        self._owner = os.getpid()

    def _mine(self) -> None:
        if os.getpid() != self._owner:
            raise TransportError(Failure.CUT, "the connection stayed with the process that was forked")


class BlockingDuplex(_Owned):
    """A connection of a blocking client."""

    def __init__(self, carried: Carried, wire: Wire) -> None:
        super().__init__(wire)
        self._carried = carried
        self._stream: httpcore.NetworkStream = carried.stream()
        self._abort = wire.abort
        self._held = None if wire.abort is None else wire.abort.hold(self._shut)

    async def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        return self._tried(lambda: self._stream.read(max_bytes, timeout))

    async def send(self, data: bytes, timeout: float | None) -> None:
        self._tried(lambda: self._stream.write(data, timeout))

    def _tried(self, step: Callable[[], T]) -> T:
        self._mine()
        try:
            result = step()
        except caught() as error:
            failure = translate(error, self._origin)
        else:
            if self._abort is not None:
                self._abort.check()
            return result
        if self._abort is not None:
            self._abort.check()
        raise failure

    def _shut(self) -> None:
        """Wake a thread that reads; a client of httpx does not know of aborts."""
        sock: Any = self._stream.get_extra_info("socket")
        if isinstance(sock, socket.socket):
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not that of an SSLSocket, see clocked.py

    async def aclose(self) -> None:
        if self._abort is not None and self._held is not None:
            self._abort.let_go(self._held)
        self._carried.close()


class AsyncDuplex(_Owned):
    """A connection of an asynchronous client."""

    def __init__(self, carried: AsyncCarried, wire: Wire) -> None:
        super().__init__(wire)
        self._carried = carried
        self._stream: httpcore.AsyncNetworkStream = carried.stream()

    async def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        self._mine()
        try:
            return await self._stream.read(max_bytes, timeout)
        except caught() as error:
            failure = translate(error, self._origin)
        raise failure

    async def send(self, data: bytes, timeout: float | None) -> None:
        self._mine()
        try:
            return await self._stream.write(data, timeout)
        except caught() as error:
            failure = translate(error, self._origin)
        raise failure

    async def aclose(self) -> None:
        await self._carried.aclose()
