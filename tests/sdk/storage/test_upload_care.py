"""Uploads leave nothing useless at the server, and nothing wrong at their target."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.intake import KIB, TUS, Intake, in_turn, shrink
from tests.support.interrupted import Enough, enough
from tests.support.scripted import Json, Request, ScriptedServer, Step
from vantage_sdk import ConflictError, TransferError, VantageAPIError
from vantage_sdk.core.transfer import upload
from vantage_sdk.testing import instant_retries

CONTENT = hashlib.shake_256(b"care").digest(300 * KIB + 7)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    return path


# Parts that are of no use any more


async def test_parts_beside_one_that_was_lost_are_removed(
    face: Face, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "APART", 64 * KIB)
    script = Intake()

    def lossy(request: Request) -> Step | None:
        lost = request.method == "PATCH" and request.path.endswith("/u3")
        return Json(404, {"error": "not_found"}) if lost else None

    script.rules = [lossy]
    with ScriptedServer(script) as server, instant_retries():
        async with face.client(server.url) as client:
            await client.storage.upload(local, "/f")
    assert script.stored == CONTENT
    assert len(script.made) == 8
    assert set(script.removed) == set(script.made[:4])


async def test_a_creation_that_fails_removes_what_was_created(
    face: Face, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "APART", 64 * KIB)
    full = Json(413, {"error": "quota_exceeded", "message": "no"}, TUS)
    script = Intake(in_turn("POST", None, None, None, full))
    with ScriptedServer(script) as server, instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.storage.upload(local, "/f")
    assert caught.value.code == "quota_exceeded"
    assert len(script.made) == 3
    assert script.removed == script.made
    assert not records.exists() or os.listdir(records) == []


# What was wanted at first is not what is wanted now


async def begun(face: Face, server: MockServer, local: Path, **options: Any) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(Enough):
            await client.storage.upload(local, "/f", progress_callback=enough(0.1), **options)


async def test_leave_to_replace_is_not_resumed(face: Face, server: MockServer, local: Path) -> None:
    server.storage.put("/f", b"first")
    await begun(face, server, local, overwrite=True)
    server.storage.put("/f", b"somebody else's")
    async with face.client(server.url) as client:
        with pytest.raises(ConflictError):
            await client.storage.upload(local, "/f", resume=True)
    assert server.storage.read("/f") == b"somebody else's"


async def test_leave_to_replace_can_be_given_later(face: Face, server: MockServer, local: Path) -> None:
    await begun(face, server, local)
    server.storage.put("/f", b"old")
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f", resume=True, overwrite=True)
    assert server.storage.read("/f") == CONTENT


async def test_the_content_type_is_the_one_that_was_asked_for_last(face: Face, server: MockServer, local: Path) -> None:
    await begun(face, server, local, content_type="text/plain")
    async with face.client(server.url) as client:
        file = await client.storage.upload(local, "/f", resume=True, content_type="application/x-mine")
    assert file.content_type == "application/x-mine"


@pytest.mark.parametrize("wrong", ["false", 1, None])
async def test_leave_to_replace_is_true_or_false(wrong: Any, face: Face, server: MockServer) -> None:
    """Text from a configuration is always true."""
    server.storage.put("/f", b"precious")
    async with face.client(server.url) as client:
        with pytest.raises(TypeError, match="overwrite"):
            await client.storage.upload(b"new", "/f", overwrite=wrong)
    assert server.storage.read("/f") == b"precious"


@pytest.mark.parametrize("option", ["resume", "checksum"])
async def test_so_are_the_other_options(option: str, face: Face, server: MockServer, local: Path) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(TypeError, match=f"{option} takes True or False, not str"):
            await client.storage.upload(local, "/f", **{option: "no"})
        with pytest.raises(TypeError, match=f"{option} takes True or False, not str"):
            await client.storage.download("/f", local, **{option: "no"})
    assert server.journal == []


@pytest.mark.parametrize(
    "option", ["overwrite", "sync", "dry_run", "continue_on_error", "resume", "checksum", "follow_symlinks"]
)
async def test_so_are_the_options_of_directories(option: str, face: Face, server: MockServer, local: Path) -> None:
    server.storage.put("/d/local.bin", b"precious")
    async with face.client(server.url) as client:
        with pytest.raises(TypeError, match=f"{option} takes True or False, not str"):
            await client.storage.upload_directory(local.parent, "/d", include="*.bin", **{option: "false"})
        if option not in ("overwrite", "follow_symlinks"):
            with pytest.raises(TypeError, match=f"{option} takes True or False, not str"):
                await client.storage.download_directory("/d", local.parent, **{option: "false"})
    assert server.storage.read("/d/local.bin") == b"precious"
    assert local.read_bytes() == CONTENT


# Sources that change meanwhile


async def test_a_log_that_grows_is_stored_as_it_was_and_said_to_be(face: Face, server: MockServer, local: Path) -> None:
    def grow(done: int, total: int) -> None:
        with local.open("ab") as file:
            file.write(b"another line\n")

    async with face.client(server.url) as client:
        with pytest.raises(TransferError, match="changed while it was read") as caught:
            await client.storage.upload(local, "/f", progress_callback=grow)
    assert caught.value.__notes__ == ["what was stored at /f is what was read first"]
    assert server.storage.read("/f") == CONTENT


async def test_a_mixture_of_two_states_is_not_left_at_the_target(
    face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, usual = threading.Event(), upload.sha256_of

    def later(*args: Any) -> bytes:
        assert changed.wait(60)
        return usual(*args)

    def change(done: int, total: int) -> None:
        if not changed.is_set():
            with local.open("r+b") as file:
                file.write(b"changed")
                file.seek(290 * KIB)
                file.write(b"changed")
            changed.set()

    monkeypatch.setattr(upload, "sha256_of", later)
    async with face.client(server.url) as client:
        with pytest.raises(TransferError, match="changed while it was read") as caught:
            await client.storage.upload(local, "/f", progress_callback=change)
    assert caught.value.__notes__ == ["what was stored at /f was a mixture and was removed"]
    assert "/f" not in server.storage.files()
