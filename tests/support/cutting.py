"""A proxy before a server that breaks a connection once exactly so many bytes went one way."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Literal, Self

from tests.support.wire import TICK

Way = Literal["up", "down"]


class Cutter:
    """Pass everything on; ``cut`` says where a connection ends.

    ``up`` are the bytes of requests, ``down`` those of answers; ``passed`` holds both since the last ``cut``, of all
    connections, which are used one after the other.
    """

    def __init__(self, url: str) -> None:
        self.passed = {"up": b"", "down": b""}
        self._left: dict[str, int] = {}
        self._port = int(url.rpartition(":")[2])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TICK)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept, name="cutter")]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self, way: Way, at: int | None) -> None:
        """End the connection on which byte ``at`` would be the next one, and no other; ``None`` ends none."""
        self.passed = {"up": b"", "down": b""}
        self._left = {} if at is None else {way: at}

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):  # it wakes by itself a little later
            socket.create_connection(self._listener.getsockname(), TICK).close()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def _accept(self) -> None:
        with self._listener:
            while not self._stopping.is_set():
                try:
                    client, _ = self._listener.accept()
                except TimeoutError:
                    continue
                if self._stopping.is_set():
                    client.close()
                    return
                thread = threading.Thread(target=self._relay, args=(client,), name="cutter-relay")
                self._threads = [*(one for one in self._threads if one.is_alive()), thread]
                thread.start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ways = {client: ("up", server), server: ("down", client)}
            while not self._stopping.is_set():
                for source in select.select([client, server], [], [], TICK)[0]:
                    way, target = ways[source]
                    try:
                        data = source.recv(1 << 16)
                        target.sendall(self._wanted(way, data))
                    except OSError:  # one of the two has left
                        return
                    if not data or self._struck(way, len(data)):
                        return

    def _wanted(self, way: str, data: bytes) -> bytes:
        self.passed[way] += data
        return data[: self._left.get(way)]

    def _struck(self, way: str, size: int) -> bool:
        left = self._left.get(way)
        if left is None:
            return False
        self._left = {} if size >= left else {way: left - size}
        return size >= left
