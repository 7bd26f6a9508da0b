"""The server's end of a WebSocket for scripted servers, on the sans-I/O protocol of the library ``websockets``."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import InvalidState
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from tests.support.messages import Ending
from tests.support.scripted import Request, Step
from tests.support.wire import Gone, Wire


class Peer:
    """One accepted socket; ``request`` is what opened it."""

    def __init__(self, wire: Wire, request: Request) -> None:
        self.request = request
        self.closed: tuple[int, str] | None = None
        self.pings = self.pongs = self._awaited = 0
        self._wire = wire
        self._protocol = ServerProtocol()
        self._texts = deque[str]()
        lines = [f"GET {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers)]
        self._protocol.receive_data("\r\n".join([*lines, "", ""]).encode("latin-1"))
        (opening,) = self._protocol.events_received()
        self._protocol.send_response(self._protocol.accept(opening))
        self.flush()

    def flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._wire.send(data)

    def send(self, *frames: Any) -> None:
        """Send objects, each as a text message of its own."""
        for frame in frames:
            self.text(json.dumps(frame).encode())

    def text(self, data: bytes, *, fin: bool = True) -> None:
        self._protocol.send_text(data, fin)
        self.flush()

    def more(self, data: bytes, *, fin: bool = True) -> None:
        self._protocol.send_continuation(data, fin)
        self.flush()

    def binary(self, data: bytes) -> None:
        self._protocol.send_binary(data)
        self.flush()

    def ping(self, data: bytes = b"") -> None:
        self._protocol.send_ping(data)
        self.flush()

    def raw(self, data: bytes) -> None:
        """Send bytes that are not what the protocol says."""
        self._wire.send(data)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Say goodbye, and wait until the client has said so too or is gone."""
        if self.say_goodbye(code, reason):
            self.ended()

    def say_goodbye(self, code: int | None = None, reason: str = "") -> bool:
        """Say goodbye without waiting; tell whether the client was not first."""
        try:
            self._protocol.send_close(code, reason)
        except InvalidState:
            return False
        self.flush()
        return True

    def reset(self) -> None:
        self._wire.reset()
        raise Gone

    def receive(self) -> Any:
        """Return the next message as an object; raise ``Gone`` when the client has gone."""
        while not self._texts:
            self._read()
        return json.loads(self._texts.popleft())

    def ended(self) -> tuple[int, str] | None:
        """Read until the client has closed; return what it said."""
        try:
            while True:
                self._read()
        except Gone:
            return self.closed

    def await_pong(self) -> None:
        """Wait for one more pong than was waited for, which may have come with what was read before."""
        self._awaited += 1
        while self.pongs < self._awaited:
            self._read()

    def await_ping(self) -> None:
        seen = self.pings
        while self.pings == seen:
            self._read()

    def wait_until_dropped(self) -> None:
        """Say nothing more, also not to pings, until the client has gone; it may say what it likes."""
        try:
            while True:
                self._wire._receive(time.monotonic() + self._wire.patience)
                self._wire._held.clear()
        except Gone:
            return

    def wait(self, event: threading.Event) -> None:
        self._wire.wait(event)

    def _read(self) -> None:
        if self._protocol.close_expected() and self.closed:
            raise Gone
        self._wire._receive(time.monotonic() + self._wire.patience)
        self._protocol.receive_data(bytes(self._wire._held))
        self._wire._held.clear()
        for frame in self._protocol.events_received():
            self._hear(frame)
        self.flush()

    def _hear(self, frame: Any) -> None:
        if frame.opcode is Opcode.TEXT:
            self._texts.append(bytes(frame.data).decode())
        elif frame.opcode is Opcode.CLOSE:
            said = self._protocol.close_rcvd
            self.closed = (said.code, said.reason) if said else (1005, "")
        self.pings += frame.opcode is Opcode.PING
        self.pongs += frame.opcode is Opcode.PONG


@dataclass(frozen=True, slots=True)
class Socket(Ending):
    """Switch protocols and let ``talk`` go on; when it returns the connection is closed."""

    request: Request
    talk: Callable[[Peer], object]

    def play(self, wire: Wire) -> None:
        try:
            self.talk(Peer(wire, self.request))
        finally:
            wire.close()


def is_socket(request: Request) -> bool:
    return (request.header("upgrade") or "").lower() == "websocket"


def sockets(*talks: Callable[[Peer], object], rest: Callable[[Request], Step] | None = None) -> Any:
    """Return a script whose n-th socket is the n-th talk, the last one again and again; other requests go to ``rest``."""
    left = deque(talks)

    def script(request: Request, connection: int) -> Step:
        if is_socket(request):
            return Socket(request, left.popleft() if len(left) > 1 else left[0])
        assert rest is not None, f"nothing answers {request.method} {request.target}"
        return rest(request)

    return script
