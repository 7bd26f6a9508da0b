"""Downloads from servers that are right, wrong, or change their minds: the file is right in the end, or untouched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.depot import Answer, Depot, etag_of, ranged, whole
from tests.support.faces import Face
from tests.support.scripted import Chunked, CutAt, Json, Reply, Request, ScriptedServer, UntilClose, WrongLength
from vantage_sdk import IntegrityError, TransferError, VantageConnectionError
from vantage_sdk.testing import instant_retries

CONTENT = bytes(range(256)) * 40
OLD = b"what was here before"


def cut_after(count: int) -> Any:
    """Break the connection after so many bytes of the body."""

    def rule(depot: Depot, request: Request, content: bytes) -> Answer:
        reply: Any = ranged(depot, request, content)
        head = reply.encode("GET").partition(b"\r\n\r\n")[0]
        return CutAt(len(head) + 4 + count, reply)

    return rule


def sliced_200(depot: Depot, request: Request, content: bytes) -> Answer:
    """Send the slice that was asked for, but call it 200."""
    reply: Any = ranged(depot, request, content)
    return Reply(200, reply.body, reply.headers)


def nowhere(depot: Depot, request: Request, content: bytes) -> Answer:
    """Send a part that does not say where it belongs."""
    return Reply(206, content[1:], depot.headers(content))


def replaced_by(content: bytes) -> Any:
    """Put another file in the place of the one there, then answer."""

    def rule(depot: Depot, request: Request, _: bytes) -> Answer:
        depot.content = content
        return ranged(depot, request, content)

    return rule


def corrupted(depot: Depot, request: Request, content: bytes) -> Answer:
    """Send one wrong byte."""
    damaged = bytes([content[0] ^ 1]) + content[1:]
    return Reply(200, damaged, depot.headers(content))


def encoded(depot: Depot, request: Request, content: bytes) -> Answer:
    """Send the file in an encoding that was not asked for."""
    import gzip

    return Reply(200, gzip.compress(content), [*depot.headers(content).items(), ("Content-Encoding", "gzip")])


def close_delimited(cut: int | None) -> Any:
    def rule(depot: Depot, request: Request, content: bytes) -> Answer:
        return UntilClose(Reply(200, content, depot.headers(content)), cut)

    return rule


def wrong_length(delta: int) -> Any:
    def rule(depot: Depot, request: Request, content: bytes) -> Answer:
        return WrongLength(Reply(200, content, depot.headers(content)), delta)

    return rule


def status(code: int) -> Any:
    return lambda depot, request, content: Json(code, {"error": "internal_error", "message": "no"})


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(OLD)
    return path


async def fetch(face: Face, depot: Depot, target: Path, **options: Any) -> None:
    with ScriptedServer(depot) as server, instant_retries():
        async with face.client(server.url, **options) as client:
            assert await client.storage.download("/f", target) == target


def left_of(target: Path) -> list[str]:
    return sorted(os.listdir(target.parent))


@pytest.mark.parametrize(
    ("rules", "ranges"),
    [
        ([ranged], [None]),
        ([cut_after(0), ranged], [None, None]),
        ([cut_after(1), ranged], [None, "bytes=1-10239"]),
        ([cut_after(10239), ranged], [None, "bytes=10239-10239"]),
        ([cut_after(100), cut_after(100), ranged], [None, "bytes=100-10239", "bytes=200-10239"]),
        ([cut_after(100), whole], [None, "bytes=100-10239"]),
        ([cut_after(100), sliced_200], [None, "bytes=100-10239"]),
        ([cut_after(100), nowhere, ranged], [None, "bytes=100-10239", "bytes=100-10239"]),
        ([status(503), ranged], [None, None]),
        ([cut_after(7), status(500), status(502), ranged], [None, *["bytes=7-10239"] * 3]),
        ([close_delimited(None)], [None]),
        ([close_delimited(100), ranged], [None, "bytes=100-10239"]),
        ([wrong_length(3), ranged], [None, None]),
        ([wrong_length(-3), ranged], [None, None]),
        ([corrupted, ranged], [None, None]),
    ],
)
async def test_a_file_arrives_whole(rules: list[Any], ranges: list[str | None], face: Face, target: Path) -> None:
    depot = Depot(CONTENT, *rules)
    await fetch(face, depot, target)
    assert target.read_bytes() == CONTENT
    assert depot.ranges == ranges
    assert left_of(target) == ["file.bin"]


@pytest.mark.parametrize("count", range(40))
async def test_a_small_file_survives_a_cut_at_every_byte(count: int, face: Face, target: Path) -> None:
    depot = Depot(CONTENT[:40], cut_after(count), ranged)
    await fetch(face, depot, target)
    assert target.read_bytes() == CONTENT[:40]
    assert len(depot.asked) == 2


async def test_a_part_is_asked_of_the_very_version_that_was_begun(face: Face, target: Path) -> None:
    depot = Depot(CONTENT, cut_after(5), ranged)
    await fetch(face, depot, target)
    assert depot.asked[1].header("if-range") == etag_of(CONTENT)
    assert {request.header("accept-encoding") for request in depot.asked} == {"identity"}


async def test_a_file_that_is_replaced_meanwhile_is_read_anew(face: Face, target: Path) -> None:
    newer = CONTENT[::-1]
    depot = Depot(CONTENT, cut_after(100), replaced_by(newer), ranged)
    await fetch(face, depot, target)
    assert target.read_bytes() == newer
    assert depot.ranges == [None, "bytes=100-10239", None]


async def test_a_file_that_is_replaced_again_and_again_is_an_error(face: Face, target: Path) -> None:
    rules = [cut_after(9), replaced_by(b"b" * 10240), cut_after(9), replaced_by(b"c" * 10240)]
    with pytest.raises(TransferError, match="/f was replaced while it was read"):
        await fetch(face, Depot(CONTENT, *rules), target)
    assert target.read_bytes() == OLD
    assert left_of(target) == ["file.bin"]


async def test_bytes_that_are_wrong_twice_are_an_error(face: Face, target: Path) -> None:
    depot = Depot(CONTENT, corrupted)
    with pytest.raises(IntegrityError, match="sha256"):
        await fetch(face, depot, target)
    assert len(depot.asked) == 2
    assert target.read_bytes() == OLD
    assert left_of(target) == ["file.bin"]


async def test_an_encoding_that_was_not_asked_for_is_an_error(face: Face, target: Path) -> None:
    with pytest.raises(TransferError, match="gzip"):
        await fetch(face, Depot(CONTENT, encoded), target, max_retries=1)
    assert target.read_bytes() == OLD


async def test_a_server_that_never_answers_right_is_given_up(face: Face, target: Path) -> None:
    depot = Depot(CONTENT, cut_after(0))
    with pytest.raises(VantageConnectionError) as caught:
        await fetch(face, depot, target, max_retries=2)
    assert len(depot.asked) == 3
    assert [attempt.number for attempt in caught.value.attempts] == [1, 2, 3]
    assert target.read_bytes() == OLD
    assert left_of(target) == ["file.bin"]


async def test_failures_are_counted_from_the_last_byte_that_came(face: Face, target: Path) -> None:
    depot = Depot(CONTENT, *[cut_after(100)] * 30, ranged)
    await fetch(face, depot, target, max_retries=1)
    assert target.read_bytes() == CONTENT


async def test_without_tag_and_digest_nothing_is_pieced_together(face: Face, target: Path) -> None:
    depot = Depot(CONTENT, cut_after(100), whole, pinned=False, digest=False)
    await fetch(face, depot, target)
    assert depot.ranges == [None, None]
    assert target.read_bytes() == CONTENT


async def test_a_body_in_chunks_is_a_body(face: Face, target: Path) -> None:
    depot = Depot(CONTENT, lambda depot, request, content: Chunked([content[:5], content[5:]]))
    await fetch(face, depot, target)
    assert target.read_bytes() == CONTENT
