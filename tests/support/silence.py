"""Servers that fall silent in the middle of a transfer, or never say anything."""

from __future__ import annotations

import socket
import threading
from typing import Any

from tests.support.depot import Depot
from tests.support.scripted import Request, ScriptedServer, Send, Unanswered, Wait


class Blackhole:
    """A port that accepts no connection and refuses none."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._waiting = [socket.socket() for _ in range(4)]
        for waiting in self._waiting:
            waiting.setblocking(False)
            waiting.connect_ex(self._listener.getsockname())

    def __enter__(self) -> Blackhole:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in [*self._waiting, self._listener]:
            sock.close()


def holding(moment: str, release: threading.Event) -> ScriptedServer:
    """Serve ``/f`` of 20 MiB, and take uploads, up to a moment."""
    depot = Depot(bytes(20 << 20))

    def script(request: Request, connection: int) -> Any:
        if request.path.endswith("/download"):
            if moment == "head":
                return [Wait(release), Unanswered()]
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (20 << 20)
            return [Send(head + bytes(12 << 20)), Wait(release), Unanswered()]
        if request.method == "POST":
            return [Wait(release), Unanswered()]
        return depot(request, connection)

    return ScriptedServer(script, read_body=lambda request: moment != "sending" or request.method != "POST")
