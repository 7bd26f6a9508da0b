"""Uploads that began when nothing was to be replaced, and go on when something may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.content import MIDDLE as CONTENT
from tests.support.faces import Face
from tests.support.interrupted import Enough, begun, enough, sent
from tests.support.small_units import make_units_small
from vantage_sdk import ConflictError
from vantage_sdk.core.transfer import upload
from vantage_sdk.testing import instant_retries


@pytest.fixture(autouse=True)
def _records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_units_small(monkeypatch)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    folder.mkdir()
    (folder / "large.bin").write_bytes(CONTENT)
    return folder / "large.bin"


async def interrupt(face: Face, server: MockServer, local: Path, **options: Any) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(Enough):
            await client.storage.upload(local, "/d/large.bin", progress_callback=enough(0.1), **options)


async def test_a_directory_goes_on_where_it_was_when_it_is_synchronized(
    face: Face, server: MockServer, local: Path
) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(Enough):
            await client.storage.upload_directory(local.parent, "/d", progress_callback=enough(0.1))
        before, created = sent(server), begun(server)
        assert before > 0
        report = await client.storage.upload_directory(local.parent, "/d", sync=True, resume=True)
    assert report.success
    assert server.storage.read("/d/large.bin") == CONTENT
    assert (sent(server), begun(server)) == (len(CONTENT), created)


async def test_what_came_to_the_target_meanwhile_is_replaced(face: Face, server: MockServer, local: Path) -> None:
    await interrupt(face, server, local)
    server.storage.put("/d/large.bin", b"theirs")
    with instant_retries():
        async with face.client(server.url) as client:
            await client.storage.upload(local, "/d/large.bin", overwrite=True, resume=True)
    assert server.storage.read("/d/large.bin") == CONTENT
    assert begun(server) == 2
    [continued] = [record.path for record in server.journal if record.status == 409]
    [given_up] = [record.path for record in server.journal if record.method == "DELETE"]
    assert given_up == continued


async def test_one_that_has_expired_is_begun_anew_to_replace(face: Face, server: MockServer, local: Path) -> None:
    await interrupt(face, server, local)
    server.storage.put("/d/large.bin", b"theirs")
    server.advance(3 * 86_400)
    server.faults.set("PATCH *: ok, cut-upload=99, reset-before, ok")  # so that the new one is asked where it is
    with instant_retries():
        async with face.client(server.url) as client:
            await client.storage.upload(local, "/d/large.bin", overwrite=True, resume=True)
    assert server.storage.read("/d/large.bin") == CONTENT
    assert begun(server) == 2


async def test_what_must_not_replace_does_not_go_on_with_what_would(
    face: Face, server: MockServer, local: Path
) -> None:
    await interrupt(face, server, local, overwrite=True)
    server.storage.put("/d/large.bin", b"theirs")
    async with face.client(server.url) as client:
        with pytest.raises(ConflictError):
            await client.storage.upload(local, "/d/large.bin", resume=True)
    assert server.storage.read("/d/large.bin") == b"theirs"


@pytest.mark.parametrize("change", [{"content_type": "text/plain"}, {"content_type": "text/plain", "overwrite": True}])
async def test_another_type_begins_anew(change: Any, face: Face, server: MockServer, local: Path) -> None:
    await interrupt(face, server, local)
    async with face.client(server.url) as client:
        stored = await client.storage.upload(local, "/d/large.bin", resume=True, **change)
    assert stored.content_type == "text/plain"
    assert begun(server) == 2


async def test_parts_go_on_and_replace(
    face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "APART", len(CONTENT))
    await interrupt(face, server, local)
    server.storage.put("/d/large.bin", b"theirs")
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/d/large.bin", overwrite=True, resume=True)
    assert server.storage.read("/d/large.bin") == CONTENT
    assert sent(server) == len(CONTENT)
