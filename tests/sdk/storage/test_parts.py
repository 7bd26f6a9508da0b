"""Large files in parts side by side: up in parts that the server joins, down over several connections."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.depot import Answer, Depot, ranged, whole
from tests.support.faces import Face
from tests.support.scripted import Request, ScriptedServer
from tests.support.small_units import make_units_small
from vantage_sdk import ConflictError, IntegrityError, TransferError, VantageAPIError
from vantage_sdk.core.io import partial_file
from vantage_sdk.core.transfer import appending, download, upload
from vantage_sdk.testing import instant_retries

MIB = 1 << 17  # in small units
CONTENT = hashlib.shake_256(b"parts").digest(9 * MIB + 12_345)
PIECES = "PATCH /v1/storage/uploads/*"
BYTES = "GET /v1/storage/files/*/download"


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    make_units_small(monkeypatch)
    monkeypatch.setattr(upload, "APART", 9 * MIB)
    monkeypatch.setattr(download, "APART", 4 * MIB)
    monkeypatch.setattr(download, "PART", MIB)
    monkeypatch.setattr(download, "KEPT", MIB)
    monkeypatch.setattr(appending, "FIRST", MIB)
    monkeypatch.setattr(appending, "LARGEST", MIB)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    return path


def posts(server: MockServer) -> list[str]:
    return [dict(r.headers).get("upload-concat", "")[:7] for r in server.journal if r.method == "POST"]


async def put(face: Face, server: MockServer, local: Path, **options: Any) -> Any:
    with instant_retries():
        async with face.client(server.url) as client:
            return await client.storage.upload(local, "/f", **options)


async def test_a_file_goes_up_in_parts_that_are_joined(face: Face, server: MockServer, local: Path) -> None:
    told: list[tuple[int, int]] = []
    file = await put(face, server, local, progress_callback=lambda *done: told.append(done), content_type="text/x-a")
    assert (file.size, file.content_type) == (len(CONTENT), "text/x-a")
    assert server.storage.read("/f") == CONTENT
    assert posts(server) == ["partial"] * 4 + ["final;/"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted({done for done, _ in told})


@pytest.mark.parametrize(
    "fate", ["reset-before, ok", "ok, reset-after*3, ok", "503*4, ok", "ok*3, cut-upload=9999, ok"]
)
async def test_parts_that_are_lost_are_sent_again(fate: str, face: Face, server: MockServer, local: Path) -> None:
    server.faults.set(f"{PIECES}: {fate}")
    await put(face, server, local)
    assert server.storage.read("/f") == CONTENT


@pytest.mark.parametrize("mode", ["replay", "ignore"])
async def test_a_lost_answer_to_the_joining_is_no_loss(mode: Any, face: Face, local: Path) -> None:
    with MockServer(world="empty", rate_limits=False, idempotency=mode) as server:
        server.faults.set([{"method": "POST", "path": "/v1/storage/uploads", "nth": 5, "reset": "after"}])
        assert (await put(face, server, local)).size == len(CONTENT)
        assert server.storage.read("/f") == CONTENT


async def test_a_part_that_the_server_lost_begins_all_of_them_anew(face: Face, server: MockServer, local: Path) -> None:
    server.faults.set([{"method": "PATCH", "nth": 3, "status": 404}])
    await put(face, server, local)
    assert server.storage.read("/f") == CONTENT
    assert len(posts(server)) == 9


async def test_a_failure_of_one_part_stops_the_others(face: Face, server: MockServer, local: Path) -> None:
    server.faults.set([{"method": "PATCH", "nth": 2, "status": 403}])
    with pytest.raises(VantageAPIError) as caught:
        await put(face, server, local)
    assert caught.value.status_code == 403
    assert not [thread for thread in threading.enumerate() if "vantage-crew" in thread.name]


async def test_a_conflict_is_found_before_any_part_is_sent(face: Face, server: MockServer, local: Path) -> None:
    server.storage.put("/f", b"mine")
    with pytest.raises(ConflictError, match="overwrite=True replaces it"):
        await put(face, server, local)
    assert posts(server) == []
    await put(face, server, local, overwrite=True)
    assert server.storage.read("/f") == CONTENT


async def test_parts_go_on_where_they_were(face: Face, server: MockServer, local: Path) -> None:
    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > total // 3:
            raise Enough

    server.faults.set([{"method": "PATCH", "delay": 0.03}])
    with pytest.raises(Enough):
        await put(face, server, local, progress_callback=stop)
    await put(face, server, local, resume=True)
    assert server.storage.read("/f") == CONTENT
    assert posts(server) == ["partial"] * 4 + ["final;/"]
    taken = sum(r.body_size for r in server.journal if r.method == "PATCH" and r.status == 204)
    assert taken == len(CONTENT)


# Down


async def get(face: Face, url: str, target: Path, **options: Any) -> None:
    with instant_retries():
        async with face.client(url) as client:
            await client.storage.download("/f", target, **options)


async def test_a_file_comes_down_in_parts(face: Face, server: MockServer, tmp_path: Path) -> None:
    server.storage.put("/f", CONTENT)
    told: list[tuple[int, int]] = []
    await get(face, server.url, tmp_path / "f", progress_callback=lambda *done: told.append(done))
    assert (tmp_path / "f").read_bytes() == CONTENT
    ranges = [dict(r.headers).get("range") for r in server.journal if r.path.endswith("/download")]
    bounds = [f"bytes={at}-{min(at + MIB, len(CONTENT)) - 1}" for at in range(0, len(CONTENT), MIB)]
    assert sorted(map(str, ranges)) == sorted(bounds)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted({done for done, _ in told})


async def test_one_connection_asks_once(face: Face, server: MockServer, tmp_path: Path) -> None:
    server.storage.put("/f", CONTENT)
    await get(face, server.url, tmp_path / "f", connections=1)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert sum(r.path.endswith("/download") for r in server.journal) == 1


@pytest.mark.parametrize(
    "fate",
    ["ok*2, reset-before, ok", "ok, cut=1000, ok, cut=99999, ok", "503*3, ok", "ignore-range, ok", "ignore-range*"],
)
async def test_parts_that_break_are_mended(fate: str, face: Face, server: MockServer, tmp_path: Path) -> None:
    server.storage.put("/f", CONTENT)
    server.faults.set(f"{BYTES}: {fate}")
    await get(face, server.url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("when", [1, 2, 5, 10])
async def test_a_file_that_is_replaced_between_parts_is_read_anew(
    when: int, face: Face, server: MockServer, tmp_path: Path
) -> None:
    server.storage.put("/f", CONTENT)
    server.faults.set([{"path": "/v1/storage/files/*/download", "nth": when, "replace": True}])
    await get(face, server.url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == server.storage.read("/f") != CONTENT


async def test_a_file_that_is_replaced_between_all_parts_is_an_error(
    face: Face, server: MockServer, tmp_path: Path
) -> None:
    server.storage.put("/f", CONTENT)
    server.faults.set(f"{BYTES}: replace*")
    with pytest.raises(TransferError, match="was replaced while it was read"):
        await get(face, server.url, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


async def test_parts_that_are_wrong_are_an_error(face: Face, tmp_path: Path) -> None:
    def damaged(depot: Depot, request: Request, content: bytes) -> Answer:
        reply: Any = ranged(depot, request, content)
        return type(reply)(reply.status, b"\0" + reply.body[1:], reply.headers)

    depot = Depot(CONTENT, damaged)
    (tmp_path / "f").write_bytes(b"old")
    with ScriptedServer(depot) as server:
        with pytest.raises(IntegrityError):
            await get(face, server.url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


async def test_a_server_without_ranges_is_read_once_through(face: Face, tmp_path: Path) -> None:
    depot = Depot(CONTENT, whole)
    with ScriptedServer(depot) as server:
        await get(face, server.url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


async def test_no_room_is_noticed_before_the_first_byte(
    face: Face, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vantage_sdk.core.io.destination import Destination

    server.storage.put("/f", CONTENT)
    monkeypatch.setattr(Destination, "free", lambda self: len(CONTENT) - 1)
    with pytest.raises(OSError, match="more than are free"):
        await get(face, server.url, tmp_path / "f")
    assert not any(r.path.endswith("/download") for r in server.journal)
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_fills_up_leaves_nothing(
    face: Face, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    written = 0

    def full(fd: int, data: Any, offset: int) -> None:
        nonlocal written
        written += len(data)
        if written > 2 * MIB:
            raise OSError(errno.ENOSPC, "No space left on device")

    server.storage.put("/f", CONTENT)
    monkeypatch.setattr(partial_file, "write_at", full)
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"):
        await get(face, server.url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
