"""A WebSocket by itself, on a connection that is a list of bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from websockets.frames import Close, Frame, Opcode

from vantage_sdk.core.io.port import Failure, TransportError
from vantage_sdk.core.stepping import run
from vantage_sdk.core.websocket import MAX_MESSAGE, Handshake, SocketClosed, SocketFault, WebSocket
from vantage_sdk.exceptions import AuthenticationError, AuthorizationError, StreamInterrupted, VantageConnectionError

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


SNOWMAN = "☃".encode()
SESSION = [
    text("one"),
    PING,
    text(b"t" + SNOWMAN[:1], fin=False),
    PING,
    more(SNOWMAN[1:2], fin=False),
    PONG,
    more(b"", fin=False),
    more(SNOWMAN[2:] + b"o"),
    text(""),
    text("x" * 200),
    GOODBYE,
]
MESSAGES = ["one", "t☃o", "", "x" * 200]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1 << 16])
def test_messages_are_the_same_however_the_bytes_are_cut(size: int) -> None:
    data = b"".join(SESSION)
    tape = Tape(*[data[at : at + size] for at in range(0, len(data), size)])
    found, end = received(socket_on(tape))
    assert found == MESSAGES
    assert isinstance(end, SocketClosed)
    assert (end.code, end.reason) == (1000, "done")
    said = [unmasked(data) for data in tape.sent]
    assert said == [(10, b"p"), (10, b"p"), (8, Close(1000, "done").serialize())]


@pytest.mark.parametrize("at", range(len(SESSION)))
def test_a_connection_that_ends_without_a_goodbye_has_broken(at: int) -> None:
    tape = Tape(b"".join(SESSION[:at]) + SESSION[at][:-1])
    found, end = received(socket_on(tape))
    assert found == MESSAGES[: len(found)]
    assert isinstance(end, TransportError)
    assert end.failure is Failure.CUT


def test_messages_that_came_before_the_end_are_received_before_it() -> None:
    tape = Tape(text("a") + text("b") + PING + GOODBYE)
    tape.refuses = TransportError(Failure.CUT, "reset")
    found, end = received(socket_on(tape))
    assert found == ["a", "b"]
    assert isinstance(end, SocketClosed)
    tape = Tape(text("a") + PING, text("b"))
    tape.refuses = TransportError(Failure.CUT, "reset")
    found, end = received(socket_on(tape))
    assert found == ["a"]
    assert str(end) == "reset"


LIMIT = 200
FAULTS: dict[str, tuple[bytes, int]] = {
    "a huge frame": (b"\x81\x7f" + (1 << 40).to_bytes(8, "big"), 1009),
    "a long message": (text("x" * (LIMIT + 1)), 1009),
    "a message in long pieces": (text("x" * 160, fin=False) + more(b"x" * 41), 1009),
    "a message of endless pieces": (text("x", fin=False) + more(b"x" * 10, fin=False) * 20, 1009),
    "no UTF-8": (text(b"\xff\xfe"), 1007),
    "half a character": (text(SNOWMAN[:2]), 1007),
    "a surrogate": (text(b"\xed\xa0\x80"), 1007),
    "a binary message": (frame(Opcode.BINARY, b"x"), 1003),
    "a piece of nothing": (more(b"x"), 1002),
    "two beginnings": (text("a", fin=False) + text("b"), 1002),
    "a masked frame": (Frame(Opcode.TEXT, b"x").serialize(mask=True), 1002),
    "a reserved bit": (b"\xc1\x01x", 1002),
    "an unknown opcode": (b"\x83\x00", 1002),
    "a long ping": (b"\x89\x7e\x00\x80" + b"x" * 128, 1002),
    "a ping in pieces": (b"\x09\x00", 1002),
    "a goodbye with half a code": (b"\x88\x01\x03", 1002),
    "a goodbye with no such code": (frame(Opcode.CLOSE, (1006).to_bytes(2, "big")), 1002),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_peer_that_breaks_a_rule_is_told_and_left(name: str) -> None:
    data, code = FAULTS[name]
    tape = Tape(text("before") + data, text("after"))
    found, end = received(socket_on(tape, LIMIT))
    assert found == ["before"]
    assert isinstance(end, SocketFault)
    opcode, payload = unmasked(tape.sent[-1])
    assert (opcode, int.from_bytes(payload[:2], "big")) == (8, code)


def test_what_comes_after_a_goodbye_is_ignored() -> None:
    found, end = received(socket_on(Tape(GOODBYE + text("late") + b"\xff\xff\xff")))
    assert found == []
    assert isinstance(end, SocketClosed)


def test_a_goodbye_without_a_code_has_one() -> None:
    _, end = received(socket_on(Tape(frame(Opcode.CLOSE))))
    assert isinstance(end, SocketClosed)
    assert end.code == 1005


def test_the_end_stays_the_end() -> None:
    socket = socket_on(Tape(GOODBYE))
    for _ in range(3):
        assert isinstance(received(socket)[1], SocketClosed)


def test_a_small_limit_of_pieces_costs_no_memory_for_empty_ones() -> None:
    tape = Tape(text("x", fin=False) + more(b"", fin=False) * 10_000, more(b"y"), GOODBYE)
    socket = socket_on(tape)
    assert run(socket.receive()) == "xy"
    assert len(socket._partial) == 0


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


def test_a_silent_peer_is_asked_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(QUIET, QUIET)
    Clock(monkeypatch, tape)
    found, end = received(socket_on(tape, ping=20, dead=5))
    assert found == []
    assert isinstance(end, TransportError)
    assert "5.0 s after a ping" in str(end)
    assert tape.waits == [20, 5]
    assert [unmasked(data)[0] for data in tape.sent] == [9]


@pytest.mark.parametrize("sign", [PONG, PING, text("x"), b"\x81"], ids=["pong", "ping", "message", "byte"])
def test_whatever_is_heard_proves_that_it_lives(monkeypatch: pytest.MonkeyPatch, sign: bytes) -> None:
    tape = Tape(QUIET, sign, QUIET, QUIET)
    Clock(monkeypatch, tape)
    received(socket_on(tape, ping=20, dead=5))
    assert tape.waits == [20, 5, 20, 5]


def test_only_time_spent_in_waiting_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(*[QUIET] * 5)
    clock = Clock(monkeypatch, tape)
    socket = socket_on(tape, ping=20, dead=5)
    for _ in range(3):
        clock.now += 1000  # the caller does something else
        assert run(socket.receive(clock.now + 7)) is None
    assert tape.waits == [7, 7, 6, 1]
    assert [unmasked(data)[0] for data in tape.sent] == [9]
    clock.now += 1000
    with pytest.raises(TransportError, match="the peer is gone"):
        run(socket.receive(clock.now + 7))


def test_without_limits_it_waits_for_ever() -> None:
    tape = Tape(text("x"), GOODBYE)
    assert received(socket_on(tape, ping=None, dead=None))[0] == ["x"]
    assert tape.waits == [None, None]


def test_a_frame_that_went_out_in_part_makes_the_connection_useless() -> None:
    tape = Tape(text("x"))
    socket = socket_on(tape)
    tape.refuses = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        run(socket.send("hello"))
    tape.refuses = None
    with pytest.raises(TransportError, match="broke while something was sent"):
        run(socket.receive())
    run(socket.aclose())
    assert (tape.sent, tape.closed) == ([], 1)


def test_closing_says_goodbye_and_waits_for_an_answer_but_not_long(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(text("x" * 70_000), GOODBYE)
    run(socket_on(tape).aclose())
    assert [unmasked(data)[0] for data in tape.sent] == [8]
    assert (tape.steps, tape.closed) == ([], 1)
    tape = Tape(QUIET)
    clock = Clock(monkeypatch, tape)
    run(socket_on(tape).aclose())
    assert clock.now <= 1000.5
    assert tape.closed == 1


def test_closing_after_the_end_says_nothing() -> None:
    tape = Tape(b"")
    socket = socket_on(tape)
    received(socket)
    run(socket.aclose())
    assert (tape.sent, tape.closed) == ([], 1)


def test_a_dropped_socket_receives_nothing() -> None:
    tape = Tape(text("x"))
    socket = socket_on(tape)
    run(socket.drop())
    assert isinstance(received(socket)[1], TransportError)
    assert (tape.sent, tape.closed) == ([], 1)


def test_a_glance_takes_what_is_there_and_answers() -> None:
    tape = Tape(PING + text("x"), QUIET)
    socket = socket_on(tape)
    run(socket.glance())
    assert socket.has_more
    assert [unmasked(data)[0] for data in tape.sent] == [10]
    run(socket.glance())
    assert len(tape.steps) == 1, "no more is read while a message waits"
    assert run(socket.receive()) == "x"


def test_a_glance_at_a_broken_connection_leaves_the_error_to_who_receives() -> None:
    socket = socket_on(Tape(TransportError(Failure.CUT, "reset")))
    run(socket.glance())
    run(socket.glance())
    with pytest.raises(TransportError, match="reset"):
        run(socket.receive())


class Answered:
    """An answer to an offer."""

    def __init__(self, status: int = 101, **headers: str) -> None:
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.tape = Tape()

    def duplex(self) -> Tape:
        return self.tape

    async def aclose(self) -> None:
        await self.tape.aclose()


def test_an_offer_that_is_accepted_is_a_socket() -> None:
    offer = Handshake("a test")
    assert {name.lower() for name in offer.headers} == {
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
    }
    from websockets.utils import accept_key

    accept = accept_key(offer.headers["Sec-WebSocket-Key"])
    good: Any = Answered(upgrade="WebSocket", connection="keep-alive, Upgrade", sec_websocket_accept=accept)
    assert isinstance(run(offer.socket(good, 20, 20)), WebSocket)
    assert good.tape.closed == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"upgrade": "websocket", "connection": "upgrade"},
        {"upgrade": "websocket", "connection": "upgrade", "sec_websocket_accept": "c2VjcmV0"},
        {"upgrade": "h2c", "connection": "upgrade", "sec_websocket_accept": "c2VjcmV0"},
    ],
)
def test_an_answer_that_does_not_fit_the_offer_is_refused(headers: dict[str, str]) -> None:
    answer: Any = Answered(**headers)
    with pytest.raises(SocketFault, match="handshake is wrong"):
        run(Handshake("a test").socket(answer, 20, 20))
    assert answer.tape.closed == 1


def test_an_extension_that_was_not_offered_is_refused() -> None:
    from websockets.utils import accept_key

    offer = Handshake("a test")
    answer: Any = Answered(
        upgrade="websocket",
        connection="upgrade",
        sec_websocket_accept=accept_key(offer.headers["Sec-WebSocket-Key"]),
        sec_websocket_extensions="permessage-deflate",
    )
    with pytest.raises(SocketFault, match="handshake is wrong"):
        run(offer.socket(answer, 20, 20))


def test_every_offer_has_a_key_of_its_own() -> None:
    assert len({Handshake("a test").headers["Sec-WebSocket-Key"] for _ in range(50)}) == 50


def test_a_goodbye_means_what_its_code_says() -> None:
    def error(code: int) -> Any:
        return SocketClosed(code, "why").error("a test", lambda text: text)

    assert error(1000) is None
    for code in (1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 3008, 4999):
        assert type(error(code)) is VantageConnectionError
        assert error(code)._passing
    assert {type(error(code)) for code in (1002, 1003, 1007, 1009, 1010)} == {StreamInterrupted}
    assert type(error(1008)) is type(error(3003)) is AuthorizationError
    assert type(error(3000)) is AuthenticationError
    assert not any(error(code)._passing for code in (1002, 1008, 3000, 3003))
    assert error(1001).code == "1001"
    assert "1001: why" in error(1001).message
