"""The lean HTTP client of slurmrestd: what comes over the wire is scripted; no Slurm is needed."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.slurm import connections, listing
from mock_server.cluster.slurm.connections import Connections, LostError, UnreachableError
from mock_server.cluster.slurm.listing import Entries, Reply
from mock_server.cluster.slurm.records import job_record

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Scripted:
    """A server that answers each request with the next text; ``None`` closes the connection, ``b""`` is silence."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.seen: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self.answers:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.seen.append(head + await reader.readexactly(int(length or 0)))
            answer = self.answers.pop(0)
            if answer is None:
                break
            writer.write(answer)
            if b"close" in answer or (answer and b"Length" not in answer and b"chunked" not in answer):
                break
            if not answer:
                await reader.read()
        writer.close()


def run(server: Scripted, body: Callable[[Connections], Coroutine[Any, Any, None]], timeout: float = 5.0) -> None:
    async def main() -> None:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        pool = Connections(f"http://127.0.0.1:{port}/below", timeout)
        try:
            await body(pool)
        finally:
            await pool.aclose()
            listener.close()

    asyncio.run(main())


def test_requests_follow_each_other_on_one_connection() -> None:
    chunked = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
    server = Scripted(OK, chunked, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n")

    async def body(pool: Connections) -> None:
        first = await pool.request("GET", "/a", {"X-A": "b"})
        second = await pool.request("POST", "/c", {}, b"{}")
        assert (first.status_code, first.json(), second.status_code, second.json()) == (200, {}, 500, [1, 2])
        assert (await pool.request("GET", "/d", {})).status_code == 304

    run(server, body)
    assert server.connections == 1
    assert server.seen[0].startswith(b"GET /below/a HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.seen[0].endswith(b"\r\nX-A: b\r\n\r\n")
    assert server.seen[1].endswith(b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    "closing", [b"HTTP/1.0 200 OK\r\n\r\n[7]", OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)]
)
def test_a_connection_that_is_closed_is_replaced(closing: bytes) -> None:
    server = Scripted(closing, OK)

    async def body(pool: Connections) -> None:
        assert (await pool.request("GET", "/", {})).json() in ([7], {})
        assert (await pool.request("GET", "/", {})).json() == {}

    run(server, body)
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "closed"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{}", "closed"),
        (b"", "nothing came"),
    ],
)
def test_an_answer_that_does_not_come_whole_is_lost(answer: bytes | None, why: str) -> None:
    server = Scripted(answer, OK)

    async def body(pool: Connections) -> None:
        with pytest.raises(LostError, match=why):
            await pool.request("GET", "/", {})
        assert (await pool.request("GET", "/", {})).json() == {}

    run(server, body, timeout=0.2)
    assert server.connections == 2


def test_what_is_too_large_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_ANSWER", 1)

    async def body(pool: Connections) -> None:
        with pytest.raises(LostError, match="too large"):
            await pool.request("GET", "/", {})

    run(Scripted(OK), body)


def test_nobody_there_and_no_room_are_no_lost_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 1)

    async def body(pool: Connections) -> None:
        waiting = asyncio.create_task(pool.request("GET", "/", {}))
        await asyncio.sleep(0)
        with pytest.raises(UnreachableError, match="wait for an answer"):
            await pool.request("GET", "/", {})
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(UnreachableError):
            await Connections("http://127.0.0.1:1", 1.0).request("GET", "/", {})

    run(Scripted(b""), body, timeout=0.1)


LISTS = [
    ('{"jobs": [{"job_id": 1}, {"job_id": 2, "name": "\\"jobs\\": [ ] }\u00e9"}], "errors": []}', [1, 2]),
    ('{"errors": [], "meta": {"a": [1]}, "jobs": [ ]}', []),
    ('{"errors": [], "jobs" : [{"job_id": 1, "tres": {"a": [{}]}}\n,\n{"job_id": 3}\n]\n}', [1, 3]),
    ('{"errors": []}', None),
]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(("text", "found"), LISTS)
def test_a_list_is_read_as_it_comes(text: str, found: list[int] | None, size: int) -> None:
    entries, content = Entries("jobs", lambda raw: job_record(raw).job_id), text.encode()
    for at in range(0, len(content), size):
        entries.feed(content[at : at + size])
    said = Reply(200, b"", entries).json()
    assert said.get("jobs") == found
    assert said["errors"] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        '{"jobs": [{"job_id": 1}',
        '{"jobs": [{"job_id": 1}, {"job_i',
        '{"jobs": [7]}',
        '{"jobs": [7]} x',
        '{"jobs": []} x',
        '{"jobs": [{"job_id": 1}} "errors": []}',
    ],
)
def test_a_list_that_is_cut_short_or_spoilt_is_no_list(text: str) -> None:
    entries = Entries("jobs", job_record)
    for character in text:
        entries.feed(character.encode())
    with pytest.raises(ValueError, match=r"JSON|Expecting|Extra|read|Unterminated"):
        Reply(200, b"", entries).json()


def test_of_a_list_no_more_is_kept_than_what_was_made_of_it() -> None:
    entries, entry = Entries("jobs", lambda raw: raw["job_id"]), b'{"job_id": 1, "name": "%s"}, ' % (b"x" * 10_000)
    entries.feed(b'{"jobs": [')
    tracemalloc.start()
    for _ in range(1000):
        entries.feed(entry)
    size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 100_000
    assert peak < 300_000
    entries.feed(b"]}")
    assert entries.end() == {"jobs": [1] * 1000}


@pytest.mark.parametrize(
    "text", [b"x" * 200, b'{"jobs": [{"name": "' + b"x" * 200, b'{"jobs": [], "more": "' + b"x" * 200]
)
def test_what_is_no_entry_has_a_bound(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(listing, "MAX_REST", 100)
    entries = Entries("jobs", job_record)
    entries.feed(text)
    entries.feed(b"more")
    with pytest.raises(ValueError, match="too long"):
        entries.end()


def test_the_body_of_an_error_is_kept_and_that_of_a_list_is_not() -> None:
    said = b'{"jobs": [{"job_id": 7}], "errors": []}'
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n"
    server = Scripted(head % (200, len(said)) + said, head % (500, len(said)) + said)

    async def body(pool: Connections) -> None:
        good = await pool.request("GET", "/", {}, None, Entries("jobs", lambda raw: raw["job_id"]))
        bad = await pool.request("GET", "/", {}, None, Entries("jobs", lambda raw: raw["job_id"]))
        assert (good.json()["jobs"], good.content) == ([7], b"")
        assert bad.content == said
        assert bad.json()["jobs"] == [{"job_id": 7}]

    run(server, body)
