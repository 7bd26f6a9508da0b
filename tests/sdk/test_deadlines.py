"""Limits of time hold against servers that are slow on purpose."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import Chunk, Drip, Json, ScriptedServer, Send, Sse, Step, Unanswered, Wait
from vantage_sdk import DeadlineExceeded, VantageConnectionError, VantageTimeoutError
from vantage_sdk.testing import instant_retries

JOB = Json(200, {"id": "job-1", "status": "running", "name": "x" * 2000})
HEAD = JOB.encode("GET").partition(b"\r\n\r\n")[0]
TEMPLATE = {"name": "n", "command": "true"}


def dripping(part: str) -> list[Step]:
    """Answer for minutes with a byte every 20 ms, so that no single read takes long."""
    whole = JOB.encode("GET")
    if part == "head":
        padded = whole.replace(b"\r\n", b"\r\nX-Padding: " + b"x" * 3000 + b"\r\n", 1)
        return [Drip(padded, interval=0.02), Unanswered()]
    return [Send(whole[: len(HEAD) + 4]), Drip(whole[len(HEAD) + 4 :], interval=0.02), Unanswered()]


@pytest.mark.parametrize("part", ["head", "body"])
@pytest.mark.parametrize("limit", ["timeout", "deadline"])
async def test_a_slow_drip_does_not_outlast_the_limit(face: Face, part: str, limit: str) -> None:
    kind = {"timeout": VantageTimeoutError, "deadline": DeadlineExceeded}[limit]
    with ScriptedServer([dripping(part)]) as server:
        async with face.client(server.url, max_retries=0, timeout=None) as client:
            with pytest.raises(VantageTimeoutError) as caught:
                await client.jobs.get("job-1", **{limit: 0.2})  # the answer would take a minute
    assert type(caught.value) is kind


@pytest.mark.parametrize("limit", ["timeout", "deadline"])
async def test_the_head_of_a_stream_is_not_dripped_for_ever(face: Face, limit: str) -> None:
    with ScriptedServer([dripping("head")]) as server:
        async with face.client(server.url, max_retries=0, timeout=None) as client:
            with pytest.raises(VantageConnectionError):
                _ = [line async for line in client.jobs.logs_stream("job-1", **{limit: 0.3})]


async def test_silence_ends_with_the_timeout(face: Face) -> None:
    never = threading.Event()
    with ScriptedServer([Wait(never)]) as server:
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(VantageTimeoutError, match=r"0\.2 s"):
                await client.jobs.get("job-1", timeout=0.2)
        never.set()


async def test_a_followed_log_outlives_the_timeout_while_something_comes(face: Face) -> None:
    lines = [str(number) for number in range(12)]
    events = Sse([{"id": line, "data": line} for line in lines[:1]], final=False)
    rest = [Drip(b"".join(chunked(line) for line in lines[1:]), size=12, interval=0.05)]
    end = [Chunk(b"event: end\ndata: {}\n\n"), Chunk()]
    begun = time.monotonic()
    with ScriptedServer([[events, *rest, *end]]) as server:
        async with face.client(server.url, max_retries=0) as client:
            got = [line async for line in client.jobs.logs_stream("job-1", timeout=0.4)]
    assert got == lines
    assert time.monotonic() - begun > 0.5


def chunked(line: str) -> bytes:
    data = f"id: {line}\ndata: {line}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_a_followed_log_ends_with_its_deadline(face: Face) -> None:
    def script(request: Any, connection: int) -> list[Step]:
        return [Sse(["line"], final=False), Drip(chunked("x") * 500, size=1, interval=0.02)]

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            with pytest.raises(DeadlineExceeded):
                _ = [line async for line in client.jobs.logs_stream("job-1", timeout=5, deadline=0.2)]


async def test_a_silent_log_ends_with_the_timeout(face: Face) -> None:
    never = threading.Event()

    def script(request: Any, connection: int) -> list[Step]:
        events = [{"id": "1", "data": "line"}] if request.number == 0 else []
        return [Sse(events, final=False), Wait(never)]

    with instant_retries(), ScriptedServer(script) as server:
        got: list[str] = []
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(VantageConnectionError):
                async for line in client.jobs.logs_stream("job-1", timeout=0.2):
                    got.append(line)
        never.set()
    assert got == ["line"]


async def test_a_deadline_spans_attempts_and_pauses(face: Face) -> None:
    busy = Json(503, {"error": "busy"}, {"Retry-After": "2"})
    with instant_retries() as pauses, ScriptedServer(lambda request, connection: busy) as server:
        async with face.client(server.url, max_retries=50) as client:
            with pytest.raises(Exception) as caught:  # the pause that does not fit is not begun
                await client.jobs.get("job-1", deadline=1.0)
    assert caught.value.attempts[-1].status_code == 503
    assert len(server.requests) == 1
    assert pauses == []


async def test_a_deadline_ends_a_long_row_of_attempts(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(500, {"error": "no"})) as server:
        async with face.client(server.url, max_retries=1000) as client:
            with pytest.raises(DeadlineExceeded):
                await client.jobs.get("job-1", deadline=0.5)
    assert len(server.requests) < 100


async def test_each_attempt_has_a_timeout_of_its_own(face: Face) -> None:
    never = threading.Event()
    with instant_retries(), ScriptedServer([[Wait(never), Unanswered()], JOB]) as server:
        async with face.client(server.url) as client:
            assert (await client.jobs.get("job-1", timeout=0.3)).id == "job-1"
        never.set()
    assert len(server.requests) == 2


async def test_a_stream_waits_for_a_connection_no_longer_than_its_timeout(face: Face) -> None:
    def script(request: Any, connection: int) -> list[Step]:
        return [Sse([{"id": "1", "data": "line"}], final=False), Drip(chunked("2") * 500, size=1, interval=0.05)]

    with ScriptedServer(script) as server:
        client = face.client(server.url, max_connections=1, max_retries=0)
        async with client, client.jobs.logs_stream("job-1", timeout=5) as held:
            assert await anext(held) == "line"
            with pytest.raises(VantageConnectionError, match="in use"):
                _ = [line async for line in client.jobs.logs_stream("job-2", timeout=0.3)]
    assert len(server.requests) == 1


async def test_a_server_that_reads_slowly_does_not_outlast_the_timeout(face: Face) -> None:
    body = {**TEMPLATE, "environment": {"X": "x" * (24 << 20)}}
    with slow_reader() as (url, taken):
        async with face.client(url, max_retries=0) as client:
            with pytest.raises(Exception) as caught:
                await client.jobs.submit(body, timeout=0.6)
    assert "timeout" in str(caught.value)
    assert sum(taken) < 12 << 20


@contextmanager
def slow_reader() -> Iterator[tuple[str, list[int]]]:
    """Listen, and read what comes at 1 MB in a fifth of a second, without ever answering."""
    taken: list[int] = []
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def read(sock: socket.socket) -> None:
        with sock:
            while not stop.wait(0.05):
                try:
                    taken.append(len(sock.recv(1 << 18)))
                except OSError:
                    return

    def serve() -> None:
        while not stop.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=read, args=(sock,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(60)
