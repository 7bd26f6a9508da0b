"""``/v1/ws``: updates of channels over a WebSocket."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.responses import Response

from mock_server.delivery import SWITCHING
from mock_server.routes import Call, Routes
from mock_server.s9s.session import Session
from mock_server.sockets import RESTART, TRY_AGAIN, GoneError, SocketResponse, expected, first
from mock_server.validation import StrictQuery

if TYPE_CHECKING:
    from mock_server.faults import Rule
    from mock_server.sockets import Socket
    from mock_server.state import ServerState

routes = Routes("ws", prefix="/v1")


class Handshake(StrictQuery):
    """Nothing but the token, which is taken out before."""


@routes.get("/ws", status=SWITCHING, socket=True)
async def ws(call: Call[Handshake, None]) -> Response:
    """Subscribe to updates over a WebSocket."""
    state, fault = call.state, call.fault

    async def serve(socket: Socket, request_id: str) -> None:
        await Conversation(state, socket, request_id, fault).run()

    return SocketResponse(call, expected(call.request), serve)


class Conversation:
    """One reader, from its handshake to its end."""

    def __init__(self, state: ServerState, socket: Socket, request_id: str, fault: Rule | None) -> None:
        self._state = state
        self._hub = state.s9s.hub
        self._socket = socket
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._lost = asyncio.Event()
        self._over = False
        self._session = Session(
            self._hub.channels, changed=self._change, now=state.time.now, request_id=request_id, fault=fault
        )

    async def run(self) -> None:
        """Serve the reader until one of the two goes."""
        try:
            await first(self._listen(), self._send(), self._lost.wait(), self._state.time.wait("", math.inf))
        finally:
            self._over = True
            self._session.end()
            self._hub.attend(self, listens=False)
            self._idle.set()
        await self._part()

    async def caught_up(self) -> None:
        """Return once everything so far has been read, or the reader is gone."""
        await self._idle.wait()
        if not self._over:
            await self._socket.caught_up()

    def _change(self) -> None:
        self._changed.set()
        if self._session.is_lost:
            self._lost.set()

    async def _listen(self) -> None:
        while (message := await self._socket.receive()) is not None:
            self._state.time.catch_up()
            self._session.hear(message)
            self._hub.attend(self, listens=bool(self._session.subscriptions))

    async def _send(self) -> None:
        with suppress(GoneError):
            while True:
                texts = self._session.take()
                if texts or self._session.has_waiting:
                    self._session.is_stuck = True  # unless it returns at once
                    await self._socket.send(texts)
                    self._session.is_stuck = False
                    continue
                self._changed.clear()
                self._idle.set()
                await self._changed.wait()
                self._idle.clear()

    async def _part(self) -> None:
        """Say why it ends, if it is for us to say."""
        if self._session.is_lost:
            await self._socket.expel(TRY_AGAIN, "Too many messages wait; read faster and go on after the last one")
        elif self._socket.is_silent:
            await self._socket.gone()
        elif self._state.closed:
            await self._socket.expel(RESTART, "The server begins anew")
