"""WebSockets: a handshake is a GET request like any other, until an endpoint answers it with a socket.

Refusals, budgets, faults and the journal work as they do for other requests.  Browsers cannot set headers on a handshake, so
that there a ``token`` in the query may take the place of one; it is taken out of what is checked and written down.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import QueryParams
from starlette.responses import Response

from mock_server.delivery import SWITCHING, TRANSPORT
from mock_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send

    from mock_server.faults import Rule
    from mock_server.routes import Call
    from mock_server.socket_protocol import SocketProtocol

SOCKET = "mock_server.socket"
"""Scope extension under which a request that may become a socket has it."""

TOKEN = "token"
MAX_MESSAGE = 64 * 1024
PING_SECONDS = 20.0
TRY_AGAIN, RESTART, UNAUTHORIZED = 1013, 1012, 3000
"""Codes of closing a socket: for a reader that is too slow, for a server that begins anew, for a token that has expired."""


class GoneError(Exception):
    """The fault plan has ended a socket."""


class Socket:
    """The server's end of a WebSocket; ``fault`` is what goes wrong with it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        details = scope.get("extensions", {}).get(TRANSPORT, {})
        # Absent where the application is called without a server; then there are no pings, and everybody reads fast.
        self._protocol: SocketProtocol | None = details.get("socket")
        self._receive = receive
        self._send = send
        self._wanted = False
        self._sent = 0
        self._unread = False
        self.fault: Rule | None = None
        self.is_silent = False

    async def connect(self) -> None:
        """Take note that the peer wants to connect, which is the first thing it says."""
        if not self._wanted:
            self._wanted = True
            await self._receive()

    async def accept(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        await self.connect()
        await self._send({"type": "websocket.accept", "headers": list(headers)})

    async def receive(self) -> str | bytes | None:
        """Return the next message, ``None`` once the peer is gone."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        octets: bytes = message.get("bytes") or b""
        return octets if text is None else text

    async def gone(self) -> None:
        """Wait until the peer is gone."""
        while await self.receive() is not None:
            pass

    async def send(self, texts: Sequence[bytes]) -> None:
        """Send messages; waits while the peer does not read.  Raises ``GoneError`` where the fault plan ends it."""
        self._unread = True
        if self.fault is None or not self.fault.touches_frames:
            await self._write(texts)
            return
        for text in texts:
            await self._send_badly(text, self.fault)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def caught_up(self) -> None:
        """Wait until the peer has read everything that was sent, or is gone."""
        if self._unread and self._protocol is not None:
            self._unread = False
            await self._protocol.reached()

    async def expel(self, code: int, reason: str) -> None:
        """Close at once, also when the peer does not read."""
        if self._protocol is None:
            await self.close(code, reason)
        else:
            self._protocol.expel(code, reason)

    async def _write(self, texts: Sequence[bytes]) -> None:
        if self._protocol is not None:
            await self._protocol.write(texts)
            return
        for text in texts:
            await self._send({"type": "websocket.send", "text": text.decode()})

    async def _send_badly(self, text: bytes, fault: Rule) -> None:
        if fault.delay_frames:
            await asyncio.sleep(fault.delay_frames)
        if fault.silence is not None and self._sent >= fault.silence:
            self.is_silent = True
            if self._protocol is not None:
                self._protocol.silence()
            raise GoneError
        if fault.cut_socket is not None and self._sent >= fault.cut_socket:
            if self._protocol is not None:
                self._protocol.transport.close()
            raise GoneError
        self._sent += 1
        await self._write((text,))


class SocketResponse(Response):
    """The answer that makes a socket of a call and serves it to its end, or until the caller's token expires."""

    def __init__(
        self, call: Call[Any, Any], socket: Socket, serve: Callable[[Socket, str], Coroutine[Any, Any, None]]
    ) -> None:
        super().__init__(status_code=SWITCHING)
        socket.fault = call.fault
        self._time, self._expires_at = call.state.time, call.credential.expires_at
        self._socket = socket
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the socket has them
        await self._socket.accept(self.raw_headers)
        serving = self._serve(self._socket, self.headers["x-request-id"])
        if self._expires_at is None:
            await serving
        else:
            await first(serving, self._expire(self._expires_at))

    async def _expire(self, at: float) -> None:
        await self._time.reach(at)
        if not self._socket.is_silent:
            await self._socket.expel(UNAUTHORIZED, "The access token has expired")


async def first(*works: Coroutine[Any, Any, object]) -> None:
    """Do several things at once until the first of them has ended, and break the others off; a failure is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()


def as_request(scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
    """Return a handshake as the GET request that it is; what is sent as its answer refuses it."""
    socket = Socket(scope, receive, send)
    begun = False

    async def receive_request() -> Message:
        nonlocal begun
        if not begun:
            begun = True
            await socket.connect()
            return {"type": "http.request", "body": b"", "more_body": False}
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return {"type": "http.disconnect"}

    async def send_refusal(message: Message) -> None:
        if "websocket.http.response" in scope.get("extensions", {}):
            await send({**message, "type": f"websocket.{message['type']}"})
        elif message["type"] == "http.response.start":
            await send({"type": "websocket.close"})

    extensions = {**scope.get("extensions", {}), SOCKET: socket}
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    request = {**scope, "type": "http", "method": "GET", "scheme": scheme, "extensions": extensions}
    return request, receive_request, send_refusal


def socket_of(request: Request) -> Socket | None:
    """Return the socket that a request asks for."""
    socket: Socket | None = request.scope.get("extensions", {}).get(SOCKET)
    return socket


def without_token(params: QueryParams) -> QueryParams:
    return QueryParams([(name, value) for name, value in params.multi_items() if name != TOKEN])


def check_origin(request: Request, *, shown: bool) -> None:
    """Refuse a page of another origin unless it has ``shown`` a credential of its own.

    What comes with every connection from this machine, a certificate or being let in anonymously, says nothing about a page.
    """
    origin = request.headers.get("origin")
    if origin is None or shown:
        return
    if urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise ApiError(403, "A page of another origin needs a token", details={"origin": origin[:200]})


def expected(request: Request) -> Socket:
    """Return the socket of a request that means nothing without one."""
    socket = socket_of(request)
    if socket is not None:
        return socket
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    raise ApiError(400, "This path speaks WebSocket: connect to it with one", code="INVALID_REQUEST", headers=headers)
