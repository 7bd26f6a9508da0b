"""Transfers that are interrupted and go on later: in the same process, in another one, and after it was killed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.content import MIDDLE as CONTENT
from tests.support.faces import Face
from tests.support.interrupted import PIECES, Enough, asked, begun, enough, sent
from tests.support.small_units import make_units_small
from vantage_sdk import VantageAPIError
from vantage_sdk.core.transfer import appending


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_units_small(monkeypatch)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    return path


async def interrupted_upload(face: Face, server: MockServer, local: Path) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(Enough):
            await client.storage.upload(local, "/f", progress_callback=enough(0.1))
    assert "/f" not in server.storage.files()


async def test_an_upload_goes_on_where_it_was(face: Face, server: MockServer, local: Path, records: Path) -> None:
    await interrupted_upload(face, server, local)
    assert len(os.listdir(records)) == 1
    before, created = sent(server), begun(server)
    assert before > 0
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f", resume=True)
    assert server.storage.read("/f") == CONTENT
    assert sent(server) == len(CONTENT)
    assert begun(server) == created
    assert os.listdir(records) == []


async def test_without_resume_it_begins_anew(face: Face, server: MockServer, local: Path, records: Path) -> None:
    await interrupted_upload(face, server, local)
    before = sent(server)
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f")
    assert server.storage.read("/f") == CONTENT
    assert sent(server) == before + len(CONTENT)
    assert os.listdir(records) == []


async def test_a_source_that_changed_begins_anew(face: Face, server: MockServer, local: Path) -> None:
    await interrupted_upload(face, server, local)
    before = sent(server)
    newer = CONTENT[::-1]
    local.write_bytes(newer)
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f", resume=True)
    assert server.storage.read("/f") == newer
    assert sent(server) == before + len(newer)


async def test_a_source_with_the_old_time_but_another_end_begins_anew(
    face: Face, server: MockServer, local: Path
) -> None:
    found = local.stat()
    await interrupted_upload(face, server, local)
    newer = CONTENT[:-1] + b"!"
    local.write_bytes(newer)
    os.utime(local, ns=(found.st_atime_ns, found.st_mtime_ns))
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f", resume=True)
    assert server.storage.read("/f") == newer


async def test_an_upload_that_has_expired_begins_anew(face: Face, server: MockServer, local: Path) -> None:
    await interrupted_upload(face, server, local)
    server.advance(3 * 86_400)
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f", resume=True)
    assert server.storage.read("/f") == CONTENT
    assert begun(server) == 2


async def test_an_upload_to_another_path_server_or_organization_is_another(
    face: Face, server: MockServer, local: Path, records: Path
) -> None:
    await interrupted_upload(face, server, local)
    before = begun(server)
    async with face.client(server.url, organization="other") as client:
        await client.storage.upload(local, "/f", resume=True)
        await client.storage.upload(local, "/g", resume=True)
    assert begun(server) == before + 2
    assert len(os.listdir(records)) == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": 2}', b"\xff\xfe", b"[" * 100_000])
async def test_a_damaged_record_is_no_record(
    damage: bytes, face: Face, server: MockServer, local: Path, records: Path
) -> None:
    await interrupted_upload(face, server, local)
    [record] = records.iterdir()
    record.write_bytes(damage)
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f", resume=True)
    assert server.storage.read("/f") == CONTENT


async def test_a_record_is_private_and_holds_no_key(face: Face, server: MockServer, local: Path, records: Path) -> None:
    await interrupted_upload(face, server, local)
    [record] = records.iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(records.stat().st_mode) == 0o700
    assert "your-api-key" not in record.read_text()
    assert json.loads(record.read_text())["remote"] == "/f"


async def test_where_no_record_can_be_kept_the_upload_goes_on(
    face: Face, server: MockServer, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("VANTAGE_STATE_DIR", str(tmp_path / "file"))
    async with face.client(server.url) as client:
        await client.storage.upload(local, "/f", resume=True)
    assert server.storage.read("/f") == CONTENT
    assert "cannot be resumed later" in caplog.text


async def test_an_upload_that_was_finished_unnoticed_is_finished(
    face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SMALLEST", "FIRST", "LARGEST"):
        monkeypatch.setattr(appending, name, len(CONTENT) // 2)
    server.faults.set(f"{PIECES}: ok, reset-after*")
    async with face.client(server.url, max_retries=0) as client:
        with pytest.raises(VantageAPIError):
            await client.storage.upload(local, "/f")
    server.faults.clear()
    assert server.storage.read("/f") == CONTENT
    async with face.client(server.url) as client:
        file = await client.storage.upload(local, "/f", resume=True)
    assert file.size == len(CONTENT)


# Downloads


async def interrupted_download(face: Face, server: MockServer, target: Path, share: float = 0.5) -> None:
    target.write_bytes(b"old")
    server.faults.set([{"path": "/v1/storage/files/*/download", "drip": {"bytes": 1 << 17, "interval": 0.01}}])
    async with face.client(server.url) as client:
        with pytest.raises(Enough) as caught:
            await client.storage.download("/f", target, progress_callback=enough(share))
    server.faults.clear()
    assert target.read_bytes() == b"old"
    assert "resume=True goes on" in caught.value.__notes__[0]


def partials(target: Path) -> list[Path]:
    return sorted(target.parent.glob(f".{target.name}.*.part"))


async def test_a_download_goes_on_where_it_was(face: Face, server: MockServer, tmp_path: Path, records: Path) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    await interrupted_download(face, server, target)
    [partial] = partials(target)
    assert stat.S_IMODE(partial.stat().st_mode) == 0o600
    kept = partial.stat().st_size
    async with face.client(server.url) as client:
        await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT
    assert asked(server) == ["all", f"bytes={kept}-{len(CONTENT) - 1}"]
    assert partials(target) == []
    assert os.listdir(records) == []


async def test_without_resume_a_download_begins_anew_and_clears_up(
    face: Face, server: MockServer, tmp_path: Path, records: Path
) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    await interrupted_download(face, server, target)
    async with face.client(server.url) as client:
        await client.storage.download("/f", target)
    assert target.read_bytes() == CONTENT
    assert asked(server) == ["all", "all"]
    assert partials(target) == []
    assert os.listdir(records) == []


async def test_a_remote_file_that_changed_is_read_anew(face: Face, server: MockServer, tmp_path: Path) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    await interrupted_download(face, server, target)
    server.storage.put("/f", CONTENT[::-1])
    async with face.client(server.url) as client:
        await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT[::-1]
    assert partials(target) == []


async def test_a_partial_file_that_was_tampered_with_is_found_out(
    face: Face, server: MockServer, tmp_path: Path
) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    await interrupted_download(face, server, target)
    [partial] = partials(target)
    with partial.open("r+b") as file:
        file.write(b"tampered")
    async with face.client(server.url) as client:
        await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("size", [0, 1, 9 << 17])
async def test_a_partial_file_that_was_cut_short_is_found_out(
    size: int, face: Face, server: MockServer, tmp_path: Path
) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    await interrupted_download(face, server, target)
    [partial] = partials(target)
    os.truncate(partial, size)
    async with face.client(server.url) as client:
        await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT


async def test_a_partial_file_that_is_gone_is_no_matter(face: Face, server: MockServer, tmp_path: Path) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    await interrupted_download(face, server, target)
    partials(target)[0].unlink()
    async with face.client(server.url) as client:
        await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT


async def test_a_partial_file_that_is_complete_needs_no_more_bytes(
    face: Face, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vantage_sdk.core.io.destination import Destination

    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    async with face.client(server.url) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Destination, "place", interrupt)
            with pytest.raises(BaseException) as caught:
                await client.storage.download("/f", target)
            assert isinstance(caught.value, KeyboardInterrupt) or "KeyboardInterrupt" in repr(caught.value)
        await client.storage.download("/f", target, resume=True)
    assert target.read_bytes() == CONTENT
    assert asked(server) == ["all"]
