"""Records of transfers that nobody went on with are removed, and nothing else is."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.intake import KIB, shrink
from tests.support.interrupted import Enough, enough
from vantage_sdk.core.io import disk
from vantage_sdk.core.transfer import journal, progress, pruning

CONTENT = hashlib.shake_256(b"pruned").digest(400 * KIB)
DAY = 86_400
HEX = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", world="empty", rate_limits=False) as running:
        running.storage.put("/down", CONTENT)
        yield running


@pytest.fixture
def local(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(CONTENT)
    return tmp_path


def age(path: Path, days: float) -> Path:
    then = time.time() - days * DAY
    os.utime(path, (then, then), follow_symlinks=False)
    return path


async def interrupted_download(client: Any, local: Path) -> Path:
    """Return the partial file."""
    with pytest.raises(Enough):
        await client.storage.download("/down", local / "target", progress_callback=enough(0.5))
    [partial] = local.glob(".target.*.part")
    return partial


async def another(client: Any, local: Path) -> None:
    """Record a transfer, which looks after what others left."""
    pruning._due.clear()
    await client.storage.upload(local / "source", f"/{os.urandom(4).hex()}")


async def test_old_records_are_removed_and_new_ones_stay(
    face: Face, server: MockServer, local: Path, records: Path
) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(Enough):
            await client.storage.upload(local / "source", "/a", progress_callback=enough(0.1))
        [first] = records.iterdir()
        age(first, 13.9)
        await another(client, local)
        assert list(records.iterdir()) == [first]
        age(first, 14.1)
        await another(client, local)
        assert list(records.iterdir()) == []


async def test_only_records_are_removed(face: Face, server: MockServer, local: Path, records: Path) -> None:
    records.mkdir(parents=True)
    mine = [records / "notes.json", records / f"{HEX}.part", records / f"{HEX * 2}.json.bak"]
    for path in mine:
        path.write_text("{}")
        age(path, 99)
    link, folder = records / f"{HEX[::-1] * 2}.json", records / f"{HEX[:8] * 4}.json"
    link.symlink_to(mine[0])
    folder.mkdir()
    age(link, 99)
    age(folder, 99)
    kept = sorted(records.iterdir())
    for name in (f"{HEX * 2}.json", f".{HEX}.part"):  # the second is left where a process is killed while it writes
        (records / name).write_text("{")
        age(records / name, 99)
    async with face.client(server.url) as client:
        await another(client, local)
    assert sorted(records.iterdir()) == kept


async def test_a_partial_file_goes_with_its_record(face: Face, server: MockServer, local: Path, records: Path) -> None:
    async with face.client(server.url) as client:
        partial = await interrupted_download(client, local)
        [record] = records.iterdir()
        await another(client, local)
        assert partial.exists()
        age(record, 15)
        await another(client, local)
    assert list(records.iterdir()) == []
    assert not partial.exists()
    assert [path.name for path in local.iterdir() if path.name.endswith(".part")] == []


async def test_a_partial_file_whose_folder_is_gone_is_no_matter(
    face: Face, server: MockServer, local: Path, records: Path
) -> None:
    (local / "to").mkdir()
    async with face.client(server.url) as client:
        with pytest.raises(Enough):
            await client.storage.download("/down", local / "to" / "target", progress_callback=enough(0.5))
        [record] = records.iterdir()
        age(record, 15)
        (local / "to").rename(local / "elsewhere")
        await another(client, local)
    assert list(records.iterdir()) == []
    assert len(list((local / "elsewhere").iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="locks are those of POSIX systems")
async def test_what_a_living_process_holds_stays(face: Face, server: MockServer, local: Path, records: Path) -> None:
    import fcntl

    async with face.client(server.url) as client:
        partial = await interrupted_download(client, local)
        [record] = records.iterdir()
        with partial.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            age(record, 15)
            await another(client, local)
            assert partial.exists()
            assert list(records.iterdir()) == [record]
        await another(client, local)
    assert not partial.exists()
    assert list(records.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["source", f".source.{HEX}.part", f"../.target.{HEX}.part", f".target.{HEX}.part.bak", "..", "\0", ""]
)
async def test_what_a_record_must_not_name_stays(
    name: str, face: Face, server: MockServer, local: Path, records: Path
) -> None:
    victims = [local / f".source.{HEX}.part", local.parent / f".target.{HEX}.part", local / f".target.{HEX}.part.bak"]
    for victim in victims:
        victim.write_bytes(b"mine")
    async with face.client(server.url) as client:
        partial = await interrupted_download(client, local)
        [record] = records.iterdir()
        record.write_text(json.dumps({**json.loads(record.read_text()), "partial": name}))
        age(record, 15)
        await another(client, local)
    assert list(records.iterdir()) == []
    assert [victim.read_bytes() for victim in victims] == [b"mine"] * 3
    assert partial.exists()
    victims[1].unlink()


@pytest.mark.skipif(os.name != "posix", reason="hard links")
async def test_a_partial_file_with_a_second_name_stays(
    face: Face, server: MockServer, local: Path, records: Path
) -> None:
    async with face.client(server.url) as client:
        partial = await interrupted_download(client, local)
        os.link(partial, local / "second")
        [record] = records.iterdir()
        age(record, 15)
        await another(client, local)
    assert partial.exists()


async def test_it_is_done_once_a_day_and_not_for_ever(
    face: Face, server: MockServer, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "REMOVED", 3)
    looks: list[Any] = []
    monkeypatch.setattr(pruning, "older", lambda *given: looks.append(given) or disk.older(*given))
    records.mkdir(parents=True)
    for number in range(5):
        (records / f"{number:032x}.json").write_text("{}")
        age(records / f"{number:032x}.json", 99)
    async with face.client(server.url) as client:
        for upload in range(3):
            await client.storage.upload(local / "source", f"/{upload}")
        assert (len(looks), len(list(records.iterdir()))) == (1, 2)
        await another(client, local)
    assert (len(looks), len(list(records.iterdir()))) == (2, 0)


async def test_an_upload_under_way_renews_its_record(
    face: Face, server: MockServer, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "RENEWED", 0.0)
    ages: list[float] = []
    lock = threading.Lock()

    def listen(done: int, total: int) -> None:
        with lock:
            if done < total:
                [record] = records.iterdir()
                ages.append(time.time() - record.stat().st_mtime)
                age(record, 15)

    async with face.client(server.url) as client:
        await client.storage.upload(local / "source", "/a", progress_callback=listen)
    assert len(ages) > 2
    assert max(ages) < DAY


async def test_what_cannot_be_listed_disturbs_nobody(
    face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> list[str]:
        raise PermissionError("no")

    monkeypatch.setattr(pruning, "older", refuse)
    async with face.client(server.url) as client:
        await another(client, local)
