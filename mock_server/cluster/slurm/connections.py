"""Connections to slurmrestd: HTTP/1.1 and no more of it than one request and its answer at a time on each.

A general client costs more time than Slurm takes for a job.  Here a request is one write, and its answer one future.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import httptools

from mock_server.cluster.slurm.listing import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_server.cluster.slurm.listing import Entries

MOST = 16
"""Connections at once; slurmrestd has 20 threads by default."""

MAX_ANSWER = 1 << 30
PATIENCE = 2.0
"""How many times as long a question may take as a command: the list of very many jobs does take long."""


class UnreachableError(Exception):
    """Nothing was sent, for there is nobody to send it to."""


class LostError(Exception):
    """The request was sent, or a part of it, but no whole answer came."""


class Connections:
    """Up to ``MOST`` connections to one address, kept for the next request; ``timeout`` is how long nothing may happen."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._head = f" HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nAccept: application/json\r\n"
        self._timeout = timeout
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(MOST)

    async def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        entries: Entries | None = None,
    ) -> Reply:
        """Send one request and return its answer, or raise ``UnreachableError`` or ``LostError``.

        ``entries`` take in the body as it comes, unless it is that of an error.
        """
        text = [method, " ", self._prefix, target, self._head, *(f"{name}: {headers[name]}\r\n" for name in headers)]
        if body is not None:
            text.append(f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n")
        content = "".join([*text, "\r\n"]).encode("latin-1") + (body or b"")
        await self._enter()
        try:
            connection = await self._take()
            try:
                patience = self._timeout * (PATIENCE if method == "GET" else 1.0)
                reply = await connection.exchange(content, patience, entries)
            except BaseException:
                connection.abort()
                raise
            if connection.lasts:
                self._idle.append(connection)
            else:
                connection.abort()
            return reply
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().abort()

    async def _enter(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # which does not wait
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise UnreachableError(f"all {MOST} connections wait for an answer") from None

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.lasts:
                return connection
        try:
            async with asyncio.timeout(self._timeout):
                loop = asyncio.get_running_loop()
                _, made = await loop.create_connection(Connection, self._host, self._port, ssl=self._tls)
        except (OSError, TimeoutError) as error:
            raise UnreachableError(type(error).__name__) from None
        return made


class Connection(asyncio.Protocol):
    """One connection, on which one request waits for its answer at most."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._silence = self._until = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._entries: Entries | None = None
        self._size = 0
        self._has_head = self._has_length = False
        self.lasts = True

    async def exchange(self, content: bytes, timeout: float, entries: Entries | None = None) -> Reply:
        """Send a request and return its answer."""
        self._begin(entries)
        waiter = self._waiter = self._loop.create_future()
        self._until = self._loop.time() + timeout
        self._silence = timeout
        self._timer = self._loop.call_later(timeout, self._look)
        try:
            self._transport.write(content)
            reply: Reply = await waiter
            return reply
        finally:
            self._waiter = None
            self._timer.cancel()

    def abort(self) -> None:
        self.lasts = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._until = self._loop.time() + self._silence
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("what came is not HTTP")

    def eof_received(self) -> None:
        self.lasts = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lasts = False
        if exc is None and self._has_head and not self._has_length:
            self.on_message_complete()  # the end of the connection is that of the answer
        self._fail("the connection was closed" if exc is None else type(exc).__name__)

    def on_header(self, name: bytes, _: bytes) -> None:
        self._has_length = self._has_length or name.lower() in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        self._has_head = True
        if self._parser.get_status_code() >= 400:
            self._entries = None

    def on_body(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            return
        self._size += len(data)
        if self._size > MAX_ANSWER:
            self._fail("the answer is too large")
        elif self._entries is None:
            self._body += data
        else:
            self._entries.feed(data)

    def on_message_complete(self) -> None:
        if self._waiter is None or self._waiter.done():
            self.lasts = False  # nobody asked
            return
        if self._parser.get_status_code() >= 200:
            self.lasts = self.lasts and self._parser.should_keep_alive()
            self._waiter.set_result(Reply(self._parser.get_status_code(), self._body, self._entries))

    def _begin(self, entries: Entries | None) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._entries = entries
        self._size = 0
        self._has_head = self._has_length = False

    def _look(self) -> None:
        """Give up if nothing has come for too long."""
        if self._waiter is None:
            return
        left = self._until - self._loop.time()
        if left <= 0:
            self._fail(f"nothing came for {self._silence:g} seconds")
        else:
            self._timer = self._loop.call_later(left, self._look)

    def _fail(self, why: str) -> None:
        self.lasts = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(LostError(why))
