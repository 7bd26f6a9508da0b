"""Downloads never mix versions of a file, whatever little the server tells of them."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.depot import Answer, Depot, ranged, whole
from tests.support.faces import Face
from tests.support.intake import KIB, shrink
from tests.support.scripted import CutAt, Json, Reply, Request, ScriptedServer
from vantage_sdk import TransferError, VantageAPIError
from vantage_sdk.core.transfer import download
from vantage_sdk.testing import instant_retries

CONTENT = hashlib.shake_256(b"versions").digest(300 * KIB + 7)
SMALL = CONTENT[:1000]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target.bin"
    path.write_bytes(b"old")
    return path


class Telling(Depot):
    """A server that tells of its file what the test wants; ``...`` leaves a field out."""

    def __init__(self, facts: dict[str, Any], content: bytes, *rules: Any, **options: Any) -> None:
        super().__init__(content, *rules, **options)
        self.facts = facts

    def file(self, path: str) -> dict[str, Any]:
        file = {**super().file(path), **self.facts}
        return {name: value for name, value in file.items() if value is not ...}


def cut(size: int) -> Any:
    """Answer with no more than so many bytes of the body, and close."""

    def rule(depot: Depot, request: Request, content: bytes) -> Answer:
        reply: Any = ranged(depot, request, content)
        head = reply.encode("GET").partition(b"\r\n\r\n")[0]
        return CutAt(len(head) + 4 + size, reply)

    return rule


def forbidden(depot: Depot, request: Request, content: bytes) -> Answer:
    return Json(403, {"error": "forbidden", "message": "no"})


async def get(face: Face, depot: Depot, target: Path, **options: Any) -> None:
    with ScriptedServer(depot) as server, instant_retries():
        async with face.client(server.url) as client:
            await client.storage.download("/f", target, **options)


# What tells versions apart


@pytest.mark.parametrize(
    ("pinned", "digest", "asked"), [(True, True, 5), (True, False, 5), (False, True, 5), (False, False, 1)]
)
async def test_parts_need_something_that_tells_versions_apart(
    pinned: bool, digest: bool, asked: int, face: Face, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "APART", 64 * KIB)
    depot = Depot(CONTENT, pinned=pinned, digest=digest)
    await get(face, depot, target)
    assert target.read_bytes() == CONTENT
    assert len(depot.asked) == asked


async def test_a_kept_part_needs_a_digest_to_be_gone_on_with(face: Face, tmp_path: Path, target: Path) -> None:
    """After a power cut the record may be on the disk and bytes of the file not: only a digest would tell."""
    with ScriptedServer(Depot(CONTENT, cut(200 * KIB), forbidden, digest=False)) as server, instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError):
                await client.storage.download("/f", target)
            [partial] = tmp_path.glob(".*.part")
            with partial.open("r+b") as file:
                file.write(bytes(64 * KIB))
            server._answer = depot = Depot(CONTENT, digest=False)
            await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT
    assert len(depot.asked) == 1
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize("problem", [OSError, TimeoutError, ValueError])
async def test_a_callback_that_raises_does_not_spoil_what_has_come(
    problem: type[Exception], face: Face, tmp_path: Path, target: Path
) -> None:
    def stop(done: int, total: int) -> None:
        if done > 100 * KIB:
            raise problem("too slow")

    with MockServer(clock="auto", world="empty", rate_limits=False) as server:
        server.storage.put("/f", CONTENT * 2)
        server.faults.set([{"path": "/v1/storage/files/*/download", "drip": {"bytes": 32 * KIB, "interval": 0.02}}])
        async with face.client(server.url) as client:
            with pytest.raises(problem, match="too slow"):
                await client.storage.download("/f", target, progress_callback=stop)
            assert len(list(tmp_path.glob(".*.part"))) == 1
            server.faults.clear()
            await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT * 2
    asked = [dict(record.headers).get("range") for record in server.journal if record.path.endswith("/download")]
    assert asked[0] is None
    assert asked[1] is not None


# What makes no sense


async def test_a_range_that_ends_early_is_no_end_of_a_file_of_unknown_size(face: Face, target: Path) -> None:
    """A server may answer with less than was asked for (RFC 9110, 15.3.7)."""

    def capped(depot: Depot, request: Request, content: bytes) -> Answer:
        start = int((request.header("range") or "").removeprefix("bytes=").partition("-")[0])
        stop = min(start + 99, len(content) - 1)
        headers = {**depot.headers(content), "Content-Range": f"bytes {start}-{stop}/{len(content)}"}
        return Reply(206, content[start : stop + 1], headers)

    with pytest.raises(TransferError, match="of 1000 where all to the end were wanted"):
        await get(face, Telling({"size": ...}, SMALL, cut(100), capped, digest=False), target)
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("rule", [whole, cut(100)])
async def test_a_size_that_is_not_told_is_no_matter(rule: Any, face: Face, target: Path) -> None:
    await get(face, Telling({"size": ...}, SMALL, rule, ranged), target)
    assert target.read_bytes() == SMALL


@pytest.mark.parametrize("size", [-5, "abc", 1.5, [1], {"a": 1}])
async def test_a_size_that_is_none_is_an_error(size: Any, face: Face, target: Path) -> None:
    with pytest.raises(VantageAPIError, match="a file with an odd size"):
        await get(face, Telling({"size": size}, SMALL, digest=False), target)
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("size", [1, 999])
async def test_a_size_that_is_too_small_is_an_error(size: int, face: Face, target: Path) -> None:
    with pytest.raises(TransferError, match=f"the server sent 1000 bytes of a file that has {size}"):
        await get(face, Telling({"size": size}, SMALL, digest=False), target)
    assert target.read_bytes() == b"old"


async def test_a_size_that_no_disk_has_is_an_error(face: Face, target: Path) -> None:
    with pytest.raises(OSError, match="more than are free") as caught:
        await get(face, Telling({"size": 10**30}, SMALL, digest=False), target)
    assert caught.value.errno == errno.ENOSPC
    assert target.read_bytes() == b"old"
    assert [name for name in os.listdir(target.parent) if name.endswith(".part")] == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("etag", 5, "a file with an odd etag"),
        ("etag", ["a"], "a file with an odd etag"),
        ("checksum", 5, "a file with an odd checksum"),
        ("checksum", {"a": 1}, "a file with an odd checksum"),
        ("path", None, "a file with an odd path"),
        ("path", 5, "a file with an odd path"),
        ("id", 7, "id takes text, not int"),
        ("id", ["x"], "id takes text, not list"),
        ("id", "..", "would address another resource"),
    ],
)
async def test_a_field_that_makes_no_sense_is_an_error(
    field: str, value: Any, said: str, face: Face, target: Path
) -> None:
    depot = Telling({field: value}, SMALL)
    with pytest.raises(VantageAPIError, match=said):
        await get(face, depot, target)
    assert target.read_bytes() == b"old"
    assert depot.asked == []
