"""A pool of asynchronous connections of httpcore, the engine of httpx, one for each event loop.

Three properties that the pool of httpx lacks: its cost does not grow with the calls in flight; a cancelled call, however
often it is cancelled, leaves nothing behind in the pool; and the connections of an event loop are closed when it ends.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any

import anyio
import httpcore

from vantage_sdk.core.io.blocking_pool import LOST, Pool, core_request, head_until
from vantage_sdk.core.io.clocked import AsyncClockedBackend, Exchange
from vantage_sdk.core.io.failures import CORE_ERRORS, PoolTimeout, StaleConnectionError
from vantage_sdk.core.io.port import Wire
from vantage_sdk.core.io.settings import KEEPALIVE_EXPIRY, Settings, socket_options, tls_context
from vantage_sdk.core.urls import Origin

CLOSING = 2.0


class AsyncConnection:
    """One connection to one origin and the clock of the exchange on it."""

    def __init__(self, key: Origin, settings: Settings) -> None:
        self.key = key
        self.exchange = Exchange()
        self.used = False
        self.http = httpcore.AsyncHTTPConnection(
            httpcore.Origin(key.scheme.encode("ascii"), key.host.encode("ascii"), key.port),
            ssl_context=tls_context(settings, key) if key.scheme == "https" else None,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            network_backend=AsyncClockedBackend(self.exchange),
            socket_options=socket_options(),
        )


class AsyncPool:
    """Keeps up to ``max_connections`` connections of one event loop, used last in first out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: defaultdict[Origin, list[AsyncConnection]] = defaultdict(list)
        self._gate = anyio.Semaphore(settings.max_connections, fast_acquire=True)
        self._watch: AsyncGenerator[None, None] | None = None
        self.active = 0
        self.closed = False
        self.half_read: list[AsyncIterator[bytes]] = []
        self._bulk: Pool | None = None

    @property
    def open_connections(self) -> int:
        return self.active + sum(map(len, self._idle.values()))

    async def bulk(self) -> Pool:
        """Return blocking connections, which worker threads move many bytes over; they are closed together with these."""
        await self._watched()
        if self._bulk is None:
            self._bulk = Pool(self._settings)
        return self._bulk

    async def _watched(self) -> None:
        if self._watch is None:
            self._watch = self._until_the_loop_ends()
            await anext(self._watch)

    async def send(self, wire: Wire) -> AsyncPooledAnswer:
        """Send and return the head of the answer; the connection comes back when the answer is closed."""
        await self._watched()
        if self.half_read:
            await self._sweep()
        until = head_until(wire)
        await self._enter(until)
        connection: AsyncConnection | None = None
        try:
            connection = await self._take(wire.origin)
            answer = await self._exchange(connection, wire, until)
        except BaseException:
            self._leave(connection)
            raise
        if answer.status == 101:
            self._leave(None)  # it speaks another protocol from now on: it may last, and others need its place
            return GivenAway(self, connection, answer)
        return AsyncPooledAnswer(self, connection, answer)

    async def _exchange(self, connection: AsyncConnection, wire: Wire, until: float | None) -> httpcore.Response:
        reused = connection.used
        connection.exchange.begin(until, wire.idle)
        try:
            answer = await connection.http.handle_async_request(core_request(wire))
        except BaseException as error:
            if not connection.http.is_closed():  # a second cancellation kept httpcore from it
                _let_go(connection)
            if reused and not connection.exchange.received and isinstance(error, LOST):
                raise StaleConnectionError(str(error)) from None
            raise
        connection.used = True
        connection.exchange.go_on(wire.at)
        return answer

    async def _sweep(self) -> None:
        """Bring half-read bodies to their end: their next read finds that the time is over."""
        while self.half_read:
            chunks = self.half_read.pop()
            with suppress(StopAsyncIteration, *CORE_ERRORS):
                while True:
                    await anext(chunks)

    async def _enter(self, at: float | None) -> None:
        if at is None or self._gate.value:
            await self._gate.acquire()
        else:
            with anyio.move_on_after(at - time.monotonic()) as scope:
                await self._gate.acquire()
            if scope.cancelled_caught:
                waiting = self._gate.statistics().tasks_waiting + 1
                raise PoolTimeout(f"all {self.active} connections are in use and {waiting} calls wait for one")
        self.active += 1

    async def _take(self, key: Origin) -> AsyncConnection:
        stack = self._idle[key]
        while stack:
            connection = stack.pop()
            if not connection.http.has_expired():
                return connection
            await connection.http.aclose()
        while self.open_connections > self._settings.max_connections:
            other = next(stack for stack in self._idle.values() if stack)
            await other.pop(0).http.aclose()
        return AsyncConnection(key, self._settings)

    def _leave(self, connection: AsyncConnection | None) -> None:
        """Keep a connection that finished its exchange, forget any other: httpcore has closed it."""
        self.active -= 1
        self._gate.release()
        if connection is not None and connection.used and connection.http.is_idle():
            self._idle[connection.key].append(connection)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        """Close the pool when the event loop finalizes its asynchronous generators (PEP 525), if nobody did before."""
        try:
            yield
        finally:
            await self._close_idle()

    async def _close_idle(self) -> None:
        if self._bulk is not None:
            self._bulk.close()
        with anyio.move_on_after(CLOSING, shield=True):  # an event loop that ends cancels whatever waits
            for stack in self._idle.values():
                while stack:
                    await stack.pop().http.aclose()

    async def aclose(self) -> None:
        """Close what is idle now, and what is in use when it comes back."""
        self.closed = True
        await self._sweep()
        if self._watch is not None:
            await self._watch.aclose()
        await self._close_idle()


def _let_go(connection: AsyncConnection) -> None:
    """Close a connection without waiting: its socket is let go before ``aclose`` suspends for the first time."""
    connection.exchange.expire()
    closing = connection.http.aclose()
    try:
        closing.send(None)
    except StopIteration:
        pass
    finally:
        closing.close()


class AsyncPooledAnswer:
    """An answer on a connection of the pool, itself the iterator of its body.

    Giving up a half-read body never suspends, because it may happen while its event loop comes to an end and finalizes
    generators in no useful order.  The generators inside httpcore are left to the pool, which brings them to their end.
    """

    def __init__(self, pool: AsyncPool, connection: AsyncConnection, answer: httpcore.Response) -> None:
        stream: Any = answer.stream
        self._pool = pool
        self._connection: AsyncConnection | None = connection
        self._answer = answer
        self._chunks: AsyncIterator[bytes] = aiter(stream)
        self._whole = False
        self.status = answer.status
        self.headers = answer.headers

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def stream(self) -> httpcore.AsyncNetworkStream:
        """Return the stream below the answer 101; nothing but its user limits its time any more."""
        if self._connection is not None:
            self._connection.exchange.begin(None, None)
        answer: Any = self._answer
        stream: httpcore.AsyncNetworkStream = answer.extensions["network_stream"]
        return stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            self._whole = True
            raise

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if self._whole:
                await self._answer.aclose()
        finally:
            if self._pool.closed or not connection.http.is_idle():
                _let_go(connection)
            if not self._whole:
                self._pool.half_read.append(self._chunks)
            self._pool._leave(connection)


class GivenAway(AsyncPooledAnswer):
    """The answer 101, whose connection the pool has forgotten."""

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _let_go(connection)
