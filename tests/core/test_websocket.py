"""A WebSocket by itself, on a connection that is a list of bytes."""

from __future__ import annotations

import pytest
from websockets.frames import Close, Frame, Opcode

from tests.support.tape import GOODBYE, PING, PONG, QUIET, Clock, Tape, frame, more, received, socket_on, text, unmasked
from vantage_sdk.core.io.port import Failure, TransportError
from vantage_sdk.core.stepping import run
from vantage_sdk.core.websocket import SocketClosed, SocketFault

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
