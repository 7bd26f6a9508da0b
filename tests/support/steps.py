"""Single moves on the wire: parts of an answer, waits, and every way of breaking off."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from tests.support.messages import Ending, Framed, Headers, Message, Reply, Step, chunk
from tests.support.wire import Wire


@dataclass(frozen=True, slots=True)
class CutAt(Ending):
    """Send the first ``n`` bytes of the whole answer, head included, then close."""

    n: int
    reply: Message

    def play(self, wire: Wire) -> None:
        wire.send(self.reply.encode(wire.method)[: self.n])
        wire.close()


@dataclass(frozen=True, slots=True)
class WrongLength(Ending):
    """Announce ``delta`` bytes more than the body has (fewer if negative), send it, then close."""

    reply: Framed
    delta: int

    def play(self, wire: Wire) -> None:
        plain = self.reply.plain()
        wire.send(plain.adding(("Content-Length", str(len(plain.body) + self.delta))).encode(wire.method))
        wire.close()


@dataclass(frozen=True, slots=True)
class UntilClose(Ending):
    """Send the reply without any framing, so that only closing ends it; ``cut`` keeps that much of the body."""

    reply: Framed
    cut: int | None = None

    def play(self, wire: Wire) -> None:
        plain = self.reply.plain()
        wire.send(plain.adding(("Connection", "close")).head() + plain.body[: self.cut])
        wire.last = True


@dataclass(frozen=True, slots=True)
class Drip(Step):
    """Send ``size`` bytes at a time with ``interval`` seconds between."""

    data: bytes | Message
    size: int = 1
    interval: float = 0.01

    @property
    def ends(self) -> bool:
        return isinstance(self.data, Message) and self.data.ends

    def play(self, wire: Wire) -> None:
        data = self.data.encode(wire.method) if isinstance(self.data, Message) else self.data
        for start in range(0, len(data), self.size):
            if start:
                wire.pause(self.interval)
            wire.send(data[start : start + self.size])


@dataclass(frozen=True, slots=True)
class Interim(Step):
    """An informational (1xx) reply before the real one."""

    status: int = 103
    headers: Headers = ()

    def play(self, wire: Wire) -> None:
        wire.send(Reply(self.status, headers=self.headers).head())


@dataclass(frozen=True, slots=True)
class Send(Step):
    """Send bytes as they are."""

    data: bytes

    def play(self, wire: Wire) -> None:
        wire.send(self.data)


@dataclass(frozen=True, slots=True)
class Chunk(Step):
    """One more chunk of an unfinished ``Chunked`` or ``Sse``; an empty one finishes it."""

    data: bytes = b""

    @property
    def ends(self) -> bool:
        return not self.data

    def play(self, wire: Wire) -> None:
        wire.send(chunk(self.data))


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Wait until the test sets the event."""

    event: threading.Event

    def play(self, wire: Wire) -> None:
        wire.wait(self.event)


@dataclass(frozen=True, slots=True)
class Close(Ending):
    """Close the connection (FIN)."""

    def play(self, wire: Wire) -> None:
        wire.close()


@dataclass(frozen=True, slots=True)
class Unanswered(Close):
    """Close without a single byte of an answer, after the request has been read."""


@dataclass(frozen=True, slots=True)
class Reset(Ending):
    """Break the connection (RST)."""

    def play(self, wire: Wire) -> None:
        wire.reset()


@dataclass(frozen=True, slots=True)
class HalfClose(Ending):
    """Close the sending side and keep reading until the client closes."""

    def play(self, wire: Wire) -> None:
        wire.half_close()
