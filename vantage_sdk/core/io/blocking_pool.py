"""A pool of blocking connections of httpcore, the engine of httpx.

The pool of httpx itself scans all requests and connections at every step; this one keeps a stack of idle connections, so its
cost does not grow with the calls in flight, and a connection that failed or was abandoned is never used again.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import httpcore

from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.clocked import ClockedBackend, ClockedStream, Exchange
from vantage_sdk.core.io.failures import PoolTimeout, StaleConnectionError
from vantage_sdk.core.io.forking import renew_after_fork
from vantage_sdk.core.io.port import Body, Sink, Wire
from vantage_sdk.core.io.settings import KEEPALIVE_EXPIRY, Settings, socket_options, tls_context
from vantage_sdk.core.urls import Origin

LOST = (httpcore.NetworkError, httpcore.RemoteProtocolError)
BODIED = frozenset({"POST", "PUT", "PATCH"})


class Connection:
    """One connection to one origin and the clock of the exchange on it."""

    def __init__(self, key: Origin, settings: Settings) -> None:
        self.key = key
        self.era: object = None
        self.closings = 0
        self.exchange = Exchange()
        self.used = False
        self.http = httpcore.HTTPConnection(
            httpcore.Origin(key.scheme.encode("ascii"), key.host.encode("ascii"), key.port),
            ssl_context=tls_context(settings, key) if key.scheme == "https" else None,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            network_backend=ClockedBackend(self.exchange),
            socket_options=socket_options(),
        )
        self._abort: tuple[Abort, int] | None = None

    def begin(self, until: float | None, wire: Wire) -> None:
        """Start the clock of an exchange, and let the wire's abort shut the connection."""
        self.exchange.begin(until, wire.idle)
        self.exchange.more = isinstance(wire.body, bytes) and len(wire.body) > 0
        if wire.abort is not None:
            self._abort = wire.abort, wire.abort.hold(self.exchange.shut)

    def end(self) -> None:
        if self._abort is not None:
            abort, number = self._abort
            self._abort = None
            abort.let_go(number)


