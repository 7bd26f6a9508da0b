"""Whole answers, known as bytes before they are sent."""

from __future__ import annotations

import gzip
import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from tests.support.wire import Wire

Headers = Mapping[str, str] | Sequence[tuple[str, str]]
Event = str | Mapping[str, str]


def pairs(headers: Headers) -> list[tuple[str, str]]:
    """Return headers as a list, which keeps duplicates."""
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def chunk(data: bytes) -> bytes:
    """Frame one chunk; an empty one is the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Step(ABC):
    """One move of the server; the step that ``ends`` is the last one for its request."""

    @property
    def ends(self) -> bool:
        return False

    @abstractmethod
    def play(self, wire: Wire) -> None:
        """Make the move."""


class Ending(Step):
    """A step after which the next request is due."""

    @property
    def ends(self) -> bool:
        return True


class Message(Ending):
    """A whole answer that is known as bytes before it is sent."""

    @abstractmethod
    def encode(self, method: str) -> bytes:
        """Return the bytes of the answer to such a request."""

    def play(self, wire: Wire) -> None:
        data = self.encode(wire.method)
        wire.send(data)
        head = data.partition(b"\r\n\r\n")[0] + b"\r\n"
        wire.last |= b"\r\nconnection: close\r\n" in head.lower()


class Framed(Message):
    """A message that amounts to one ``Reply``."""

    @abstractmethod
    def plain(self) -> Reply:
        """Return that reply."""

    def encode(self, method: str) -> bytes:
        return self.plain().encode(method)


@dataclass(frozen=True, slots=True)
class Reply(Framed):
    """Status, headers and body, framed by Content-Length unless the headers say otherwise."""

    status: int = 200
    body: bytes = b""
    headers: Headers = ()
    reason: str | None = None

    def plain(self) -> Reply:
        return self

    def head(self) -> bytes:
        """Return status line and headers as they stand."""
        reason = self.reason if self.reason is not None else _reason(self.status)
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{name}: {value}" for name, value in pairs(self.headers))]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def encode(self, method: str) -> bytes:
        names = {name.lower() for name, _ in pairs(self.headers)}
        bodiless = self.status < 200 or self.status in (204, 304)
        if bodiless or names & {"content-length", "transfer-encoding"}:
            framed = self
        else:
            framed = self.adding(("Content-Length", str(len(self.body))))
        return framed.head() + (b"" if bodiless or method == "HEAD" else self.body)

    def adding(self, *headers: tuple[str, str]) -> Reply:
        """Return the same reply with more headers."""
        return replace(self, headers=[*pairs(self.headers), *headers])


@dataclass(frozen=True, slots=True)
class Json(Framed):
    """A reply whose body is JSON."""

    status: int = 200
    obj: Any = None
    headers: Headers = ()

    def plain(self) -> Reply:
        return Reply(self.status, json.dumps(self.obj).encode(), self.headers).adding(
            ("Content-Type", "application/json")
        )


@dataclass(frozen=True, slots=True)
class Redirect(Framed):
    """A redirect to a location, which is sent as it is."""

    status: int
    location: str
    headers: Headers = ()

    def plain(self) -> Reply:
        return Reply(self.status, headers=self.headers).adding(("Location", self.location))


@dataclass(frozen=True, slots=True)
class Gzip(Framed):
    """A reply with its body compressed; ``truncate`` keeps that many compressed bytes, framed as if whole."""

    reply: Framed
    truncate: int | None = None

    def plain(self) -> Reply:
        inner = self.reply.plain()
        squeezed = gzip.compress(inner.body, mtime=0)[: self.truncate]
        return replace(inner, body=squeezed).adding(("Content-Encoding", "gzip"))


@dataclass(frozen=True, slots=True)
class Bomb(Framed):
    """A small gzip body that inflates to ``size`` bytes."""

    size: int
    status: int = 200
    headers: Headers = (("Content-Type", "application/json"),)

    def plain(self) -> Reply:
        squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
        block = bytes(1 << 20)
        whole, rest = divmod(self.size, len(block))
        body = b"".join([*(squeezer.compress(block) for _ in range(whole)), squeezer.compress(block[:rest])])
        return Reply(self.status, body + squeezer.flush(), self.headers).adding(("Content-Encoding", "gzip"))


@dataclass(frozen=True, slots=True)
class Chunked(Message):
    """A reply in chunks as given; without ``final`` the last chunk is missing and the script goes on."""

    chunks: Sequence[bytes]
    final: bool = True
    status: int = 200
    headers: Headers = ()

    @property
    def ends(self) -> bool:
        return self.final

    def encode(self, method: str) -> bytes:
        head = Reply(self.status, headers=self.headers).adding(("Transfer-Encoding", "chunked")).head()
        if method == "HEAD":
            return head
        return head + b"".join([*map(chunk, self.chunks), chunk(b"") if self.final else b""])


@dataclass(frozen=True, slots=True)
class Sse(Message):
    """An event stream, one chunk an event; an event is its data or a mapping of its fields."""

    events: Sequence[Event]
    final: bool = True
    headers: Headers = ()

    @property
    def ends(self) -> bool:
        return self.final

    def encode(self, method: str) -> bytes:
        headers = [("Content-Type", "text/event-stream"), *pairs(self.headers)]
        return Chunked([sse_event(event) for event in self.events], self.final, 200, headers).encode(method)


def sse_event(event: Event) -> bytes:
    """Return one event as it stands in a stream."""
    fields = {"data": event} if isinstance(event, str) else event
    lines = [f"{name}: {line}\n" for name, value in fields.items() for line in value.split("\n")]
    return ("".join(lines) + "\n").encode()


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
