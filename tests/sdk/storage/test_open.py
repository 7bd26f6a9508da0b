"""File objects that read: what the standard library promises, from one version of a remote file, a block at a time."""

from __future__ import annotations

import io
import os
import threading
from typing import Any

import pytest

import vantage_sdk
from mock_server import MockServer
from tests.support.depot import Answer, Depot, ranged
from tests.support.faces import Face
from tests.support.scripted import Request, ScriptedServer
from vantage_sdk import ResourceNotFoundError, ValidationError, VantageClient
from vantage_sdk.core.io.turns import Over
from vantage_sdk.core.transfer.file_reading import Ahead

LINES = b"".join(b"line %d\n" % number for number in range(200_000))
KIB = 1 << 10


@pytest.fixture
def depot() -> Depot:
    return Depot(LINES)


def spans(depot: Depot) -> list[tuple[int, int]]:
    """Return the first byte and the number of bytes of every range that was asked for."""
    found = [(text or f"bytes=0-{len(depot.content) - 1}").removeprefix("bytes=").split("-") for text in depot.ranges]
    return [(int(first), int(last) - int(first) + 1) for first, last in found]


async def test_it_reads_seeks_and_tells(face: Face, depot: Depot) -> None:
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            assert (file.name, file.mode, file.size) == ("/f", "rb", len(LINES))
            assert await file.read(10) == LINES[:10]
            assert await file.tell() == 10
            assert await file.seek(-5, os.SEEK_END) == len(LINES) - 5
            assert await file.read() == LINES[-5:]
            assert await file.read() == await file.read(3) == await file.readline() == b""
            assert await file.seek(100_000) == 100_000
            assert await file.seek(7, os.SEEK_CUR) == 100_007
            room = bytearray(9000)
            assert await file.readinto(room) == 9000
            assert room == LINES[100_007:109_007]
            with pytest.raises(ValueError):
                await file.seek(-1)
            with pytest.raises(ValueError):
                await file.seek(0, 3)
            assert await file.seek(len(LINES) + 9) == len(LINES) + 9
            assert await file.read(1) == b""


async def test_all_of_it_comes_in_one_answer(face: Face, depot: Depot) -> None:
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            assert await file.read() == LINES
    assert depot.ranges == [None]


async def test_the_rest_is_asked_for_once(face: Face, depot: Depot) -> None:
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            assert await file.readline() + await file.read() == LINES
    assert spans(depot) == [(0, 256 * KIB), (256 * KIB, len(LINES) - 256 * KIB)]


async def test_lines_come_one_by_one(face: Face, depot: Depot) -> None:
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f", block_size=300 * KIB) as file:
            assert b"".join([line async for line in file]) == LINES


async def test_blocks_grow_and_fit_together(face: Face, depot: Depot) -> None:
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f", block_size=512 * KIB) as file:
            found = b""
            while data := await file.read(100_000):
                found += data
    assert found == LINES
    asked = sorted(spans(depot))
    assert [size for _, size in asked[:3]] == [256 * KIB, 512 * KIB, 512 * KIB]
    assert sum(size for _, size in asked) == len(LINES)
    assert [first for first, _ in asked[1:]] == [first + size for first, size in asked[:-1]]


async def test_after_a_jump_only_that_is_fetched_until_it_goes_on(face: Face, depot: Depot) -> None:
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            for place in (1_000_000, 50_000, 700_000):
                await file.seek(place)
                assert await file.read(20_000) == LINES[place : place + 20_000]
            assert len(depot.ranges) == 3
            assert all(size <= 20_000 + 2 * io.DEFAULT_BUFFER_SIZE for _, size in spans(depot))
            assert await file.read(50_000) == LINES[720_000:770_000]
    assert spans(depot)[3][1] == 256 * KIB


