"""Downloads from S9S: as large as the server says, and gone on with only where nothing can be mixed or missing."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.intake import KIB, shrink
from tests.support.office import LARGE, ROWS, Office, cut, etag_of, get, left_beside, ranged, whole
from tests.support.s9s_answers import fault
from tests.support.scripted import Chunked, CutAt, Request, ScriptedServer, Step
from vantage_sdk import (
    AuthorizationError,
    TransferError,
)
from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.transfer import download
from vantage_sdk.testing import instant_retries


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    shrink(monkeypatch)
    with instant_retries() as asked:
        yield asked


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    path = folder / "rows.csv"
    path.write_bytes(b"old")
    return path


# As large as the server says


@pytest.mark.parametrize("size", [1, len(ROWS) - 1, len(ROWS) + 1])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_another_size_than_was_told_is_an_error(face: Face, target: Path, size: int, framing: str) -> None:
    def chunked(office: Office, request: Request) -> Step:
        return Chunked([office.content[:5], office.content[5:]])

    office = Office(ROWS, whole if framing == "length" else chunked, file_size=size)
    with pytest.raises(TransferError, match="exports/exp_1|too early"):
        await get(face, office, target)
    assert (target.read_bytes(), left_beside(target)) == (b"old", [])


async def test_bytes_where_none_were_told_are_an_error(face: Face, target: Path) -> None:
    with pytest.raises(TransferError, match="exports/exp_1 has 29 bytes, not 0"):
        await get(face, Office(ROWS, file_size=0), target)
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("size", [None, "large", -1])
async def test_a_size_that_is_not_told_does_not_matter(face: Face, target: Path, size: Any) -> None:
    await get(face, Office(ROWS, file_size=size), target)
    assert target.read_bytes() == ROWS


async def test_more_than_is_free_is_an_error_before_the_first_byte(
    face: Face, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Destination, "free", lambda self: 10)
    office = Office(ROWS)
    with pytest.raises(OSError, match="more than are free") as caught:
        await get(face, office, target)
    assert caught.value.errno == errno.ENOSPC
    assert office.downloads == []


async def test_more_than_the_memory_shall_hold_is_an_error(face: Face) -> None:
    for told in ({}, {"file_size": None}):
        with ScriptedServer(Office(ROWS, **told)) as server:
            async with face.s9s(server.url) as client:
                with pytest.raises(TransferError, match="more than max_bytes=5"):
                    await client.exports.download_to_bytes("exp_1", max_bytes=5)


# Interrupted


async def test_a_broken_connection_goes_on_where_it_was(face: Face, target: Path) -> None:
    office = Office(LARGE, ranged, cut(100 * KIB), cut(50 * KIB), ranged)
    await get(face, office, target)
    assert target.read_bytes() == LARGE
    assert office.ranges == [
        "bytes=0-0",
        None,
        f"bytes={100 * KIB}-{len(LARGE) - 1}",
        f"bytes={150 * KIB}-{len(LARGE) - 1}",
    ]
    assert office.downloads[2].header("if-range") == etag_of(LARGE)


async def test_a_server_without_ranges_sends_it_once_more(face: Face, target: Path) -> None:
    def short(office: Office, request: Request) -> Any:
        return CutAt(2000, whole(office, request))

    office = Office(LARGE, whole, short, whole)
    await get(face, office, target)
    assert target.read_bytes() == LARGE


async def test_one_that_was_replaced_meanwhile_is_fetched_anew(face: Face, target: Path) -> None:
    newer = LARGE[::-1]

    def replace(office: Office, request: Request) -> Step:
        office.content = newer
        return ranged(office, request)

    await get(face, Office(LARGE, ranged, cut(100 * KIB), replace, ranged), target)
    assert target.read_bytes() == newer


def forbidden(office: Office, request: Request) -> Step:
    return fault(403, "PERMISSION_DENIED")


async def interrupted(face: Face, target: Path, office: Office, server: ScriptedServer) -> None:
    """Leave 200 KiB of an export behind, and a server that is good again."""
    office.rules = [ranged, cut(200 * KIB), forbidden]
    async with face.s9s(server.url) as client:
        with pytest.raises(AuthorizationError) as caught:
            await client.exports.download("exp_1", target)
    assert f"{200 * KIB} bytes are kept" in caught.value.__notes__[0]
    assert target.read_bytes() == b"old"
    office.downloads.clear()
    office.rules = [ranged]


async def test_a_later_process_goes_on_with_it(face: Face, target: Path) -> None:
    office = Office(LARGE)
    with ScriptedServer(office) as server:
        await interrupted(face, target, office, server)
        assert len(left_beside(target)) == 1
        async with face.s9s(server.url) as client:
            await client.exports.download("exp_1", target, resume=True)
    assert (target.read_bytes(), left_beside(target)) == (LARGE, [])
    assert office.ranges == ["bytes=0-0", f"bytes={200 * KIB}-{len(LARGE) - 1}"]


@pytest.mark.parametrize("change", ["another version", "no ranges", "no resume"])
async def test_it_begins_anew_where_that_is_not_safe(face: Face, target: Path, change: str) -> None:
    office = Office(LARGE)
    with ScriptedServer(office) as server:
        await interrupted(face, target, office, server)
        if change == "another version":
            office.content = LARGE[::-1]
        if change == "no ranges":
            office.rules = [whole]
        async with face.s9s(server.url) as client:
            await client.exports.download("exp_1", target, resume=change != "no resume")
    assert (target.read_bytes(), left_beside(target)) == (office.content, [])
    assert office.ranges[1:] == [None]


async def test_what_is_gone_on_with_was_on_the_disk_before_it_was_noted(
    face: Face, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No digest would tell after a power cut that the record is there and the bytes are not."""
    steps: list[str] = []
    monkeypatch.setattr(download, "sync", lambda fd: steps.append("sync"))
    save = download.Journal.save_now
    monkeypatch.setattr(
        download.Journal,
        "save_now",
        lambda self, facts: (steps.append(f"note {len(facts['done'])}"), save(self, facts)),
    )
    office = Office(LARGE)
    with ScriptedServer(office) as server:
        await interrupted(face, target, office, server)
    assert steps[0] == "note 0"
    assert steps[-2:] == ["sync", "note 1"]
