"""Connections are made to the first address that takes them, within the time that is left, until they are called off."""

from __future__ import annotations

import gc
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpcore
import pytest

from tests.support.local_files import descriptors
from tests.support.silence import Blackhole
from vantage_sdk.core.io import clocked, connecting
from vantage_sdk.core.io.clocked import ClockedBackend, Exchange
from vantage_sdk.core.io.settings import socket_options

LONG = 600.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def hole() -> Iterator[int]:
    with Blackhole() as silent:
        yield urlsplit(silent.url).port or 0


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    gc.collect()
    before = len(descriptors())
    yield
    gc.collect()
    assert len(descriptors()) <= before


def exchange_until(seconds: float | None = None) -> Exchange:
    exchange = Exchange()
    exchange.begin(None if seconds is None else time.monotonic() + seconds, None)
    return exchange


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def refusing() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return port_of(unused)


def leads_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)


def beside(call: Callable[[], Any]) -> tuple[threading.Thread, list[BaseException]]:
    """Begin a call in a thread, and return what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call().close()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, raised


def test_a_connection_has_the_options_it_was_made_with(listener: socket.socket) -> None:
    backend = ClockedBackend(exchange_until(20))
    stream = backend.connect_tcp("localhost", port_of(listener), None, "127.0.0.1", socket_options())
    sock = stream.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    peer, address = listener.accept()
    assert address == stream.get_extra_info("client_addr")
    assert stream.get_extra_info("server_addr") == listener.getsockname()
    assert not stream.get_extra_info("is_readable")
    assert stream.get_extra_info("ssl_object") is None
    assert stream.get_extra_info("unknown") is None
    stream.write(b"there")
    assert peer.recv(5) == b"there"
    peer.sendall(b"back")
    assert stream.read(4) == b"back"
    peer.close()
    assert stream.get_extra_info("is_readable")
    stream.close()
    assert stream.get_extra_info("is_readable")


@pytest.mark.skipif(not hasattr(socket, "SO_BINDTODEVICE"), reason="only Linux has all of 127/8")
def test_a_connection_comes_from_the_address_it_is_to_come_from(listener: socket.socket) -> None:
    stream = ClockedBackend(exchange_until(20)).connect_tcp("127.0.0.1", port_of(listener), None, "127.0.0.3")
    peer, address = listener.accept()
    assert address[0] == "127.0.0.3"
    peer.close()
    stream.close()


def test_addresses_are_tried_in_order(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, refusing(), port_of(listener), 1)
    stream = ClockedBackend(exchange_until(20)).connect_tcp("name", 1)
    assert stream.get_extra_info("server_addr")[1] == port_of(listener)
    stream.close()


def test_a_silent_address_leaves_time_for_the_next(
    hole: int, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocked, "CONNECT_TIMEOUT", 0.05)
    leads_to(monkeypatch, hole, port_of(listener))
    stream = ClockedBackend(exchange_until(LONG)).connect_tcp("name", 1)
    assert stream.get_extra_info("server_addr")[1] == port_of(listener)
    stream.close()


@pytest.mark.parametrize("seconds", [0.05, -1.0])
def test_the_time_of_the_call_is_that_of_all_addresses(
    seconds: float, hole: int, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads_to(monkeypatch, hole, port_of(listener))
    with pytest.raises(httpcore.ConnectTimeout):
        ClockedBackend(exchange_until(seconds)).connect_tcp("name", 1)


def test_the_failure_of_the_last_address_is_told(hole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocked, "CONNECT_TIMEOUT", 0.05)
    leads_to(monkeypatch, hole, refusing())
    with pytest.raises(httpcore.ConnectError, match="refused"):
        ClockedBackend(exchange_until()).connect_tcp("name", 1)
    leads_to(monkeypatch, refusing(), hole)
    with pytest.raises(httpcore.ConnectTimeout, match="timed out"):
        ClockedBackend(exchange_until()).connect_tcp("name", 1)
    leads_to(monkeypatch)
    with pytest.raises(httpcore.ConnectError, match="name has no address"):
        ClockedBackend(exchange_until()).connect_tcp("name", 1)


def test_a_name_that_is_not_known_is_an_error() -> None:
    with pytest.raises(httpcore.ConnectError):
        ClockedBackend(exchange_until()).connect_tcp("nothing.invalid", 1)


@pytest.mark.parametrize("waker", ["system", "clock"])
def test_connecting_is_called_off(waker: str, hole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system wakes who waits; where it does not, looking from time to time does."""
    monkeypatch.setattr(clocked, "CONNECT_TIMEOUT", LONG)
    monkeypatch.setattr(connecting, "TICK", LONG if waker == "system" else 0.01)
    exchange, waits = exchange_until(), threading.Event()

    class Selector(selectors.SelectSelector):
        def select(self, timeout: float | None = None) -> list[Any]:
            if waker == "clock":
                exchange.socket = None
            waits.set()
            return super().select(timeout)

    monkeypatch.setattr(selectors, "DefaultSelector", Selector)
    thread, raised = beside(lambda: ClockedBackend(exchange).connect_tcp("127.0.0.1", hole))
    assert waits.wait(60)
    exchange.shut()
    thread.join(20)
    assert not thread.is_alive()
    assert isinstance(raised[0], httpcore.ConnectTimeout | httpcore.ConnectError)


