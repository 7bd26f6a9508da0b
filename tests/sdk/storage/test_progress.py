"""What a progress callback is told, in which thread, and what becomes of a transfer that it ends."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.directories import stored, write
from tests.support.faces import Face
from tests.support.small_units import make_units_small
from vantage_sdk import IntegrityError, VantageAPIError, VantageClient, VantageConnectionError
from vantage_sdk.core.transfer import appending, download, progress, upload
from vantage_sdk.testing import instant_retries

MIB = 1 << 17  # in small units
CONTENT = hashlib.shake_256(b"progress").digest(9 * MIB + 77)
SMALL = {"a": b"a" * 70_000, "b": b"b" * 50_000, "c/d": b"", "c/e": b"e" * 90_000}
TOTAL = sum(map(len, SMALL.values()))


@pytest.fixture(autouse=True)
def _often_and_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    make_units_small(monkeypatch)
    monkeypatch.setattr(upload, "APART", 9 * MIB)
    monkeypatch.setattr(download, "APART", 4 * MIB)
    monkeypatch.setattr(download, "PART", MIB)
    monkeypatch.setattr(appending, "FIRST", MIB)
    monkeypatch.setattr(appending, "LARGEST", MIB)


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", world="empty", rate_limits=False) as running:
        running.storage.put("/large", CONTENT)
        running.storage.put("/small", CONTENT[:100_000])
        for name, content in SMALL.items():
            running.storage.put(f"/folder/{name}", content)
        yield running


@pytest.fixture
def local(tmp_path: Path) -> Path:
    write(tmp_path / "from", {"large": CONTENT, "small": CONTENT[:100_000]})
    write(tmp_path / "from" / "folder", SMALL)
    (tmp_path / "to").mkdir()
    write(tmp_path / "to", {"large": b"old", "small": b"old"})
    return tmp_path


Move = Callable[..., Any]
OVER: Any = {"overwrite": True}
MOVES: dict[str, tuple[int, Callable[[Any, Path], Move]]] = {
    "small up": (100_000, lambda s, local: lambda **o: s.upload(local / "from/small", "/up", **OVER, **o)),
    "large up": (len(CONTENT), lambda s, local: lambda **o: s.upload(local / "from/large", "/up", **OVER, **o)),
    "bytes up": (100_000, lambda s, local: lambda **o: s.upload(CONTENT[:100_000], "/up", **OVER, **o)),
    "folder up": (
        TOTAL,
        lambda s, local: lambda **o: s.upload_directory(local / "from/folder", "/folder-up", **OVER, **o),
    ),
    "small down": (100_000, lambda s, local: lambda **o: s.download("/small", local / "to/small", **o)),
    "large down": (len(CONTENT), lambda s, local: lambda **o: s.download("/large", local / "to/large", **o)),
    "object down": (100_000, lambda s, local: lambda **o: s.download_to_file("/small", io.BytesIO(), **o)),
    "folder down": (TOTAL, lambda s, local: lambda **o: s.download_directory("/folder", local / "to/folder", **o)),
}
FATES = ["ok", "POST /v1/storage/files: reset-after, cut-upload=9, ok", "PATCH *: ok, cut-upload=99, reset-before, ok"]
FATES += ["GET */download: cut=99, ok, reset-before, ok", "GET */download: ok, wrong-checksum, replace, ok"]


def strikes(fate: str, name: str) -> bool:
    """Tell whether a fate has anything to do with a transfer."""
    if fate == "ok":
        return True
    if name.endswith("down"):
        return "download" in fate
    return fate.startswith("PATCH" if name == "large up" else "POST")


@pytest.mark.parametrize(("name", "fate"), [(name, fate) for name in MOVES for fate in FATES if strikes(fate, name)])
async def test_reports_grow_to_the_total(name: str, fate: str, face: Face, server: MockServer, local: Path) -> None:
    total, move = MOVES[name]
    told: list[tuple[int, int]] = []
    if fate != "ok":
        server.faults.set(fate)
    with instant_retries():
        async with face.client(server.url) as client:
            await move(client.storage, local)(progress_callback=lambda *done: told.append(done))
    seen = [done for done, _ in told]
    assert {of for _, of in told} == {total}
    assert all(type(done) is int and done > 0 for done in seen)
    assert seen == sorted(set(seen))
    assert seen[-1] == total
    assert len(seen) > 1 or total < MIB  # of what is one piece only the end is told


@pytest.mark.parametrize("name", MOVES)
async def test_the_total_is_told_only_of_success(name: str, face: Face, server: MockServer, local: Path) -> None:
    told: list[int] = []
    server.faults.set("/v1/storage/files*: wrong-checksum*")
    total, move = MOVES[name]
    with instant_retries(), pytest.raises((IntegrityError, VantageAPIError)):
        async with face.client(server.url) as client:
            await move(client.storage, local)(progress_callback=lambda done, _: told.append(done))
    assert max(told, default=0) < total


class Enough(Exception):
    pass


@pytest.mark.parametrize("kind_of_error", [Enough, OSError, ValueError, VantageConnectionError])
@pytest.mark.parametrize("name", MOVES)
async def test_raising_ends_it(
    name: str, kind_of_error: type[Exception], face: Face, server: MockServer, local: Path
) -> None:
    error = kind_of_error("no")  # made here, because one that is raised keeps all that it came through

    def refuse(done: int, total: int) -> None:
        raise error

    options: Any = {"progress_callback": refuse}
    if "folder" in name:
        options["continue_on_error"] = True
    before = server.storage.files()
    async with face.client(server.url) as client:
        with pytest.raises(kind_of_error) as caught:
            await MOVES[name][1](client.storage, local)(**options)
        assert caught.value is error
        if "large" in name:
            assert server.storage.files() == before
            assert (local / "to/large").read_bytes() == b"old"
        assert [path.name for path in (local / "to").iterdir() if path.name.endswith(".part")] == []
        await MOVES[name][1](client.storage, local)()  # and the client is as good as before
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("vantage")]


async def test_a_callback_that_refuses_the_last_report_refuses_what_is_done(
    face: Face, server: MockServer, local: Path
) -> None:
    def refuse(done: int, total: int) -> None:
        if done == total:
            raise Enough

    async with face.client(server.url) as client:
        with pytest.raises(Enough):
            await client.storage.upload(local / "from/small", "/up", progress_callback=refuse)
        assert server.storage.read("/up") == CONTENT[:100_000]
        with pytest.raises(Enough):
            await client.storage.download("/small", local / "to/small", progress_callback=refuse)
        assert (local / "to/small").read_bytes() == CONTENT[:100_000]


@pytest.mark.parametrize("name", MOVES)
async def test_an_asynchronous_client_calls_where_its_caller_is(
    name: str, face: Face, server: MockServer, local: Path
) -> None:
    if face.is_blocking:
        pytest.skip("a blocking client has no event loop")
    threads: set[int] = set()
    async with face.client(server.url) as client:
        await MOVES[name][1](client.storage, local)(progress_callback=lambda *_: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("name", MOVES)
async def test_reports_never_overlap(name: str, face: Face, server: MockServer, local: Path) -> None:
    alone, overlaps = threading.Lock(), list[int]()

    def listen(done: int, total: int) -> None:
        if not alone.acquire(blocking=False):
            overlaps.append(done)
            return
        alone.release()

    async with face.client(server.url) as client:
        await MOVES[name][1](client.storage, local)(progress_callback=listen)
    assert overlaps == []


def test_a_callback_may_use_the_blocking_client(server: MockServer, local: Path) -> None:
    seen = list[bool]()
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        for _, move in MOVES.values():
            move(client.storage, local)(progress_callback=lambda *_: seen.append(client.storage.exists("/small")))
    assert set(seen) == {True}


async def test_what_is_left_out_counts_as_done(face: Face, server: MockServer, local: Path) -> None:
    told: list[tuple[int, int]] = []
    async with face.client(server.url) as client:
        await client.storage.upload_directory(
            local / "from/folder", "/folder", sync=True, progress_callback=lambda *done: told.append(done)
        )
    assert told[-1] == (TOTAL, TOTAL)
    assert stored(server, "/folder") == SMALL


async def test_a_directory_of_which_one_file_failed_is_not_done(face: Face, server: MockServer, local: Path) -> None:
    told: list[int] = []
    server.faults.set([{"path": "/v1/storage/files/*/download", "nth": 1, "status": 403}])
    async with face.client(server.url) as client:
        report = await client.storage.download_directory(
            "/folder", local / "to/folder", continue_on_error=True, progress_callback=lambda done, _: told.append(done)
        )
    assert len(report.failed) == 1
    assert max(told) < TOTAL


# The bar


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", MOVES)
async def test_a_bar_is_shown_on_a_terminal_only(
    name: str, face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm")
    async with face.client(server.url) as client:
        for screen, shown in ((Screen(), True), (io.StringIO(), False)):
            monkeypatch.setattr(sys, "stderr", screen)
            await MOVES[name][1](client.storage, local)(progress=True)
            assert ("100%" in screen.getvalue()) is shown
            assert bool(screen.getvalue()) is shown


async def test_a_missing_bar_is_told_before_anything_is_moved(
    face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    async with face.client(server.url) as client:
        for _, move in MOVES.values():
            monkeypatch.setattr(sys, "stderr", Screen())
            with pytest.raises(ImportError, match=r"vantage-sdk\[progress\]"):
                await move(client.storage, local)(progress=True)
            monkeypatch.setattr(sys, "stderr", io.StringIO())  # nobody would see it
            await move(client.storage, local)(progress=True)
