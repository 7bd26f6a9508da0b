"""A connection of a WebSocket on which everything that comes is known before, and the frames for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from websockets.frames import Close, Frame, Opcode

from vantage_sdk.core.io.port import Failure, TransportError
from vantage_sdk.core.stepping import run
from vantage_sdk.core.websocket import MAX_MESSAGE, Handshake, SocketClosed, SocketFault, WebSocket

QUIET = TransportError(Failure.LATE, "nothing came", timed_out=True)
Step = bytes | Exception


class Tape:
    """A connection on which everything that comes is known before."""

    def __init__(self, *steps: Step) -> None:
        self.steps = [*steps]
        self.sent: list[bytes] = []
        self.waits: list[float | None] = []
        self.closed = 0
        self.refuses: Exception | None = None

    async def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        self.waits.append(timeout)
        step = self.steps.pop(0) if self.steps else b""
        if isinstance(step, Exception):
            raise step
        if len(step) > max_bytes:
            self.steps.insert(0, step[max_bytes:])
        return step[:max_bytes]

    async def send(self, data: bytes, timeout: float | None) -> None:
        assert timeout is not None
        if self.refuses is not None:
            raise self.refuses
        self.sent.append(data)

    async def aclose(self) -> None:
        self.closed += 1


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def text(data: str | bytes, *, fin: bool = True) -> bytes:
    return frame(Opcode.TEXT, data.encode() if isinstance(data, str) else data, fin=fin)


def more(data: bytes, *, fin: bool = True) -> bytes:
    return frame(Opcode.CONT, data, fin=fin)


PING, PONG = frame(Opcode.PING, b"p"), frame(Opcode.PONG)
GOODBYE = frame(Opcode.CLOSE, Close(1000, "done").serialize())


def socket_on(tape: Tape, limit: int = MAX_MESSAGE, ping: float | None = 20, dead: float | None = 20) -> WebSocket:
    return WebSocket(tape, Handshake("a test", limit)._protocol, ping, dead)


def unmasked(data: bytes) -> tuple[int, bytes]:
    """Return opcode and payload of a short frame that a client has sent."""
    assert data[1] & 0x80, "a client masks what it sends"
    mask, payload = data[2:6], data[6:]
    return data[0] & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def received(socket: WebSocket) -> tuple[list[str], Exception]:
    """Return all messages, and what ends them."""
    found: list[str] = []
    try:
        while True:
            message = run(socket.receive())
            assert message is not None
            found.append(message)
    except (SocketClosed, SocketFault, TransportError) as end:
        return found, end


class Clock:
    """Time that passes only while one waits for a connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tape: Tape) -> None:
        self.now = 1000.0
        self._receive: Callable[[int, float | None], Any] = tape.receive
        tape.receive = self.receive  # type: ignore[method-assign]
        monkeypatch.setattr("vantage_sdk.core.websocket.time.monotonic", lambda: self.now)

    async def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        try:
            data: bytes = await self._receive(max_bytes, timeout)
        except TransportError as error:
            if error.timed_out and timeout is not None:
                self.now += timeout
            raise
        return data
