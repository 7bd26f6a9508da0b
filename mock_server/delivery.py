"""Sending an answer, whole or damaged in one of the ways that networks damage answers."""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Generator

    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from mock_server.faults import Drip, Rule

    Pause = Callable[[float], Awaitable[None]]

TRANSPORT = "mock_server.transport"
"""Scope extension under which the HTTP protocol leaves the connection's transport."""


_CORK: int | None = getattr(socket, "TCP_CORK", None)
"""An option of Linux."""

SWITCHING = 101
"""The status of an answer that makes a socket of the connection, which has faults of its own."""


class ConnectionDroppedError(ConnectionResetError):
    """Raised in place of a broken connection where there is none, that is without a socket."""


class Delivery:
    """The way back to one caller."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, pause: Pause) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._pause = pause
        extension = scope.get("extensions", {}).get(TRANSPORT)
        self._transport: asyncio.Transport | None = None if extension is None else extension["transport"]

    async def deliver(self, response: Response, fault: Rule | None) -> None:
        """Send ``response`` with the damage that ``fault`` does."""
        if response.status_code == SWITCHING or (fault is None and isinstance(response, StreamingResponse)):
            await response(self._scope, self._receive, self._send)
            return
        if fault is None:
            with self._in_one_piece():
                await response(self._scope, self._receive, self._send)
            return
        if fault.duplicate_header is not None:
            _duplicate(response, fault.duplicate_header)
        if fault.content_length is not None and not isinstance(response, StreamingResponse):
            await self._send_mislabelled(response, fault.content_length)
        elif fault.cut_body is not None:
            with suppress(_CutShortError):
                await response(self._scope, self._receive, _Cut(self._send, fault.cut_body))
            await self.drop()
        elif fault.drip is not None:
            with suppress(ClientDisconnect):
                await response(self._scope, self._receive, _dripping(self._send, fault.drip, self._pause))
        else:
            await response(self._scope, self._receive, self._send)

    @contextmanager
    def _in_one_piece(self) -> Generator[None]:
        """Let the kernel send head and body together, so that the caller is woken up once."""
        sock: socket.socket | None = None if self._transport is None else self._transport.get_extra_info("socket")
        if sock is None or _CORK is None or sock.fileno() < 0:
            yield
            return
        sock.setsockopt(socket.IPPROTO_TCP, _CORK, 1)
        try:
            yield
        finally:
            if sock.fileno() >= 0:
                sock.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    async def reset(self) -> None:
        """Break the connection so that the caller sees a reset."""
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        await self._gone()

    async def drop(self) -> None:
        """Close the connection after what was already sent."""
        if self._transport is not None:
            self._transport.close()
        await self._gone()

    async def _gone(self) -> None:
        """Wait for the end of the connection, which is the end of this request."""
        if self._transport is None:
            raise ConnectionDroppedError("the fault plan dropped the connection")
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _send_mislabelled(self, response: Response, excess: int) -> None:
        """Write the answer past the HTTP layer, which would not let a wrong length through."""
        body = bytes(response.body)
        response.headers["Content-Length"] = str(max(0, len(body) + excess))
        if self._transport is None:
            await self._gone()
            return
        head = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
        self._transport.write(STATUS_LINE[response.status_code] + head + b"\r\n" + body)
        await self.drop()


class _CutShortError(Exception):
    """Unwinds a response of which enough was sent."""


class _Cut:
    """Lets only so many bytes of a body through."""

    def __init__(self, send: Send, allowance: int) -> None:
        self._send = send
        self._left = allowance

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            if len(body) >= self._left or not message.get("more_body", False):
                await self._send({**message, "body": body[: self._left], "more_body": True})
                raise _CutShortError
            self._left -= len(body)
        await self._send(message)


def _dripping(send: Send, drip: Drip, pause: Pause) -> Send:
    async def slow(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")
        for start in range(0, len(body), drip.bytes):
            await send({**message, "body": body[start : start + drip.bytes], "more_body": True})
            await pause(drip.interval)
        await send({**message, "body": b""})

    return slow


def _duplicate(response: Response, name: str) -> None:
    wanted = name.lower().encode("latin-1")
    response.raw_headers = [
        header for header in response.raw_headers for _ in range(2 if header[0].lower() == wanted else 1)
    ]