def test_what_was_called_off_is_not_begun(listener: socket.socket) -> None:
    exchange = exchange_until()
    exchange.shut()
    with pytest.raises(httpcore.ConnectTimeout, match="called off"):
        ClockedBackend(exchange).connect_tcp("127.0.0.1", port_of(listener))
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_what_is_called_off_while_it_begins_does_not_wait(hole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither who calls off finds a socket to wake, nor is there a look at the clock before long."""
    monkeypatch.setattr(clocked, "CONNECT_TIMEOUT", LONG)
    monkeypatch.setattr(connecting, "TICK", LONG)
    usual = socket.socket.connect

    class Early(socket.socket):
        def connect(self, address: Any) -> None:
            exchange.shut()
            usual(self, address)

    exchange = exchange_until()
    monkeypatch.setattr(socket, "socket", Early)
    with pytest.raises(httpcore.ConnectTimeout, match="called off"):
        ClockedBackend(exchange).connect_tcp("127.0.0.1", hole)


def test_a_handshake_is_called_off(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocked, "CONNECT_TIMEOUT", LONG)
    exchange = exchange_until()
    stream = ClockedBackend(exchange).connect_tcp("127.0.0.1", port_of(listener))
    peer, _ = listener.accept()
    thread, raised = beside(lambda: stream.start_tls(ssl.create_default_context(), "localhost"))
    assert peer.recv(1)  # it has said hello, and waits
    exchange.shut()
    thread.join(20)
    assert not thread.is_alive()
    assert isinstance(raised[0], httpcore.ConnectError)
    peer.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_handshake_that_fails_leaves_nothing_open(answer: bytes, listener: socket.socket) -> None:
    stream = ClockedBackend(exchange_until(20)).connect_tcp("127.0.0.1", port_of(listener))
    peer, _ = listener.accept()
    peer.sendall(answer)
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(httpcore.ConnectError):
        stream.start_tls(ssl.create_default_context(), "localhost")
    peer.close()


def test_a_handshake_has_the_time_that_is_left(listener: socket.socket) -> None:
    given: list[float | None] = []

    class Late:
        def wrap_socket(self, sock: socket.socket, server_hostname: str) -> ssl.SSLSocket:
            given.append(sock.gettimeout())
            raise TimeoutError("too late")

    context: Any = Late()
    stream = ClockedBackend(exchange_until(5)).connect_tcp("127.0.0.1", port_of(listener))
    with pytest.raises(httpcore.ConnectTimeout, match="too late"):
        stream.start_tls(context, "localhost")
    assert given[0] is not None
    assert 0 < given[0] <= 5
