"""A pool of blocking connections behind httpx's transport interface.

The pool of httpx scans all requests and connections at every step; this one keeps a stack of idle connections, so its
cost does not grow with the calls in flight, and a connection that failed or was abandoned is never used again.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

import httpcore
import httpx

from vantage_sdk.core.io.clocked import ClockedBackend, Exchange
from vantage_sdk.core.io.failures import CORE_ERRORS, StaleConnectionError, as_httpx
from vantage_sdk.core.io.forking import renew_after_fork
from vantage_sdk.core.io.settings import KEEPALIVE_EXPIRY, Settings, socket_options, tls_context

Key = tuple[bytes, bytes, int]


class Connection:
    """One connection to one origin and the clock of the exchange on it."""

    def __init__(self, key: Key, settings: Settings) -> None:
        scheme, host, port = key
        self.key = key
        self.exchange = Exchange()
        self.used = False
        self.http = httpcore.HTTPConnection(
            httpcore.Origin(scheme, host, port),
            ssl_context=tls_context(settings.verify) if scheme == b"https" else None,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            network_backend=ClockedBackend(self.exchange),
            socket_options=socket_options(),
        )


class Pool(httpx.BaseTransport):
    """Keeps up to ``max_connections`` connections, used last in first out; safe from any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle = defaultdict[Key, list[Connection]](list)
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Start empty: the sockets belong to the parent, and a lock may be held by a thread that is not here."""
        inherited, self._idle = self._idle, defaultdict[Key, list[Connection]](list)
        self._changed = threading.Condition()
        self._open = 0
        self._waiting = 0
        for stack in inherited.values():
            for connection in stack:
                connection.http.close()  # only this process's copies of the sockets

    @property
    def open_connections(self) -> int:
        return self._open

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, times = request.url, dict[str, Any](request.extensions)
        key = (url.raw_scheme, url.raw_host, url.port or (443 if url.scheme == "https" else 80))
        connection = self._acquire(key, times.get("at"))
        reused = connection.used
        connection.exchange.begin(times.get("at"), times.get("idle"))
        try:
            answer = connection.http.handle_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(scheme=key[0], host=key[1], port=key[2], target=times.get("target", url.raw_path)),
                    headers=request.headers.raw,
                    content=request.stream,
                )
            )
        except BaseException as error:
            self._release(connection)
            if isinstance(error, httpcore.NetworkError | httpcore.RemoteProtocolError):
                if reused and not connection.exchange.received:
                    raise StaleConnectionError(str(error)) from None
            if isinstance(error, CORE_ERRORS):
                raise as_httpx(error) from None
            raise
        connection.used = True
        body = _Body(self, connection, answer)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=cast("dict[str, Any]", answer.extensions))

    def _acquire(self, key: Key, at: float | None) -> Connection:
        with self._changed:
            while True:
                stack = self._idle[key]
                while stack:
                    connection = stack.pop()
                    if not connection.http.has_expired():
                        return connection
                    self._drop(connection)
                if self._open < self._settings.max_connections or self._evict():
                    self._open += 1
                    return Connection(key, self._settings)
                self._wait(at)

    def _wait(self, at: float | None) -> None:
        left = None if at is None else at - time.monotonic()
        self._waiting += 1
        try:
            if (left is not None and left <= 0) or not self._changed.wait(left):
                raise httpx.PoolTimeout(f"all {self._open} connections are in use and {self._waiting} calls wait for one")
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

    def _release(self, connection: Connection) -> None:
        """Keep a connection that finished its exchange, close any other."""
        with self._changed:
            if connection.used and connection.http.is_idle():
                self._idle[connection.key].append(connection)
            else:
                self._drop(connection)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            for stack in self._idle.values():
                while stack:
                    self._drop(stack.pop())


class _Body(httpx.SyncByteStream):
    def __init__(self, pool: Pool, connection: Connection, answer: httpcore.Response) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        stream: Any = self._answer.stream
        try:
            yield from stream
        except CORE_ERRORS as error:
            raise as_httpx(error) from None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._answer.close()
            self._pool._release(connection)  # noqa: SLF001  two halves of one thing
