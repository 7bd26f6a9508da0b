"""Bytes that are read past the HTTP parser: as many at once as are there, and none lost when a read fails."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import httpcore
import pytest

from vantage_sdk.core.io.clocked import PIECE, ClockedStream, Exchange


class Socket:
    """A socket that gives what it is told to, or raises it."""

    def __init__(self, *steps: bytes | Exception) -> None:
        self.steps = list(steps)
        self.timeouts: list[float | None] = []

    def settimeout(self, timeout: float | None) -> None:
        self.timeouts.append(timeout)

    def recv_into(self, memory: memoryview) -> int:
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        memory[: len(step)] = step
        return len(step)


def stream_of(sock: Any, exchange: Exchange) -> ClockedStream:
    return ClockedStream(sock, exchange)


def received(size: int, *steps: bytes | Exception) -> tuple[list[bytes], Socket]:
    sock, exchange, found = Socket(*steps), Exchange(), list[bytes]()
    exchange.begin(None, 7.0)
    stream_of(sock, exchange).receive(size, lambda data: found.append(bytes(data)))
    return found, sock


def test_what_is_there_is_taken_at_once() -> None:
    found, sock = received(6, b"ab", b"cd", b"ef")
    assert found == [b"abcdef"]
    assert sock.timeouts == [7.0, 0]


@pytest.mark.parametrize("nothing", [BlockingIOError(), ssl.SSLWantReadError()])
def test_it_waits_only_for_the_first_of_them(nothing: Exception) -> None:
    found, sock = received(6, b"ab", nothing, b"cdef")
    assert found == [b"ab", b"cdef"]
    assert sock.timeouts == [7.0, 0, 7.0, 0]


def test_what_came_before_a_failure_is_not_lost() -> None:
    found: list[bytes] = []
    exchange = Exchange()
    exchange.begin(None, None)
    stream = stream_of(Socket(b"ab", ConnectionResetError("reset"), ConnectionResetError("reset")), exchange)
    with pytest.raises(httpcore.ReadError, match="reset"):
        stream.receive(6, lambda data: found.append(bytes(data)))
    assert found == [b"ab"]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([b"ab", b""], httpcore.RemoteProtocolError),
        ([b""], httpcore.RemoteProtocolError),
        ([TimeoutError("late")], httpcore.ReadTimeout),
        ([ssl.SSLError("bad record")], httpcore.ReadError),
    ],
)
def test_an_early_end_is_an_error(steps: list[Any], problem: type[Exception]) -> None:
    with pytest.raises(problem):
        received(6, *steps, *([b""] if steps[-1] == b"" else []))


def test_no_more_is_taken_than_belongs_to_the_body() -> None:
    found, sock = received(3, b"abc", b"of the next answer")
    assert found == [b"abc"]
    assert sock.steps == [b"of the next answer"]


def test_memory_is_bounded() -> None:
    left, right = socket.socketpair()
    with left, right:
        exchange, sizes = Exchange(), list[int]()
        exchange.begin(None, 5.0)
        left.sendall(b"x" * 100_000)
        stream_of(right, exchange).receive(100_000, lambda data: sizes.append(len(data)))
    assert sum(sizes) == 100_000
    assert max(sizes) <= PIECE


def test_nothing_more_is_done_on_a_connection_that_was_called_off() -> None:
    exchange = Exchange()
    exchange.begin(None, None)
    exchange.shut()
    with pytest.raises(httpcore.ReadTimeout, match="called off"):
        stream_of(Socket(b"abc"), exchange).receive(3, lambda data: None)
