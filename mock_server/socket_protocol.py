"""uvicorn's WebSocket protocol with what a server needs that is not left to its peers: pings that are waited for, and ends.

Loaded with the first handshake, because most servers see none.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from mock_server.delivery import TRANSPORT
from mock_server.protocol import TOO_LARGE, common_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from websockets.frames import Frame
    from websockets.http11 import Request

GRACE = 10.0
"""Real seconds that a peer which was sent away has for reading why."""

_log = logging.getLogger("mock_server.socket")
_log.setLevel(logging.ERROR)  # uvicorn's lines name the path with its query, which may hold a token


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log
        self._payloads = count(1)
        self._pongs: dict[bytes, asyncio.Future[None]] = {}

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            certificate = common_name(self.transport.get_extra_info("peercert"))
            details = {"transport": self.transport, "certificate": certificate, "socket": self}
            cast("dict[str, Any]", self.scope)["extensions"][TRANSPORT] = details

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self.transport.write(TOO_LARGE)  # for the library, which is stricter than the protocol before it
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget_pings()

    def handle_pong(self, event: Frame) -> None:
        waiting = self._pongs.pop(bytes(event.data), None)
        if waiting is None:
            super().handle_pong(event)
        elif not waiting.done():
            waiting.set_result(None)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True  # with a refusal, which uvicorn would complain about

    async def write(self, texts: Iterable[bytes]) -> None:
        """Send messages with as few system calls as possible; a peer that is gone gets none."""
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            return
        try:
            for text in texts:
                self.conn.send_text(text)
        except InvalidState:
            return
        self.transport.write(b"".join(self.conn.data_to_send()))

    async def reached(self) -> None:
        """Wait until the peer has read everything that was sent, or is gone."""
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            return
        payload = b"read%d" % next(self._payloads)
        self._pongs[payload] = waiting = self.loop.create_future()
        self.conn.send_ping(payload)
        self.transport.write(b"".join(self.conn.data_to_send()))
        await waiting

    def expel(self, code: int, reason: str) -> None:
        """Close, although the peer may not read."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(GRACE, self.transport.abort)
        self.writable.set()
        self._forget_pings()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def silence(self) -> None:
        """Neither answer nor notice anything any more, as a peer does whose machine has lost its network."""
        self.stop_keepalive()
        self.transport.pause_reading()
        self._forget_pings()

    def _forget_pings(self) -> None:
        for waiting in self._pongs.values():
            if not waiting.done():
                waiting.set_result(None)
        self._pongs.clear()
