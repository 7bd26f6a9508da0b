"""Text in file objects: the same as the standard library makes of the same bytes, on every face."""

from __future__ import annotations

import io
import os

import pytest

from mock_server import MockServer
from tests.support.faces import Face

MIXED = "one\ntwo\r\nthree\rgrün 🚀\r\n\n" + "x" * 70_000 + "\r\nend"
NEWLINES = [None, "", "\n", "\r", "\r\n"]
ENCODINGS = ["utf-8", "utf-16", "utf-8-sig", "utf-32-le"]


def standard(data: bytes, encoding: str, newline: str | None) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding, "strict", newline)


@pytest.mark.parametrize("newline", NEWLINES)
@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_it_reads_lines(encoding: str, newline: str | None, face: Face, server: MockServer) -> None:
    data = MIXED.encode(encoding)
    server.storage.put("/f", data)
    async with face.client(server.url) as client:
        async with await client.storage.open("/f", "r", encoding=encoding, newline=newline) as file:
            assert [line async for line in file] == list(standard(data, encoding, newline))
            assert await file.readline() == await file.read() == await file.read(3) == ""
            await file.seek(0)
            wanted = standard(data, encoding, newline)
            assert await file.readline() == wanted.readline()
            assert await file.read(1) == wanted.read(1)


@pytest.mark.parametrize("newline", NEWLINES)
async def test_it_reads_characters(newline: str | None, face: Face, server: MockServer) -> None:
    server.storage.put("/f", MIXED.encode())
    async with face.client(server.url) as client:
        wanted = standard(MIXED.encode(), "utf-8", newline)
        async with await client.storage.open("/f", "r", newline=newline) as file:
            assert file.encoding == "utf-8"
            for size in (1, 5, 0, 3, 10, 40_000, -1, 4):
                assert await file.read(size) == wanted.read(size)


async def test_a_line_end_between_two_chunks_is_one(face: Face, server: MockServer) -> None:
    text = "x" * ((64 << 10) - 1) + "\r\n" + "y"
    server.storage.put("/f", text.encode())
    async with face.client(server.url) as client:
        for newline, first in ((None, "x\n"), ("", "x\r\n"), ("\r\n", "x\r\n"), ("\n", "x\r\n")):
            async with await client.storage.open("/f", "r", newline=newline) as file:
                assert (await file.readline()).endswith(first)
                assert await file.readline() == "y"


async def test_bytes_that_are_no_text_are_an_error_or_replaced(face: Face, server: MockServer) -> None:
    server.storage.put("/f", b"a\xffb\xc3")
    async with face.client(server.url) as client:
        async with await client.storage.open("/f", "r") as file:
            with pytest.raises(UnicodeDecodeError):
                await file.read()
        async with await client.storage.open("/f", "r", errors="replace") as file:
            assert await file.read(9) == "a\ufffdb\ufffd"


@pytest.mark.parametrize("newline", NEWLINES)
@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_it_writes(encoding: str, newline: str | None, face: Face, server: MockServer) -> None:
    wanted = io.TextIOWrapper(io.BytesIO(), encoding, "strict", newline)
    async with face.client(server.url) as client:
        async with await client.storage.open("/f", "w", encoding=encoding, newline=newline) as file:
            for text in ("one\ntwo", "\r\n", "", "grün\n"):
                assert await file.write(text) == len(text)
                wanted.write(text)
        assert (file.mode, file.name) == ("w", "/f")
        assert file.stored.content_type
    wanted.flush()
    assert server.storage.read("/f") == wanted.buffer.getvalue()  # type: ignore[attr-defined]
    assert os.linesep == "\n" or newline is not None or b"\r\n" in server.storage.read("/f")


async def test_a_character_that_cannot_be_written_stores_nothing(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(UnicodeEncodeError):
            async with await client.storage.open("/f", "w", encoding="ascii") as file:
                await file.write("fine")
                await file.write("grün")
    assert server.storage.files() == {}


async def test_text_only_goes_back_to_the_beginning_when_awaited(face: Face, server: MockServer) -> None:
    server.storage.put("/f", b"text")
    if face.is_blocking:
        pytest.skip("the standard library can do more")
    async with face.client(server.url) as client, await client.storage.open("/f", "r") as file:
        with pytest.raises(io.UnsupportedOperation, match="binary mode"):
            await file.seek(2)
    assert file.closed
