"""One accepted connection: bounded reads, bounded writes, and every way of ending it."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TICK = 0.02
MAX_HEAD = 1 << 20


class Gone(Exception):
    """The client has left, or the server is stopping: the connection simply ends."""


class BadRequest(AssertionError):
    """The client sent something that is not HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stood on the wire; ``number`` and ``connection`` count from 0."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    connection: int
    number: int = 0
    body: bytes = b""
    body_read: bool = False

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def values(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next(iter(self.values(name)), None)

    def json(self) -> Any:
        """Decode the body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True, eq=False)
class Wire:
    """What the steps of a script play upon.

    ``method`` is that of the request being answered, ``last`` says that no other will be.
    """

    sock: socket.socket
    stopping: threading.Event
    patience: float
    method: str = "GET"
    open: bool = True
    last: bool = False
    _held: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.sock.settimeout(TICK)
        # Without this a drip of single bytes would be glued together by Nagle's algorithm.
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Send all of the bytes; a client that never reads them is an error once patience ends."""
        left, deadline = memoryview(data), time.monotonic() + self.patience
        while left:
            try:
                left = left[self.sock.send(left) :]
            except TimeoutError:
                self._check(deadline, "the client reads no further")
            except OSError as error:
                self.close()
                raise Gone from error

    def pause(self, seconds: float) -> None:
        """Let time pass, but not beyond the end of the server."""
        if self.stopping.wait(seconds):
            raise Gone

    def wait(self, event: threading.Event) -> None:
        """Wait until the event is set."""
        deadline = time.monotonic() + self.patience
        while not event.wait(TICK):
            self._check(deadline, "an awaited event was never set")

    def secure(self, context: ssl.SSLContext) -> None:
        """Make the TLS handshake; a client that refuses the certificate just leaves."""
        deadline = time.monotonic() + self.patience
        secured = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        self.sock = secured
        while True:
            try:
                return secured.do_handshake()
            except TimeoutError:
                self._check(deadline, "the TLS handshake did not end")
            except OSError as error:
                raise Gone from error

    def close(self) -> None:
        """End the connection in an orderly way (FIN)."""
        if self.open:
            self._notify()
        self.open = False
        self.sock.close()

    def reset(self) -> None:
        """End the connection with a RST."""
        self.open = False
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self) -> None:
        """Send no more, and drop what the client still sends until it closes too.

        Closing at once would turn into a RST if anything the client sent were still unread.
        """
        self._notify()
        deadline = time.monotonic() + self.patience
        with contextlib.suppress(Gone, OSError):
            self.sock.shutdown(socket.SHUT_WR)
            while True:
                self._receive(deadline)
                self._held.clear()
        self.open = False
        self.sock.close()

    def _notify(self) -> None:
        if isinstance(self.sock, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()

    def read_head(self, connection: int) -> Request:
        """Read a request up to the end of its headers; a keep-alive connection may idle for any time."""
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > MAX_HEAD:
                raise BadRequest("the head of the request has no end")
            self._receive(None)
        head, _, rest = bytes(self._held).partition(b"\r\n\r\n")
        self._held[:] = rest
        line, *fields = head.decode("latin-1").split("\r\n")
        parts = line.split(" ")
        if len(parts) != 3 or parts[2] != "HTTP/1.1":
            raise BadRequest(f"not a request line: {line!r}")
        pairs = [name_value.partition(":") for name_value in fields]
        if any(not colon or name != name.strip() for name, colon, _ in pairs):
            raise BadRequest(f"not header lines: {fields!r}")
        headers = tuple((name, value.strip()) for name, _, value in pairs)
        self.method = parts[0]
        return Request(parts[0], parts[1], headers, connection)

    def read_body(self, head: Request) -> bytes:
        """Read the body that the head announces."""
        deadline = time.monotonic() + self.patience
        lengths, codings = head.values("content-length"), head.values("transfer-encoding")
        if (lengths and codings) or len(lengths) > 1 or len(codings) > 1:
            raise BadRequest(f"ambiguous framing: {lengths} {codings}")
        if codings:
            return self._chunks(deadline)
        return self._exactly(int(lengths[0]) if lengths else 0, deadline)

    def _chunks(self, deadline: float) -> bytes:
        body = bytearray()
        while size := int(self._line(deadline).partition(b";")[0], 16):
            body += self._exactly(size, deadline)
            if self._line(deadline):
                raise BadRequest("a chunk is longer than its size")
        while self._line(deadline):
            pass
        return bytes(body)

    def _exactly(self, size: int, deadline: float) -> bytes:
        while len(self._held) < size:
            self._receive(deadline)
        data = bytes(self._held[:size])
        del self._held[:size]
        return data

    def _line(self, deadline: float) -> bytes:
        while b"\r\n" not in self._held:
            self._receive(deadline)
        line = bytes(self._held.partition(b"\r\n")[0])
        del self._held[: len(line) + 2]
        return line

    def _receive(self, deadline: float | None) -> None:
        while True:
            try:
                data = self.sock.recv(1 << 16)
            except TimeoutError:
                self._check(deadline, "the rest of the request never came")
                continue
            except OSError as error:
                raise Gone from error
            if not data:
                raise Gone
            self._held += data
            return

    def _check(self, deadline: float | None, complaint: str) -> None:
        if self.stopping.is_set():
            raise Gone
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"after {self.patience} s: {complaint}")
