"""How a WebSocket begins, how it is known to live, and what its end means."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.tape import GOODBYE, PING, PONG, QUIET, Clock, Tape, received, socket_on, text, unmasked
from vantage_sdk.core.io.port import TransportError
from vantage_sdk.core.stepping import run
from vantage_sdk.core.websocket import Handshake, SocketClosed, SocketFault, WebSocket
from vantage_sdk.exceptions import AuthenticationError, AuthorizationError, StreamInterrupted, VantageConnectionError


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
