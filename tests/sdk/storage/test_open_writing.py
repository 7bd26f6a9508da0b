"""File objects that write: stored when they are closed, and never by half."""

from __future__ import annotations

import gc
import hashlib
import io
import warnings
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.content import LARGE
from tests.support.faces import Face
from vantage_sdk import AsyncVantageClient, ConflictError, ServerError, TransferError, VantageClient
from vantage_sdk.testing import instant_retries


async def test_it_is_there_once_it_is_closed(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        async with await client.storage.open("/a/b.txt", "wb", content_type="text/x-own") as file:
            assert await file.write(b"hello ") == 6
            assert await file.write(memoryview(b"world")) == 5
            assert await file.tell() == 11
            assert server.storage.files() == {}
            assert file.stored is None
        assert file.stored.path == "/a/b.txt"
        assert file.stored.size == 11
        assert file.stored.checksum == f"sha256:{hashlib.sha256(b'hello world').hexdigest()}"
        assert file.stored.content_type == "text/x-own"
        assert server.storage.read("/a/b.txt") == b"hello world"


async def test_a_large_one_goes_in_pieces(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        async with await client.storage.open("/large", "wb") as file:
            for place in range(0, len(LARGE), 3_000_001):
                await file.write(LARGE[place : place + 3_000_001])
            assert len(server.storage.uploads()) == 1
        assert file.stored.size == len(LARGE)
    assert server.storage.read("/large") == LARGE
    assert {record.method for record in server.journal} >= {"PATCH"}


async def test_one_large_write_is_the_same(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client, await client.storage.open("/large", "wb") as file:
        assert await file.write(LARGE) == len(LARGE)
    assert server.storage.read("/large") == LARGE


async def test_w_replaces_and_x_refuses(face: Face, server: MockServer) -> None:
    server.storage.put("/f", b"old")
    async with face.client(server.url) as client:
        async with await client.storage.open("/f", "wb") as file:
            await file.write(b"new")
        assert server.storage.read("/f") == b"new"
        with pytest.raises(ConflictError, match="/f exists"):
            await client.storage.open("/f", "xb")
        async with await client.storage.open("/g", "x") as file:
            await file.write("text")
        assert server.storage.read("/g") == b"text"


@pytest.mark.parametrize("size", [5, len(LARGE)])
@pytest.mark.parametrize("mode", ["wb", "w"])
async def test_an_exception_in_the_block_stores_nothing(mode: str, size: int, face: Face, server: MockServer) -> None:
    server.storage.put("/f", b"old")
    async with face.client(server.url) as client:
        with pytest.raises(RuntimeError, match="stop"):
            async with await client.storage.open("/f", mode) as file:
                await file.write(LARGE[:size] if mode == "wb" else "x" * size)
                raise RuntimeError("stop")
        assert file.closed
        assert file.stored is None
        await file.aclose()
    assert server.storage.files() == {"/f": 3}
    assert server.storage.uploads() == []


async def test_it_can_be_abandoned(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        async with await client.storage.open("/f", "wb") as file:
            await file.write(LARGE)
            await file.abandon()
        await file.abandon()
    assert server.storage.files() == {}
    assert server.storage.uploads() == []


async def test_closing_twice_is_fine_and_writing_after_it_is_not(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        file = await client.storage.open("/f", "wb")
        await file.write(b"x")
        await file.aclose()
        await file.aclose()
        await file.abandon()
        with pytest.raises(ValueError):
            await file.write(b"y")
    assert server.storage.read("/f") == b"x"
    assert [record.method for record in server.journal].count("POST") == 1


@pytest.mark.parametrize("mode", ["xb", "x"])
async def test_an_error_of_close_is_raised_once(mode: str, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        file = await client.storage.open("/f", mode)
        await file.write(b"x" if mode == "xb" else "x")
        server.storage.put("/f", b"somebody else's")
        with pytest.raises(ConflictError):
            await file.aclose()
        assert file.closed
        await file.aclose()
        assert file.stored is None
    assert server.storage.read("/f") == b"somebody else's"


@pytest.mark.parametrize("mode", ["wb", "w"])
async def test_a_failed_write_cannot_be_closed_away(mode: str, face: Face, server: MockServer) -> None:
    server.faults.set("PATCH /v1/storage/uploads/*: 500*99")
    data: Any = LARGE if mode == "wb" else "x" * len(LARGE)
    with instant_retries():
        async with face.client(server.url) as client:
            file = await client.storage.open("/f", mode)
            with pytest.raises(ServerError):
                await file.write(data)
            with pytest.raises(TransferError, match="/f was not stored, because writing it failed before"):
                await file.write(data)
                await file.write(data)
            with pytest.raises(TransferError, match="not stored") as caught:
                await file.aclose()
            assert isinstance(caught.value.__cause__, ServerError)
            assert file.closed
            await file.aclose()
    assert server.storage.files() == {}
    assert server.storage.uploads() == []


@pytest.mark.parametrize("mode", ["wb", "w"])
async def test_a_block_that_fails_raises_what_failed(mode: str, face: Face, server: MockServer) -> None:
    server.faults.set("PATCH /v1/storage/uploads/*: 500*99")
    with instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(ServerError):
                async with await client.storage.open("/f", mode) as file:
                    await file.write(LARGE if mode == "wb" else "x" * len(LARGE))
    assert server.storage.files() == {}


@pytest.mark.parametrize("size", [5, len(LARGE)])
@pytest.mark.parametrize("mode", ["wb", "w"])
async def test_a_lost_file_is_not_stored(mode: str, size: int, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        file = await client.storage.open("/f", mode)
        await file.write(LARGE[:size] if mode == "wb" else "x" * size)
        with pytest.warns(ResourceWarning, match="/f was never closed, so it was not stored"):  # noqa: PT031
            del file
            gc.collect()
    assert server.storage.files() == {}


@pytest.mark.parametrize("mode", ["wb", "w"])
async def test_a_lost_file_in_a_cycle_is_not_stored_either(mode: str, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        file = await client.storage.open("/f", mode)
        await file.write(b"x" if mode == "wb" else "x")
        holder = [file]
        holder.append(holder)
        with pytest.warns(ResourceWarning):  # noqa: PT031
            del file, holder
            gc.collect()
    assert server.storage.files() == {}


@pytest.mark.parametrize("mode", ["wb", "w"])
async def test_what_is_left_to_close_may_fail(mode: str, face: Face, server: MockServer) -> None:
    server.faults.set("PATCH /v1/storage/uploads/*: 500*")
    with instant_retries():
        async with face.client(server.url) as client:
            file = await client.storage.open("/f", mode)
            await file.write(LARGE[: 8 << 20] if mode == "wb" else "x" * (8 << 20))
            with pytest.raises(ServerError):
                await file.write(b"more" if mode == "wb" else "more")  # an awaited one sends at once
                await file.aclose()
            await file.abandon()
            assert file.closed
            await file.aclose()
    assert server.storage.files() == {}
    assert server.storage.uploads() == []


async def test_a_server_without_resumable_uploads_gets_one_form(face: Face) -> None:
    with MockServer(world="empty", rate_limits=False) as server:
        server.faults.set("OPTIONS *: 404*9")
        async with face.client(server.url) as client:
            async with await client.storage.open("/large", "wb") as file:
                await file.write(LARGE)
            with pytest.raises(RuntimeError):
                async with await client.storage.open("/other", "wb") as file:
                    await file.write(LARGE)
                    raise RuntimeError
        assert server.storage.read("/large") == LARGE
        assert [*server.storage.files()] == ["/large"]


async def test_a_path_is_checked_before_anything_is_sent(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        for path in ("no-slash", "/a//b", "/a/", "/"):
            with pytest.raises(ValueError):
                await client.storage.open(path, "wb")
    assert server.journal == []


def test_a_writer_is_one_of_the_standard_library(server: MockServer) -> None:
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        with client.storage.open("/f", "wb") as file:
            assert isinstance(file, io.BufferedWriter)
            assert isinstance(file.raw, io.RawIOBase)
            assert (file.writable(), file.readable(), file.seekable()) == (True, False, False)
            file.writelines([b"a", b"b"])
            file.flush()
            with pytest.raises(io.UnsupportedOperation):
                file.read()
            with pytest.raises(io.UnsupportedOperation):
                file.seek(0)
        for closed in (file, file.raw):
            with pytest.raises(ValueError):
                closed.write(b"c")
        with client.storage.open("/g", "wb") as file, io.TextIOWrapper(file, "utf-16") as text:
            text.write("wide")
        assert server.storage.read("/g").decode("utf-16") == "wide"
        text_file = client.storage.open("/h", "w")
        assert not text_file.seekable()
        binary = text_file.detach()
        del text_file
        binary.write(b"kept")
        binary.close()
    assert server.storage.files() == {"/f": 2, "/g": 8, "/h": 4}


def test_a_cancelled_block_leaves_nothing_at_the_server(server: MockServer) -> None:
    import trio

    async def main() -> None:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False) as client:
            with trio.CancelScope() as scope:
                async with await client.storage.open("/f", "wb") as file:
                    await file.write(LARGE)
                    scope.cancel()
                    await trio.lowlevel.checkpoint()
            assert scope.cancelled_caught

    trio.run(main)
    assert server.storage.files() == {}
    assert server.storage.uploads() == []


def test_a_file_that_is_closed_while_it_is_cancelled_is_not_stored(server: MockServer) -> None:
    import trio

    async def main() -> None:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False) as client:
            with trio.CancelScope() as scope:
                async with await client.storage.open("/f", "wb") as file:
                    await file.write(b"x")
                    scope.cancel()
            assert file.closed
            assert file.stored is None

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trio.run(main)
    assert server.storage.files() == {}
