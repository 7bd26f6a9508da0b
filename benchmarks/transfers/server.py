"""A server that moves bytes as fast as the system can: a thread a connection, ``sendfile`` out, nowhere in."""

from __future__ import annotations

import json
import mmap
import os
import select
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.transfers.stock import Reply, Request, Stock, read_head

AUTHORITY = "authority.pem"
FEW = 1 << 20  # bytes of a body that is looked at
STEP = 1 << 20
FAR, DISTANCE = "far", 0.01  # seconds until an answer from far away
# Linux throws received bytes away without a copy, so that the server costs next to nothing.
DISCARD = socket.MSG_TRUNC if sys.platform == "linux" else 0


class Connection:
    """One keep-alive connection."""

    def __init__(self, sock: socket.socket, stock: Stock) -> None:
        self._socket = sock
        self._stock = stock
        self._held = b""

    def attend(self) -> None:
        """Answer until the client goes away."""
        with self._socket, suppress(ConnectionError, ssl.SSLError):
            while head := self._head():
                request = read_head(head)
                if "expect" in request.headers:
                    self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = self._body(request)
                if request.offer == FAR:
                    time.sleep(DISTANCE)
                self._send(self._stock.reply(request, body))

    def _head(self) -> str:
        while b"\r\n\r\n" not in self._held:
            data = self._socket.recv(STEP)
            if not data:
                return ""
            self._held += data
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        return head.decode()

    def _body(self, request: Request) -> bytes | None:
        length = request.length
        if length > FEW:
            self._discard(length)
            return None
        while len(self._held) < length:
            self._held += self._received(bytearray(length - len(self._held)))
        body, self._held = self._held[:length], self._held[length:]
        return body

    def _received(self, memory: bytearray) -> bytes:
        count = self._socket.recv_into(memory)
        if not count:
            raise ConnectionError
        return bytes(memory[:count])

    def _discard(self, length: int) -> None:
        left, self._held = max(0, length - len(self._held)), self._held[length:]
        scrap = memoryview(bytearray(STEP))
        flags = 0 if isinstance(self._socket, ssl.SSLSocket) else DISCARD
        while left:
            count = self._socket.recv_into(scrap, min(left, STEP), flags)
            if not count:
                raise ConnectionError
            left -= count

    def _send(self, reply: Reply) -> None:
        self._socket.sendall(reply.head() + reply.body)
        if reply.file is None:
            return
        with reply.file.open("rb") as file:
            if isinstance(self._socket, ssl.SSLSocket):
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
                    for start in range(reply.start, reply.start + reply.size, STEP):
                        self._socket.sendall(view[start : min(start + STEP, reply.start + reply.size)])
            else:
                self._socket.sendfile(file, reply.start, reply.size)


def serve(folder: Path, digest: str) -> None:
    """Listen with and without TLS, tell where, and end when stdin does."""
    stock, context = Stock(folder, digest), certified(folder)
    plain, secure = listening(), listening() if context else None
    where = {
        "plain": f"http://127.0.0.1:{port(plain)}",
        "secure": f"https://127.0.0.1:{port(secure)}" if secure else None,
        "authority": str(folder / AUTHORITY) if secure else None,
    }
    print(json.dumps(where), flush=True)
    listeners = [plain, secure] if secure else [plain]
    while sys.stdin not in (ready := select.select([*listeners, sys.stdin], [], [])[0]):
        for listener in filter(ready.__contains__, listeners):
            arguments = listener.accept()[0], context if listener is secure else None, stock
            threading.Thread(target=attend, args=arguments, daemon=True).start()


def attend(sock: socket.socket, context: ssl.SSLContext | None, stock: Stock) -> None:
    """Serve one connection."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        try:
            sock = context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):  # the client changed its mind
            sock.close()
            return
    Connection(sock, stock).attend()


def listening() -> socket.socket:
    """Return a socket that listens somewhere on this machine."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def port(listener: socket.socket) -> int:
    """Return the port of a socket."""
    number: int = listener.getsockname()[1]
    return number


def certified(folder: Path) -> ssl.SSLContext | None:
    """Return a context with a certificate for this machine, whose authority is written beside the files."""
    try:
        import trustme
    except ImportError:
        return None
    authority = trustme.CA()
    authority.cert_pem.write_to_path(os.fspath(folder / AUTHORITY))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
