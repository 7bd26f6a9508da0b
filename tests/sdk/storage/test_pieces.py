"""Large uploads in pieces: what is lost is sent again, what the server has is not, and nothing is stored twice or wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.content import MIDDLE as LARGE
from tests.support.faces import Face
from tests.support.one_upload import PIECES, SMALL, digest, put, requests
from tests.support.scripted import Json, Request, ScriptedServer, Step
from tests.support.small_units import make_units_small
from vantage_sdk import (
    ConflictError,
    TransferError,
    VantageAPIError,
    VantageConnectionError,
)
from vantage_sdk.core.transfer import appending, tus
from vantage_sdk.core.transfer.checksums import crc32c_is_fast


@pytest.fixture(autouse=True)
def _small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    make_units_small(monkeypatch)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE)
    return path


async def test_a_large_file_goes_in_pieces(face: Face, server: MockServer, local: Path) -> None:
    file = await put(face, server, local, content_type="application/x-large")
    assert (file.size, file.checksum, file.content_type) == (len(LARGE), digest(LARGE), "application/x-large")
    assert server.storage.read("/f") == LARGE
    assert [record.path for record in requests(server, "POST")] == ["/v1/storage/uploads"]
    pieces = requests(server, "PATCH")
    assert sum(record.body_size for record in pieces) == len(LARGE)
    assert all("upload-checksum" in dict(record.headers) for record in pieces)


@pytest.mark.parametrize("known", [("crc32c", "sha256", "sha1"), ("sha256", "sha1"), ("sha1",)])
async def test_pieces_carry_the_cheapest_checksum_that_both_sides_know(
    known: tuple[str, ...], face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if known[0] == "crc32c":
        assert crc32c_is_fast(), "the extra is installed for the tests"
        assert known == tus.ALGORITHMS
    monkeypatch.setattr(tus, "ALGORITHMS", known)
    await put(face, server, local)
    assert {dict(record.headers)["upload-checksum"].split()[0] for record in requests(server, "PATCH")} == {known[0]}
    assert server.storage.read("/f") == LARGE


async def test_pieces_shrink_after_a_failure_and_grow_again(
    face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "SECONDS", 1000.0)  # for which any machine is fast enough
    server.faults.set(f"{PIECES}: reset-before, ok")
    await put(face, server, local)
    sizes = [int(dict(record.headers)["content-length"]) >> 17 for record in requests(server, "PATCH")]
    assert sizes == [8, 4, 8, 8]


@pytest.mark.parametrize("kind", ["bytes", "file object", "iterator"])
async def test_so_do_other_large_sources(kind: str, face: Face, server: MockServer, local: Path) -> None:
    cut = [LARGE[at : at + 97_777] for at in range(0, len(LARGE), 97_777)]
    with local.open("rb") as file:
        source: Any = {"bytes": LARGE, "file object": file, "iterator": iter(cut)}[kind]
        assert (await put(face, server, source)).checksum == digest(LARGE)
    assert requests(server, "PATCH")
    assert server.storage.read("/f") == LARGE


@pytest.mark.parametrize("source", ["path", "iterator"])
@pytest.mark.parametrize(
    "fate",
    [
        "reset-before, ok",
        "reset-after, ok",
        "ok, reset-after, ok",
        "ok, ok, reset-after, ok",
        "cut-upload=100000, ok",
        "ok, cut-upload=1, ok",
        "503, 500, 502, ok",
        "429;retry-after=2, ok",
        "cut=0, ok",
    ],
)
async def test_pieces_that_are_lost_are_sent_again(
    fate: str, source: str, face: Face, server: MockServer, local: Path
) -> None:
    server.faults.set(f"{PIECES}: {fate}")
    given: Any = local if source == "path" else iter([LARGE[: 9 << 17], LARGE[9 << 17 :]])
    assert (await put(face, server, given)).checksum == digest(LARGE)
    assert server.storage.read("/f") == LARGE
    assert [path for path in server.storage.files() if path == "/f"] == ["/f"]


async def test_where_to_go_on_is_asked_of_the_server(face: Face, server: MockServer, local: Path) -> None:
    server.faults.set(f"{PIECES}: ok, reset-after, ok")
    await put(face, server, local)
    methods = [record.method for record in server.journal]
    second = methods.index("HEAD")
    assert methods[second - 1] == "PATCH"
    offsets = [int(dict(record.headers)["upload-offset"]) for record in requests(server, "PATCH")]
    assert offsets == sorted(set(offsets))


async def test_failures_are_counted_from_the_last_piece_that_got_through(
    face: Face, server: MockServer, local: Path
) -> None:
    server.faults.set(f"{PIECES}: reset-before, ok, reset-before, ok, reset-before, ok")
    assert (await put(face, server, local, max_retries=1)).size == len(LARGE)


async def test_a_lost_answer_to_the_last_piece_is_no_loss(face: Face, server: MockServer, local: Path) -> None:
    server.faults.set(f"{PIECES}: ok, reset-after, ok")
    await put(face, server, local)
    assert server.storage.read("/f") == LARGE
    assert [len(requests(server, method)) for method in ("PATCH", "HEAD")] == [2, 1]


async def test_an_upload_that_the_server_lost_begins_anew(face: Face, server: MockServer, local: Path) -> None:
    server.faults.set([{"method": "PATCH", "path": "/v1/storage/uploads/*", "nth": 2, "status": 404}])
    await put(face, server, local)
    assert server.storage.read("/f") == LARGE
    assert len(requests(server, "POST")) == 2


async def test_an_upload_that_the_server_loses_twice_is_an_error(face: Face, server: MockServer, local: Path) -> None:
    server.faults.set(f"{PIECES}: 410*")
    with pytest.raises(TransferError, match="lost the upload twice"):
        await put(face, server, local)


async def test_an_iterator_cannot_begin_anew_and_says_so(face: Face, server: MockServer) -> None:
    server.faults.set(f"{PIECES}: ok, 410*")
    with pytest.raises(TransferError, match="cannot be read again"):
        await put(face, server, iter([LARGE]))
    assert "/f" not in server.storage.files()


async def test_what_an_iterator_raises_ends_the_upload_and_leaves_nothing(face: Face, server: MockServer) -> None:
    def pieces() -> Any:
        yield LARGE
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        await put(face, server, pieces())
    assert "/f" not in server.storage.files()
    assert server.storage.uploads() == []


@pytest.mark.parametrize("fault", ["store-less=1", "wrong-checksum"])
async def test_pieces_that_were_stored_wrong(fault: str, face: Face, server: MockServer, local: Path) -> None:
    path = "GET /v1/storage/files/*" if fault == "wrong-checksum" else PIECES
    server.faults.set(f"{path}: {fault}, ok" if path != PIECES else f"{path}: {fault}*3, ok")
    assert (await put(face, server, local)).checksum == digest(LARGE)
    assert server.storage.read("/f") == LARGE


async def test_an_upload_that_nobody_can_go_on_with_is_removed(face: Face, server: MockServer, local: Path) -> None:
    server.faults.set(f"{PIECES}: ok, 403*")
    with pytest.raises(VantageAPIError):
        await put(face, server, LARGE)
    assert server.storage.uploads() == []
    with pytest.raises(VantageAPIError) as caught:
        await put(face, server, local)
    assert "resume=True goes on" in caught.value.__notes__[0]
    assert len(server.storage.uploads()) == 1


async def test_a_conflict_is_found_before_the_first_piece(face: Face, server: MockServer, local: Path) -> None:
    server.storage.put("/f", b"mine")
    with pytest.raises(ConflictError):
        await put(face, server, local)
    assert requests(server, "PATCH") == []
    assert (await put(face, server, local, overwrite=True)).size == len(LARGE)


async def test_a_conflict_that_arises_meanwhile_is_an_error(face: Face, server: MockServer, local: Path) -> None:
    def meanwhile(done: int, total: int) -> None:
        if "/f" not in server.storage.files():
            server.storage.put("/f", b"somebody else's")

    with pytest.raises(ConflictError):
        await put(face, server, local, max_retries=1, progress_callback=meanwhile)
    assert server.storage.read("/f") == b"somebody else's"


@pytest.mark.parametrize("answer", [Json(404, {}), Json(405, {}), Json(200, {"allow": "GET"})])
async def test_a_server_without_pieces_gets_one_form(answer: Step, face: Face, local: Path) -> None:
    def script(request: Request, _: int) -> Step:
        if request.method == "OPTIONS":
            return answer
        assert LARGE in request.body
        return Json(201, {"id": "file_1", "path": "/f", "size": len(LARGE), "checksum": digest(LARGE)})

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            for source in (local, iter([LARGE[:1000], LARGE[1000:]])):
                assert (await client.storage.upload(source, "/f", overwrite=True)).id == "file_1"
    assert [request.method for request in server.requests] == ["OPTIONS", "POST", "POST"]


@pytest.mark.parametrize("location", ["https://evil.example/u", "//evil.example/u", "http://127.0.0.1:1/u", ""])
async def test_pieces_go_to_no_other_origin(location: str, face: Face, local: Path) -> None:
    offer = {"Tus-Resumable": "1.0.0", "Tus-Version": "1.0.0", "Tus-Extension": "creation"}

    def script(request: Request, _: int) -> Step:
        return Json(200, {}, offer) if request.method == "OPTIONS" else Json(201, {}, {"Location": location})

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            with pytest.raises((TransferError, VantageConnectionError)):
                await client.storage.upload(local, "/f")
    assert {request.method for request in server.requests} <= {"OPTIONS", "POST"}


async def test_a_source_that_changes_meanwhile_is_an_error(face: Face, server: MockServer, local: Path) -> None:
    def change(done: int, total: int) -> None:
        with local.open("r+b") as file:
            file.write(b"changed")

    with pytest.raises(TransferError, match="'large.bin' changed while it was read"):
        await put(face, server, local, progress_callback=change)


async def test_a_source_that_shrinks_meanwhile_is_an_error(face: Face, server: MockServer, local: Path) -> None:
    def shrink(done: int, total: int) -> None:
        with local.open("r+b") as file:
            file.truncate(1 << 20)

    with pytest.raises(TransferError, match="'large.bin' changed while it was read"):
        await put(face, server, local, progress_callback=shrink)
    assert "/f" not in server.storage.files()


async def test_a_quota_is_an_error_with_its_code(face: Face, local: Path) -> None:
    with MockServer(world="empty", storage_quota=1000) as server:
        for source in (SMALL, local):
            with pytest.raises(VantageAPIError) as caught:
                await put(face, server, source)
            assert (caught.value.status_code, caught.value.code) == (413, "quota_exceeded")
        assert server.storage.files() == {}
        assert server.storage.uploads() == []


async def test_a_key_that_may_only_read(face: Face, server: MockServer, local: Path) -> None:
    async with face.client(server.url, api_key="read-only-key") as client:
        for source in (SMALL, local):
            with pytest.raises(VantageAPIError) as caught:
                await client.storage.upload(source, "/f")
            assert caught.value.status_code == 403