async def test_a_jump_calls_off_what_is_on_its_way(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    go, dropped = threading.Event(), list[Ahead]()
    drop = Ahead.drop
    monkeypatch.setattr(Ahead, "drop", lambda ahead: (dropped.append(ahead), drop(ahead)))
    over = Over.__exit__
    monkeypatch.setattr(Over, "__exit__", lambda *args: (threading.Event().wait(0.1), over(*args))[1])  # a busy machine

    def slow_from_the_second(depot: Depot, request: Request, content: bytes) -> Answer:
        if (request.header("range") or "").startswith(f"bytes={512 * KIB}-"):
            go.wait(60)  # longer than the test may take
        return ranged(depot, request, content)

    with ScriptedServer(Depot(LINES, slow_from_the_second)) as server:
        async with face.client(server.url) as client, await client.storage.open("/f", block_size=256 * KIB) as file:
            await file.read(300 * KIB)
            await file.seek(1_500_000)
            assert await file.read(10) == LINES[1_500_000:1_500_010]
            assert [ahead.start for ahead in dropped] == [512 * KIB]
        assert not face.is_blocking or dropped[0].over.passed
        go.set()


async def test_an_empty_file_needs_no_request(face: Face) -> None:
    depot = Depot(b"")
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            assert await file.read() == await file.read(5) == await file.readline() == b""
    assert depot.ranges == []


async def test_a_closed_file_says_so(face: Face, depot: Depot) -> None:
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client:
            file = await client.storage.open("/f")
            await file.aclose()
            await file.aclose()
            assert file.closed
            for call in (file.read, file.readline, file.tell, lambda: file.seek(0)):
                with pytest.raises(ValueError):
                    await call()


async def test_what_is_there_is_opened_by_path_and_by_id(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(ResourceNotFoundError):
            await client.storage.open("/f")
        stored = await client.storage.upload_bytes(b"content", "/f")
        for name in ("/f", stored.id):
            async with await client.storage.open(name) as file:
                assert await file.read() == b"content"


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("a", {}),
        ("ab", {}),
        ("r+", {}),
        ("rt", {}),
        ("", {}),
        ("rb", {"encoding": "latin-1"}),
        ("rb", {"newline": ""}),
        ("r", {"newline": "x"}),
        ("rb", {"content_type": "text/plain"}),
        ("rb", {"block_size": 0}),
        ("wb", {"content_type": "nonsense\r\n"}),
    ],
)
async def test_what_makes_no_sense_is_refused(mode: str, options: dict[str, Any], face: Face) -> None:
    with ScriptedServer([]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(ValueError):
                await client.storage.open("/f", mode, **options)
            with pytest.raises(TypeError, match="'blocksize'"):
                await client.storage.open("/f", blocksize=3)
            with pytest.raises(LookupError):
                await client.storage.open("/f", "r", encoding="klingon")
            with pytest.raises(TypeError, match="open streams its answer, so it has no raw form"):
                _ = client.with_raw.storage.open


@pytest.mark.parametrize("mode", ["rb", "r", "wb", "xb", "w", "x"])
async def test_what_is_opened_can_be_named(mode: str, face: Face, server: MockServer) -> None:
    server.storage.put("/f", b"content")
    async with face.client(server.url) as client:
        file = await client.storage.open("/f" if "x" not in mode else "/new", mode)
        kind = type(file.blocking if face.is_blocking else file)
        await file.aclose()
    assert kind is io.TextIOWrapper or getattr(vantage_sdk, kind.__name__) is kind
    assert kind is not io.TextIOWrapper or (mode, face.name) == ("r", "blocking")


def test_a_reader_is_one_of_the_standard_library(server: MockServer) -> None:
    server.storage.put("/f", LINES)
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        with client.storage.open("/f") as file:
            assert isinstance(file, io.BufferedReader)
            assert isinstance(file.raw, io.RawIOBase)
            assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
            assert file.peek(4)[:4] == LINES[:4]
            assert file.readlines(30) == [b"line %d\n" % number for number in range(5)]
            with pytest.raises(io.UnsupportedOperation):
                file.write(b"x")
            with pytest.raises(TypeError):
                __import__("pickle").dumps(file)
        with client.storage.open("/f", "r") as text:
            assert isinstance(text, io.TextIOWrapper)
            assert (text.mode, text.name) == ("r", "/f")  # type: ignore[attr-defined]


def test_threads_read_one_after_another(server: MockServer) -> None:
    server.storage.put("/f", LINES)
    found: list[bytes] = []

    def read(file: Any) -> None:
        while data := file.read(10_000):
            found.append(data)

    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        with client.storage.open("/f", block_size=256 * KIB) as file:
            threads = [threading.Thread(target=read, args=(file,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert sorted(found) == sorted(LINES[place : place + 10_000] for place in range(0, len(LINES), 10_000))


async def test_a_refusal_while_reading_is_that_of_the_server(face: Face, server: MockServer) -> None:
    server.storage.put("/f", LINES)
    server.faults.set("GET /v1/storage/files/*/download: 400")
    async with face.client(server.url) as client, await client.storage.open("/f") as file:
        with pytest.raises(ValidationError):
            await file.read()


def test_a_block_on_its_way_is_not_waited_for_in_a_forked_process(depot: Depot) -> None:
    with ScriptedServer(depot) as server, VantageClient("your-api-key", server.url, trust_env=False) as client:
        with client.storage.open("/f", block_size=256 * KIB) as file:
            begun = file.read(300 * KIB)
            reading = file.raw.reading  # type: ignore[attr-defined]
            ahead = reading._ahead
            reading.after_fork()
            assert begun + file.read() == LINES
            ahead.drop()
