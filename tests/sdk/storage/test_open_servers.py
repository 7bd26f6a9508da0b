"""File objects that read from servers that are wrong, change their minds, or can do less."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from tests.sdk.test_download_ranges import cut_after
from tests.support.depot import Answer, Depot, etag_of, ranged, whole
from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer
from vantage_sdk import IntegrityError, TransferError, ValidationError
from vantage_sdk.testing import instant_retries

LINES = b"".join(b"line %d\n" % number for number in range(200_000))
KIB = 1 << 10


def damaged(depot: Depot, request: Request, content: bytes) -> Answer:
    """Send one wrong byte."""
    reply: Any = ranged(depot, request, content)
    return type(reply)(reply.status, b"?" + reply.body[1:], reply.headers)


@pytest.mark.parametrize("after", [1, 2])
async def test_a_file_that_is_replaced_is_never_mixed(after: int, face: Face) -> None:
    other = LINES.upper()

    def replaced(depot: Depot, request: Request, _: bytes) -> Answer:
        depot.content = other
        return ranged(depot, request, other)

    with ScriptedServer(Depot(LINES, *[ranged] * after, replaced)) as server, instant_retries():
        async with face.client(server.url) as client, await client.storage.open("/f", block_size=256 * KIB) as file:
            found = b""
            with pytest.raises(TransferError, match="/f was replaced while it was read"):
                while data := await file.read(64 * KIB):
                    found += data
            assert LINES.startswith(found)
            assert found
            await file.seek(0)
            with pytest.raises(TransferError, match="replaced"):
                await file.read()


async def test_a_failure_passes(face: Face) -> None:
    with ScriptedServer(Depot(LINES, cut_after(1000), ranged, cut_after(99), ranged)) as server, instant_retries():
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            assert await file.read(400 * KIB) + await file.read() == LINES


async def test_wrong_bytes_are_noticed_at_the_end(face: Face) -> None:
    with ScriptedServer(Depot(LINES, ranged, damaged, ranged)) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            with pytest.raises(IntegrityError, match="sha256"):
                while await file.read(200 * KIB):
                    pass


@pytest.mark.parametrize("pinned", [True, False])
async def test_a_server_without_ranges_sends_it_once(pinned: bool, face: Face) -> None:
    depot = Depot(LINES, whole, pinned=pinned)
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            await file.seek(5000)
            assert await file.read(300 * KIB) == LINES[5000 : 5000 + 300 * KIB]
            await file.seek(0)
            assert await file.read() == LINES
    assert len(depot.ranges) == 2


@pytest.mark.parametrize("part", [-1, 1000])
async def test_without_entity_tags_nothing_is_mixed_either(part: int, face: Face) -> None:
    depot = Depot(LINES, pinned=False, digest=False)
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            first = await file.read(part)
            depot.content = LINES.upper()
            await file.seek(0)
            assert (await file.read())[: len(first)] == first
            await file.seek(1_000_000)
            assert await file.read(5) == LINES[1_000_000:1_000_005]


@pytest.mark.parametrize("read", [100 * KIB, -1])
async def test_ranges_that_end_midway_are_an_error(read: int, face: Face) -> None:
    with ScriptedServer(Depot(LINES, ranged, ranged, whole)) as server:
        async with face.client(server.url) as client, await client.storage.open("/f", block_size=256 * KIB) as file:
            found = await file.read(300 * KIB)
            with pytest.raises(TransferError, match="the server sends /f only as a whole; download it instead"):
                while data := await file.read(read):
                    found += data
            assert LINES.startswith(found)


async def test_a_jump_to_a_server_that_has_no_ranges_any_more_is_an_error(face: Face) -> None:
    with ScriptedServer(Depot(LINES, ranged, whole)) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            await file.read(10)
            await file.seek(1_000_000)
            with pytest.raises(TransferError, match="only as a whole"):
                await file.read(10)


async def test_what_is_on_its_way_is_part_of_the_rest(face: Face) -> None:
    depot = Depot(LINES)
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f", block_size=256 * KIB) as file:
            assert await file.read(300 * KIB) + await file.read() == LINES
    assert len(depot.ranges) == 4


async def test_a_wrong_whole_is_noticed_before_anything_is_read(face: Face) -> None:
    def wrong(depot: Depot, request: Request, content: bytes) -> Answer:
        return type(whole(depot, request, content))(200, b"?" + content[1:], depot.headers(content))  # type: ignore[call-arg]

    with ScriptedServer(Depot(LINES, wrong)) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            await file.seek(5)
            with pytest.raises(IntegrityError):
                await file.read(5)


async def test_a_file_without_a_size_is_not_opened(face: Face) -> None:
    class Sizeless(Depot):
        def file(self, path: str) -> dict[str, Any]:
            return {name: value for name, value in super().file(path).items() if name != "size"}

    with ScriptedServer(Sizeless(LINES)) as server:
        async with face.client(server.url) as client:
            with pytest.raises(TransferError, match="does not tell how large /f is; download it instead"):
                await client.storage.open("/f")


async def test_a_reader_may_be_lost(face: Face) -> None:
    with ScriptedServer(Depot(LINES)) as server:
        async with face.client(server.url) as client:
            file = await client.storage.open("/f", block_size=256 * KIB)
            await file.read(300 * KIB)
            del file
            gc.collect()
            async with await client.storage.open("/f") as file:
                assert await file.read() == LINES


async def test_a_block_that_failed_on_its_way_can_be_read_again(face: Face) -> None:
    def refused(depot: Depot, request: Request, content: bytes) -> Answer:
        return Json(400, {"error": "bad_request", "message": "not now"})

    with ScriptedServer(Depot(LINES, ranged, ranged, refused, ranged)) as server:
        async with face.client(server.url) as client, await client.storage.open("/f", block_size=256 * KIB) as file:
            found = b""
            with pytest.raises(ValidationError, match="not now"):
                while True:
                    found += await file.read(64 * KIB)
            assert len(found) == 512 * KIB
            assert found + await file.read() == LINES


async def test_the_first_answer_may_be_the_one_that_names_the_version(face: Face) -> None:
    class Terse(Depot):
        def file(self, path: str) -> dict[str, Any]:
            return {name: value for name, value in super().file(path).items() if name not in ("etag", "checksum")}

    depot = Terse(LINES)
    with ScriptedServer(depot) as server:
        async with face.client(server.url) as client, await client.storage.open("/f") as file:
            assert await file.read(10) == LINES[:10]
            await file.seek(1_000_000)
            assert await file.read(10) == LINES[1_000_000:1_000_010]
            assert [request.header("if-range") for request in depot.asked] == [None, etag_of(LINES)]
            depot.content = LINES.upper()
            await file.seek(0)
            with pytest.raises(TransferError, match="replaced"):
                await file.read()
