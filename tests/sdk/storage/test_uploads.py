"""Uploads over bad connections and to bad servers: each file is stored once and right, or the error says what is the case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.content import LARGE
from tests.support.faces import Face
from tests.support.one_upload import FORMS, SMALL, digest, put, requests
from tests.support.scripted import Json, Request, Reset, ScriptedServer, Step
from vantage_sdk import (
    ConflictError,
    IntegrityError,
    ServerError,
    VantageAPIError,
)
from vantage_sdk.testing import instant_retries


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE)
    return path


@pytest.mark.parametrize("mode", ["replay", "reject", "ignore"])
@pytest.mark.parametrize(
    "fate",
    [
        "reset-before*2, ok",
        "reset-after, ok",
        "503*2, ok",
        "500, ok",
        "429;retry-after=1, ok",
        "cut=10, ok",
        "cut-upload=50, ok",
    ],
)
async def test_a_small_file_is_stored_once_whatever_the_network_does(fate: str, mode: Any, face: Face) -> None:
    with MockServer(clock="auto", world="empty", idempotency=mode, faults=f"{FORMS}: {fate}") as server:
        file = await put(face, server, SMALL)
        assert (file.path, file.size, file.checksum) == ("/f", len(SMALL), digest(SMALL))
        assert server.storage.files() == {"/f": len(SMALL)}
        assert server.storage.read("/f") == SMALL
        keys = {dict(record.headers).get("idempotency-key") for record in requests(server, "POST")}
        assert len(keys) == 1


async def test_a_lost_answer_is_looked_for_before_anything_is_sent_again(face: Face) -> None:
    with MockServer(world="empty", idempotency="ignore", faults=f"{FORMS}: reset-after, ok") as server:
        await put(face, server, SMALL)
        assert [(record.method, record.status) for record in server.journal] == [("POST", 201), ("GET", 200)]


async def test_a_conflict_is_no_success_unless_an_answer_of_ours_was_lost(face: Face, server: MockServer) -> None:
    await put(face, server, SMALL)
    with pytest.raises(ConflictError):
        await put(face, server, SMALL)


async def test_a_conflict_after_a_lost_answer_is_no_success_if_the_file_is_another(face: Face) -> None:
    with MockServer(world="empty", idempotency="ignore", faults=f"{FORMS}: reset-before, ok") as server:
        server.storage.put("/f", SMALL[::-1])
        with pytest.raises(ConflictError):
            await put(face, server, SMALL)
        assert server.storage.read("/f") == SMALL[::-1]


async def test_an_upload_that_never_gets_through_is_given_up(face: Face, server: MockServer) -> None:
    server.faults.set(f"{FORMS}: reset-before*")
    with pytest.raises(VantageAPIError) as caught:
        await put(face, server, SMALL, max_retries=2)
    assert [attempt.number for attempt in caught.value.attempts] == [1, 2, 3]
    assert "/f" not in server.storage.files()


async def test_no_retries_means_one_request(face: Face, server: MockServer) -> None:
    server.faults.set(f"{FORMS}: 503*")
    with pytest.raises(ServerError):
        await put(face, server, SMALL, max_retries=0)
    assert len(server.journal) == 1


@pytest.mark.parametrize("fault", ["store-less=1", "wrong-checksum"])
async def test_a_file_that_was_stored_wrong_is_taken_back_and_sent_again(fault: str, face: Face) -> None:
    with MockServer(world="empty", faults=f"{FORMS}: {fault}, ok") as server:
        file = await put(face, server, SMALL)
        assert file.checksum == digest(SMALL)
        assert server.storage.read("/f") == SMALL


async def test_a_file_that_is_stored_wrong_twice_is_an_error_and_is_removed(face: Face) -> None:
    with MockServer(world="empty", faults=f"{FORMS}: store-less=1*") as server:
        with pytest.raises(IntegrityError, match="/f has 9999 bytes .* but 10000 bytes .* were sent; it was removed"):
            await put(face, server, SMALL)
        assert server.storage.files() == {}


async def test_what_another_writer_has_put_there_is_never_removed(face: Face, server: MockServer) -> None:
    def replace(request: Request, _: int) -> Step:
        return Json(201, {"id": "file_1", "path": "/f", "type": "file", "size": 3, "checksum": digest(b"abc")})

    with ScriptedServer(replace) as scripted, instant_retries():
        async with face.client(scripted.url) as client:
            with pytest.raises(IntegrityError, match="it was left"):
                await client.storage.upload(b"def", "/f")
    assert [request.method for request in scripted.requests] == ["POST"]


async def test_a_connection_that_is_reset_while_a_form_is_sent(face: Face) -> None:
    answers: list[Step] = [Reset(), Json(201, {"id": "f", "path": "/f", "size": 3, "checksum": digest(b"abc")})]

    def script(request: Request, _: int) -> Step:
        return Json(200, {"files": [], "total": 0}) if request.method == "GET" else answers.pop(0)

    with ScriptedServer(script) as server, instant_retries():
        async with face.client(server.url) as client:
            assert (await client.storage.upload(b"abc", "/f")).id == "f"