class Pool:
    """Keeps up to ``max_connections`` connections, used last in first out; safe from any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closings = 0
        self._idle = defaultdict[Origin, list[Connection]](list)
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Start empty: the sockets belong to the parent, and a lock may be held by a thread that is not here."""
        inherited, self._idle = self._idle, defaultdict[Origin, list[Connection]](list)
        self._changed = threading.Condition()
        self._era = object()
        self._open = 0
        self._waiting = 0
        for stack in inherited.values():
            for connection in stack:
                connection.http.close()  # only this process's copies of the sockets

    @property
    def open_connections(self) -> int:
        return self._open

    def send(self, wire: Wire) -> PooledAnswer:
        """Send and return the head of the answer; the connection comes back when the answer is closed."""
        until = head_until(wire)
        connection = self._acquire(wire.origin, until)
        reused = connection.used
        try:
            connection.begin(until if isinstance(wire.body, bytes) else wire.at, wire)
            answer = connection.http.handle_request(
                core_request(wire, lambda: connection.exchange.go_on(head_until(wire)))
            )
            if answer.status == 101:
                self._give_away(connection)
        except BaseException as error:
            self._release(connection)
            if wire.abort is not None:
                wire.abort.check()
            if reused and not connection.exchange.received and isinstance(error, LOST):
                raise StaleConnectionError(str(error)) from None
            raise
        connection.used = True
        connection.exchange.go_on(wire.at)
        return PooledAnswer(self, connection, answer)

    def _acquire(self, key: Origin, until: float | None) -> Connection:
        with self._changed:
            while True:
                stack = self._idle[key]
                while stack:
                    connection = stack.pop()
                    if not connection.http.has_expired():
                        return connection
                    self._drop(connection)
                if self._open < self._settings.max_connections or self._evict():
                    connection = Connection(key, self._settings)
                    connection.era, connection.closings = self._era, self._closings
                    self._open += 1
                    return connection
                self._wait(until)

    def _wait(self, at: float | None) -> None:
        left = None if at is None else at - time.monotonic()
        self._waiting += 1
        try:
            if (left is not None and left <= 0) or not self._changed.wait(left):
                raise PoolTimeout(f"all {self._open} connections are in use and {self._waiting} calls wait for one")
        finally:
            self._waiting -= 1

    def _evict(self) -> bool:
        for stack in self._idle.values():
            if stack:
                self._drop(stack.pop(0))
                return True
        return False

    def _drop(self, connection: Connection) -> None:
        self._open -= 1
        connection.http.close()

    def _give_away(self, connection: Connection) -> None:
        """Count a connection no more that speaks another protocol from now on: it may last, and others need its place."""
        with self._changed:
            if connection.era is self._era:
                connection.era = None
                self._open -= 1
                self._changed.notify()

    def _release(self, connection: Connection) -> None:
        """Keep a connection that finished its exchange, close any other."""
        connection.end()
        if connection.era is not self._era:  # given away, or the parent's: in use while this process was forked
            connection.http.close()
            return
        with self._changed:
            kept = connection.used and connection.closings == self._closings
            if kept and connection.http.is_idle():
                self._idle[connection.key].append(connection)
            else:
                self._drop(connection)
            self._changed.notify()

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back."""
        with self._changed:
            self._closings += 1
            for stack in self._idle.values():
                while stack:
                    self._drop(stack.pop())


class PooledAnswer:
    """An answer on a connection of the pool."""

    def __init__(self, pool: Pool, connection: Connection, answer: httpcore.Response) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._answer = answer
        self.status = answer.status
        self.headers = answer.headers

    def chunks(self) -> Iterator[bytes]:
        stream: Any = self._answer.stream
        return iter(stream)

    def receive(self, size: int, sink: Sink) -> bool:
        """Give the next ``size`` bytes to ``sink`` directly; ``False``, with nothing done, if that is not possible.

        Right only after a chunk has come, with which the parser has given out all it held; the connection ends with it.
        """
        answer: Any = self._answer
        stream = answer.extensions["network_stream"]
        if not isinstance(stream, ClockedStream):
            return False
        stream.receive(size, sink)
        return True

    def stream(self) -> httpcore.NetworkStream:
        """Return the stream below the answer 101; nothing but its user limits its time any more."""
        if self._connection is not None:
            self._connection.exchange.begin(None, None)
        answer: Any = self._answer
        stream: httpcore.NetworkStream = answer.extensions["network_stream"]
        return stream

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                self._answer.close()
            finally:
                self._pool._release(connection)


def core_request(wire: Wire, sent: Callable[[], None] = lambda: None) -> httpcore.Request:
    """Return the exchange as httpcore's request."""
    origin = wire.origin
    url = httpcore.URL(
        scheme=origin.scheme.encode("ascii"),
        host=origin.host.encode("ascii"),
        port=origin.port,
        target=wire.target.encode("ascii"),
    )
    body = wire.body
    size = len(body) if isinstance(body, bytes) else body.length
    length = [(b"Content-Length", b"%d" % size)] if size or wire.method in BODIED else []
    content: Any = Content(body) if isinstance(body, bytes) else Made(body, sent)
    return httpcore.Request(wire.method, url, headers=[*wire.headers, *length], content=content)


def head_until(wire: Wire) -> float | None:
    """Return the instant by which the head must have come: the body of a stream may last, its head may not.

    It does not hold for a request whose own body is made while it is sent, which lasts as long as it takes.
    """
    if wire.idle is None:
        return wire.at
    soon = time.monotonic() + wire.idle
    return soon if wire.at is None else min(wire.at, soon)


class Made:
    """A body that is made while it is sent."""

    def __init__(self, body: Body, sent: Callable[[], None] = lambda: None, abort: Abort | None = None) -> None:
        self._body = body
        self._sent = sent
        self._abort = abort

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body.chunks():
            if self._abort is not None:
                self._abort.check()
            yield chunk
        self._sent()


class MadeInThreads:
    """The same for an asynchronous client; no generator, which would be left half-run when sending is cut short."""

    def __init__(self, body: Body) -> None:
        self._chunks = body.chunks()

    def __aiter__(self) -> MadeInThreads:
        return self

    async def __anext__(self) -> bytes:
        from anyio.to_thread import run_sync

        if chunk := await run_sync(next, self._chunks, b""):
            return chunk
        raise StopAsyncIteration


class Content:
    """The body of a request, once.

    httpcore's own is an asynchronous generator, which is left half-run, and complained about, when sending is cut short.
    """

    def __init__(self, body: bytes) -> None:
        self._left = [body] if body else []

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._left)

    def __aiter__(self) -> Content:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()
