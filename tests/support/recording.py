"""A port that writes down what would go over the wire, and answers from a table; there is no HTTP behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from websockets.frames import Close, Frame, Opcode
from websockets.utils import accept_key

from vantage_sdk import AsyncVantageClient, VantageClient
from vantage_sdk.base_client import Client
from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.flights import Flight
from vantage_sdk.core.io.port import Call, Sink, Wire
from vantage_sdk.core.stepping import run

T = TypeVar("T")
URL = "https://recorded.invalid"


class RecordedIncoming:
    """A streamed answer whose chunks are there already."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self._body = answer.body
        self._chunks = iter([answer.body])
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    async def read(self, limit: int) -> bytes:
        return self._body[:limit]

    async def pour(self, sink: Sink) -> None:
        for chunk in self._chunks:
            sink(memoryview(chunk))

    def duplex(self) -> RecordedDuplex:
        return RecordedDuplex(self)

    async def aclose(self) -> None:
        self.closed = True


class RecordedDuplex:
    """A connection after an answer 101, over which the body of the answer comes."""

    def __init__(self, incoming: RecordedIncoming) -> None:
        self._incoming = incoming
        self.sent: list[bytes] = []

    async def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        return await anext(self._incoming, b"")

    async def send(self, data: bytes, timeout: float | None) -> None:
        self.sent.append(data)

    async def aclose(self) -> None:
        await self._incoming.aclose()


class Done:
    """A call that was finished as soon as it was started."""

    def __init__(self, result: Any) -> None:
        self._result = result

    async def result(self) -> Any:
        return self._result

    def abandon(self) -> None:
        pass


class RecordingIO:
    """Records every exchange; nothing suspends, so that each face can be stepped without an event loop."""

    suspends = False
    connections = 64

    def __init__(self, answer: Callable[[Wire], Answer], files: dict[str, bytes] | None = None) -> None:
        self.wires: list[Wire] = []
        self.pauses: list[float] = []
        self.opened: list[RecordedIncoming] = []
        self._answer = answer
        self._files = files or {}

    async def exchange(self, wire: Wire) -> Answer:
        self.wires.append(wire)
        return self._answer(wire)

    async def open(self, wire: Wire) -> RecordedIncoming:
        answer = await self.exchange(wire)
        if answer.status == 101:
            answer.headers = accepting(wire)
        self.opened.append(RecordedIncoming(answer))
        return self.opened[-1]

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def read_file(self, path: Path, limit: int) -> bytes:
        return self._files[str(path)][:limit]

    async def gather(self, calls: Sequence[Call[T]], limit: int, abort: Abort | None = None) -> list[T]:
        return [await call() for call in calls]

    async def work(self, job: Callable[[], T], abort: Abort | None = None, **_: Any) -> T:
        return job()

    def tell(self, listener: Callable[..., object]) -> Callable[..., None]:
        return lambda *arguments: void(listener(*arguments))

    def bound_to(self, abort: Abort) -> RecordingIO:
        return self

    def start(self, call: Call[T]) -> Done:
        return Done(run(call()))

    async def launch(self, call: Call[None], flight: Flight[Any]) -> None:
        await call()

    async def landed(self, flight: Flight[Any], seconds: float | None) -> bool:
        return flight.landed

    async def aclose(self) -> None:
        pass


def void(_: object) -> None:
    """Return nothing."""


def client_of(io: RecordingIO, kind: type[Client]) -> Any:
    """Return a client of any kind whose port is the recorder."""

    class Recorded(kind):  # type: ignore[misc, valid-type]
        def _open(self, *_: Any) -> RecordingIO:
            return io

    credential = "api_key" if issubclass(kind, VantageClient | AsyncVantageClient) else "token"
    return Recorded(base_url=URL, **{credential: "your-api-key"})


def accepting(wire: Wire) -> dict[str, str]:
    """Return the headers that switch to WebSocket."""
    key = dict(wire.headers)[b"Sec-WebSocket-Key"].decode()
    return {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": accept_key(key)}


def goodbye(*messages: Any) -> Answer:
    """Return an answer that switches to WebSocket, says some objects and ends in order."""
    frames = [Frame(Opcode.TEXT, json.dumps(message).encode()) for message in messages]
    frames.append(Frame(Opcode.CLOSE, Close(1000, "").serialize()))
    return Answer(101, {}, b"".join(frame.serialize(mask=False) for frame in frames))


def json_answer(data: Any, status: int = 200) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, {"content-type": "application/json"}, json.dumps(data).encode())


def event_answer(lines: Iterable[str]) -> Answer:
    """Return an event stream with one numbered event a line and the event that ends it."""
    events = "".join(f"id: {number}\ndata: {line}\n\n" for number, line in enumerate(lines, 1))
    return Answer(200, {"content-type": "text/event-stream"}, f"{events}event: end\ndata: {{}}\n\n".encode())


def body_of(wire: Wire) -> Any:
    """Return the JSON that an exchange sent, ``None`` if it sent no body."""
    assert isinstance(wire.body, bytes)
    return json.loads(wire.body) if wire.body else None
