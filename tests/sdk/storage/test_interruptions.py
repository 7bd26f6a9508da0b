"""A transfer that is cancelled at any moment ends at once and leaves nothing behind but what a later one goes on with."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select
from typing import Any

import anyio
import anyio.to_thread
import pytest

from mock_server import MockServer
from tests.support.depot import Depot
from tests.support.directories import write
from tests.support.faces import Face
from tests.support.leftovers import kept, partials, settled
from tests.support.local_files import descriptors
from tests.support.scripted import Request, ScriptedServer
from tests.support.silence import Blackhole, holding
from vantage_sdk.core.io import clocked, destination
from vantage_sdk.core.io.clocked import ClockedBackend
from vantage_sdk.core.transfer import download

KIB = 1 << 10
CONTENT = hashlib.shake_256(b"interrupted").digest(300 * KIB + 7)


@pytest.fixture(params=["asyncio", "trio"])
def face(request: pytest.FixtureRequest) -> Face:
    return Face(request.param)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    write(tmp_path, {"from/a": CONTENT, "from/b/c": b"small", "to/a": b"old"})
    return tmp_path


async def cancelled(how: str, work: Callable[[], Any], begun: Callable[[], bool], *, may_finish: bool = False) -> None:
    """Cancel ``work`` once it has begun; what it waits for comes too late."""

    async def run_scope() -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(work)
                await until(begun)
                scope.cancel()
        assert scope.cancelled_caught or may_finish

    async def run_task() -> None:
        task = asyncio.ensure_future(work())
        await until(begun)
        task.cancel()
        if how == "twice":
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await (run_scope() if how == "scope" else run_task())


async def until(begun: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not begun():  # noqa: ASYNC110  no event tells
            await anyio.sleep(0.002)


HOW = ["scope", "once", "twice"]


def skip_unless_possible(face: Face, how: str) -> None:
    if face.name == "trio" and how != "scope":
        pytest.skip("trio cancels scopes only")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("moment", ["connect", "handshake", "sending", "answer", "head", "body"])
async def test_silence_is_left_at_once(
    moment: str, how: str, face: Face, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_unless_possible(face, how)
    release, connecting, usual = threading.Event(), threading.Event(), ClockedBackend.connect_tcp
    monkeypatch.setattr(ClockedBackend, "connect_tcp", lambda *a, **o: connecting.set() or usual(*a, **o))
    monkeypatch.setattr(clocked, "CONNECT_TIMEOUT", 600.0)
    before = len(descriptors())

    async def work() -> None:
        url = {"connect": hole.url, "handshake": silent_url}.get(moment, server.url)
        async with face.client(url, max_retries=0, timeout=None) as client:
            if moment in ("head", "body"):
                await client.storage.download("/f", local / "to/a")
            else:
                await client.storage.upload(bytes(4 << 20), "/f")

    def begun() -> bool:
        if moment == "body":
            return any(os.stat(path).st_size >= 12 << 20 for path in partials(local / "to"))
        if moment == "connect":
            return connecting.is_set()
        if moment == "handshake":
            return bool(select([silent], [], [], 0)[0])
        return any(request.method == "POST" or "/download" in request.path for request in server.requests)

    with holding(moment, release) as server, Blackhole() as hole, socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        opened = len(descriptors())
        await cancelled(how, work, begun)
        if moment in ("connect", "handshake"):  # while the other side is there and says nothing
            settled(lambda: len(descriptors()) <= opened, descriptors)
        release.set()
    gc.collect()
    settled(lambda: len(descriptors()) <= before, descriptors)
    assert (local / "to/a").read_bytes() == b"old"
    assert len(partials(local)) == len(kept(records)) == (moment == "body")  # of which 12 MiB were there


@pytest.mark.parametrize("how", HOW)
async def test_a_feed_that_gives_nothing_is_left_at_once(how: str, face: Face) -> None:
    skip_unless_possible(face, how)
    asked, go_on, late = threading.Event(), threading.Event(), list[bool]()

    def feed() -> Iterator[bytes]:
        yield b"x"
        asked.set()
        late.append(go_on.wait(60))

    with MockServer(world="empty") as server:

        async def work() -> None:
            async with face.client(server.url, timeout=None) as client:
                await client.storage.upload(feed(), "/f")

        try:
            await cancelled(how, work, asked.is_set)
            assert late == [], "it was waited for"
        finally:
            go_on.set()
        assert server.storage.files() == {}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("way", ["up", "down"])
async def test_hashing_is_left_at_once(
    way: str, how: str, face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a comparison of all files with those of the server has to, before anything is sent."""
    skip_unless_possible(face, how)
    from vantage_sdk.core.io.sources import FileSource

    (tmp_path / "large").mkdir()
    with (tmp_path / "large" / "f").open("wb") as file:
        file.truncate(1 << 40)  # which takes an hour
    reads, usual = list[int](), FileSource.read
    monkeypatch.setattr(FileSource, "read", lambda self, at, size: reads.append(at) or usual(self, at, size))
    depot = Depot(b"")

    def script(request: Request, connection: int) -> Any:
        depot.file = lambda path: {  # type: ignore[method-assign]
            **Depot.file(depot, "/d/f"),
            "size": 1 << 40,
        }
        return depot(request, connection)

    with ScriptedServer(script) as server:

        async def work() -> None:
            async with face.client(server.url, timeout=None) as client:
                if way == "up":
                    await client.storage.upload_directory(tmp_path / "large", "/d", sync=True)
                else:
                    await client.storage.download_directory("/d", tmp_path / "large", sync=True)

        await cancelled(how, work, lambda: len(reads) > 10)
        assert len(server.requests) == 1
    count = len(reads)
    await anyio.to_thread.run_sync(lambda: None)
    assert len(reads) <= count + 1


