"""Uploads to servers that forget, mix up, or say what makes no sense."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.intake import KIB, TUS, Intake, always, in_turn, shrink
from tests.support.interrupted import Enough, enough
from tests.support.scripted import Interim, Json, Reply, Request, ScriptedServer, Step, Unanswered
from tests.support.wire import Wire
from vantage_sdk import TransferError, VantageAPIError, VantageTimeoutError
from vantage_sdk.testing import instant_retries

CONTENT = hashlib.shake_256(b"odd servers").digest(200 * KIB + 7)
FORBIDDEN = Json(403, {"error": "forbidden", "message": "no"})


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    return path


async def put(face: Face, script: Any, source: Any, *, mount: str = "", retries: int = 3, **options: Any) -> Any:
    with ScriptedServer(script) as server, instant_retries():
        async with face.client(server.url + mount, max_retries=retries) as client:
            return await client.storage.upload(source, "/f", **options)


# Uploads that are not there any more


@pytest.mark.parametrize("length", [90 << 20, len(CONTENT)], ids=["longer", "of the same length"])
async def test_an_id_that_was_given_to_another_upload_is_left_alone(length: int, face: Face, local: Path) -> None:
    """As where the server counts from 1 again after a restart."""
    another = {**TUS, "Upload-Offset": "5", "Upload-Length": str(length)}
    another["Upload-Metadata"] = "path " + b64encode(b"/other").decode()
    script = Intake()
    with ScriptedServer(script) as server, instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(Enough):
                await client.storage.upload(local, "/f", progress_callback=enough(0.1))
            [first] = set(script.patched)
            script.patched.clear()
            script.rules = [in_turn("HEAD", Reply(200, b"", another))]
            await client.storage.upload(local, "/f", resume=True)
    assert first not in script.patched
    assert script.stored == CONTENT


async def test_an_upload_that_has_expired_does_not_count_as_lost(face: Face, local: Path) -> None:
    script = Intake()
    with ScriptedServer(script) as server, instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(Enough):
                await client.storage.upload(local, "/f", progress_callback=enough(0.1))
            script.rules = [in_turn("HEAD", Reply(410, b"", TUS)), in_turn("PATCH", Json(410, {"error": "expired"}))]
            await client.storage.upload(local, "/f", resume=True)
    assert script.stored == CONTENT
    assert len(script.made) == 3


@pytest.mark.parametrize("digest", [True, False])
async def test_bytes_of_an_iterator_that_the_server_lost_are_an_error(digest: bool, face: Face) -> None:
    """As after a restart on an older state of its disk: what it had acknowledged cannot be read again."""
    script = Intake(digest=digest)

    def restarted(request: Request) -> Step | None:
        if request.method == "PATCH" and len(script.patched) == 2:
            del script.held[request.path][32 * KIB :]
            return Unanswered()
        return None

    script.rules = [restarted]
    with pytest.raises(TransferError, match="the server lost bytes that it had"):
        await put(face, script, iter([CONTENT]))
    assert script.stored is None
    assert script.removed == script.made


# Answers that make no sense


async def test_one_answer_without_an_offset_is_asked_again(face: Face, local: Path) -> None:
    script = Intake(in_turn("PATCH", Json(503, {"error": "busy"})), in_turn("HEAD", Reply(200, b"", TUS)))
    await put(face, script, local)
    assert script.stored == CONTENT


async def test_a_byte_now_and_then_is_no_progress(face: Face, local: Path) -> None:
    """Else a server that takes a byte of each piece would be sent the file for ever."""
    script = Intake()

    def stingy(request: Request) -> Step | None:
        if request.method != "PATCH":
            return None
        held = script.held[request.path]
        held += request.body[:1]
        return Reply(204, b"", {**TUS, "Upload-Offset": str(len(held))}) if len(script.patched) < 40 else FORBIDDEN

    script.rules = [stingy]
    with pytest.raises(TransferError, match="the server says that it has 3 of"):
        await put(face, script, local, retries=2)
    assert len(script.patched) == 3


@pytest.mark.parametrize("file_id", ["", ".", "..", "a b", "x" * 256])
async def test_what_can_be_no_id_of_a_file_is_none(file_id: str, face: Face, local: Path) -> None:
    script = Intake()

    def odd(request: Request) -> Step | None:
        if request.method == "GET":
            assert request.path == "/v1/storage/files"
            return Json(200, {"files": [], "total": 0, "page": 1, "per_page": 100})
        if request.method == "PATCH" and len(script.held[request.path]) + len(request.body) == len(CONTENT):
            return Reply(204, b"", {**TUS, "Upload-Offset": str(len(CONTENT)), "X-File-Id": file_id})
        return None

    script.rules = [odd]
    with pytest.raises(TransferError, match="the upload is complete, but there is no such file at /f"):
        await put(face, script, local)


async def test_informational_answers_do_not_keep_a_call_alive(face: Face) -> None:
    class Murmuring(Step):
        def play(self, wire: Wire) -> None:
            for _ in range(500):
                wire.pause(0.02)
                Interim(102).play(wire)

    def script(request: Request, connection: int) -> Any:
        if request.method == "OPTIONS":
            return Json(404, {})
        return [Murmuring(), Json(201, {"id": "file_1", "path": "/f", "size": len(CONTENT)})]

    with ScriptedServer(script) as server:
        async with face.client(server.url, timeout=0.3, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.storage.upload(CONTENT, "/f")
    error: BaseException | None = caught.value
    assert any(isinstance(cause, VantageTimeoutError) for cause in causes(error))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


# Where uploads go on


async def test_a_missing_location_is_called_so(face: Face, local: Path) -> None:
    with pytest.raises(TransferError, match="does not say where the upload goes on"):
        await put(face, Intake(always("POST", Reply(201, b"", TUS))), local)


@pytest.mark.parametrize("place", ["/tenant/../other/x", "/other/x", "/tenant/%2e%2e/other/x"])
async def test_pieces_stay_below_the_base_url(place: str, face: Face, local: Path) -> None:
    seen: list[str] = []

    def note(request: Request) -> Step | None:
        seen.append(request.method)
        if request.method == "OPTIONS":
            return None
        return Reply(201, b"", {**TUS, "Location": place}) if request.method == "POST" else FORBIDDEN

    with pytest.raises(TransferError):
        await put(face, Intake(note), local, mount="/tenant")
    assert seen == ["OPTIONS", "POST"]


async def test_what_signs_a_location_is_not_shown(face: Face, local: Path) -> None:
    script = Intake(
        in_turn("POST", Reply(201, b"", {**TUS, "Location": "/v1/storage/uploads/u?sig=SECRET"})),
        always("PATCH", Reply(204, b"", {**TUS, "Upload-Offset": "99999999999"})),
        always("HEAD", Reply(200, b"", {**TUS, "Upload-Offset": "99999999999"})),
    )
    with pytest.raises(TransferError, match="the answers of the upload do not fit") as caught:
        await put(face, script, local)
    assert "SECRET" not in f"{caught.value!r} {caught.value} {caught.value.path}"
