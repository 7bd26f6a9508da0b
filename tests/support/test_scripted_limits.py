"""The scripted server bounds every wait and reports what goes wrong on its side."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.scripted import (
    BadRequest,
    Drip,
    Json,
    Reply,
    Request,
    ScriptedServer,
    Step,
    Unanswered,
    Wait,
)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        yield client


def raw(server: ScriptedServer, request: bytes) -> bytes:
    """Send bytes, then return all that comes until the server closes."""
    port = urlsplit(server.url).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=5.0) as sock:
        sock.sendall(request)
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def test_a_failing_script_surfaces_on_leaving(client: httpx.Client) -> None:
    def script(request: Request, connection: int) -> list[Step]:
        raise AssertionError("expected a POST")

    with pytest.raises(AssertionError, match="expected a POST"), ScriptedServer(script) as server:
        client.get(server.url)


def test_several_failures_come_as_a_group(client: httpx.Client) -> None:
    with pytest.raises(ExceptionGroup) as caught, ScriptedServer([]) as server:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                client.get(server.url)
    assert [type(error) for error in caught.value.exceptions] == [AssertionError, AssertionError]


def test_an_exhausted_script_names_the_request(client: httpx.Client) -> None:
    with ScriptedServer([Json()]) as server:
        client.get(server.url)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"{server.url}/more")
        with pytest.raises(AssertionError, match=r"GET /more \(request 1\)"):
            server.join()


def test_an_event_that_is_never_set_is_an_error() -> None:
    with (
        pytest.raises(TimeoutError, match="never set"),
        ScriptedServer([Wait(threading.Event())], patience=0.1) as server,
        httpx.Client(timeout=5.0, trust_env=False) as client,
    ):
        client.get(server.url)


def test_a_client_that_reads_no_further_is_an_error() -> None:
    with (
        pytest.raises(TimeoutError, match="reads no further"),
        ScriptedServer([Reply(200, bytes(50_000_000))], patience=0.2) as server,
        httpx.Client(timeout=5.0, trust_env=False) as client,
        client.stream("GET", server.url),
    ):
        server.join()


def test_a_client_that_leaves_is_no_error() -> None:
    with ScriptedServer([Reply(200, bytes(50_000_000)), Unanswered()]) as server:
        with httpx.Client(timeout=5.0, trust_env=False) as client, client.stream("GET", server.url):
            pass
        server.join()


def test_a_script_that_hangs_is_an_error() -> None:
    release = threading.Event()

    def script(request: Request, connection: int) -> list[Step]:
        release.wait(5)
        return []

    with (
        pytest.raises(RuntimeError, match="did not end"),
        ScriptedServer(script, patience=0.1) as server,
        httpx.Client(timeout=0.05, trust_env=False) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get(server.url)
    release.set()


def test_join_is_bounded() -> None:
    with ScriptedServer([Drip(bytes(100), interval=10)], patience=0.1) as server:
        port = urlsplit(server.url).port
        with socket.create_connection(("127.0.0.1", port or 0), timeout=5.0) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert sock.recv(1) == b"\x00"
            with pytest.raises(TimeoutError, match="still answering"):
                server.join()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        bytes(1 << 21),
    ],
)
def test_malformed_requests_are_errors(request_bytes: bytes) -> None:
    with pytest.raises(BadRequest), ScriptedServer([Json()]) as server:
        try:
            raw(server, request_bytes)
        except ConnectionError:
            # What the server left unread turns its closing into a RST.
            server.join()


def test_a_request_that_never_ends_is_an_error() -> None:
    with pytest.raises(TimeoutError, match="never came"), ScriptedServer([Json()], patience=0.1) as server:
        raw(server, b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")


def test_pipelined_requests_are_answered_in_order() -> None:
    requests = b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n\r\n"
    with ScriptedServer([Reply(200, b"one"), Reply(200, b"two")]) as server:
        assert raw(server, requests) == Reply(200, b"one").encode("GET") + Reply(200, b"two").encode("GET")


def test_trailers_are_read_and_dropped() -> None:
    request = (
        b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nA: b\r\n\r\n"
    )
    with ScriptedServer([Reply(200, b"ok")]) as server:
        assert raw(server, request).endswith(b"ok")
    assert server.requests[0].body == b"ab"


def test_a_silent_client_cannot_hold_a_handshake() -> None:
    with (
        pytest.raises(TimeoutError, match="handshake"),
        ScriptedServer([], tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), patience=0.1) as server,
    ):
        raw(server, b"")


def test_a_client_may_break_the_connection() -> None:
    with ScriptedServer([]) as server:
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.1)
    assert server.requests == []


def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with ScriptedServer([Json()] * 8) as server:
        for _ in range(8):
            httpx.get(server.url, trust_env=False)
    assert set(threading.enumerate()) <= before