@pytest.mark.parametrize("how", HOW)
async def test_a_commit_is_finished_or_not_begun(
    how: str, face: Face, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_unless_possible(face, how)
    entered, usual = threading.Event(), destination.sync

    def slow(fd: int) -> None:
        entered.set()
        threading.Event().wait(0.2)  # a disk that is busy
        usual(fd)

    with MockServer(world="empty") as server:
        server.storage.put("/f", CONTENT)

        async def work() -> None:
            async with face.client(server.url, timeout=None) as client:
                await client.storage.download("/f", local / "to/a")

        with monkeypatch.context() as patch:
            patch.setattr(destination, "sync", slow)
            await cancelled(how, work, entered.is_set, may_finish=True)
        assert (local / "to/a").read_bytes() in (b"old", CONTENT)
        assert partials(local) == []
        async with face.client(server.url, timeout=None) as client:
            await client.storage.download("/f", local / "to/a")
    assert (local / "to/a").read_bytes() == CONTENT


@pytest.mark.parametrize("how", HOW)
async def test_a_partial_file_that_is_made_too_late_is_removed(
    how: str, face: Face, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_unless_possible(face, how)
    entered, usual = threading.Event(), destination.Destination.create

    def slow(self: destination.Destination, name: str) -> int:
        entered.set()
        threading.Event().wait(0.2)  # a disk that is busy
        return usual(self, name)

    monkeypatch.setattr(destination.Destination, "create", slow)
    monkeypatch.setattr(download, "KEPT", 1 << 10)  # so that there is a record too
    with MockServer(world="empty") as server:
        server.storage.put("/f", CONTENT)

        async def work() -> None:
            async with face.client(server.url, timeout=None) as client:
                await client.storage.download("/f", local / "to/a")

        await cancelled(how, work, entered.is_set)
        settled(lambda: partials(local) == kept(records) == [], lambda: partials(local))
    assert (local / "to/a").read_bytes() == b"old"


@pytest.mark.parametrize("how", HOW)
async def test_nobody_waits_for_a_disk_that_makes_no_partial_file(
    how: str, face: Face, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_unless_possible(face, how)
    entered, go_on, usual = threading.Event(), threading.Event(), destination.Destination.create
    late: list[bool] = []

    def stuck(self: destination.Destination, name: str) -> int:
        entered.set()
        late.append(go_on.wait(60))
        return usual(self, name)

    monkeypatch.setattr(destination.Destination, "create", stuck)
    monkeypatch.setattr(download, "KEPT", 1 << 10)  # so that there is a record too
    before = len(descriptors())
    with MockServer(world="empty") as server:
        server.storage.put("/f", CONTENT)

        async def work() -> None:
            async with face.client(server.url, timeout=None) as client:
                await client.storage.download("/f", local / "to/a")

        try:
            await cancelled(how, work, entered.is_set)
            assert late == [], "it was waited for"
        finally:
            go_on.set()
    settled(lambda: partials(local) == kept(records) == [], lambda: (partials(local), kept(records)))
    gc.collect()
    settled(lambda: len(descriptors()) <= before, descriptors)
    assert (local / "to/a").read_bytes() == b"old"
