"""More transfers side by side than there are connections, or threads of the event loop: all of them get through."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from mock_server import MockServer
from tests.support.depot import Answer, Depot, ranged
from tests.support.faces import Face
from tests.support.intake import KIB, shrink
from tests.support.scripted import Drip, Json, Request, ScriptedServer
from vantage_sdk.core.transfer import download

CONTENT = hashlib.shake_256(b"crowds").digest(100 * KIB)
BOUND = 60.0  # seconds, on a machine that is busy; it takes less than one
MANY = 45  # more than the 40 threads that an event loop has for everything


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


# Few connections: waiting for one of them must not use the timeout up


async def test_parts_do_not_wait_for_more_connections_than_there_are(
    face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "APART", 64 * KIB)
    content = CONTENT * 5

    def slow(depot: Depot, request: Request, content: bytes) -> Answer:
        reply: Any = ranged(depot, request, content)
        return Drip(reply, 16 * KIB, 0.03)

    with ScriptedServer(Depot(content, slow)) as server:
        async with face.client(server.url, max_connections=1, timeout=0.5, max_retries=0) as client:
            await client.storage.download("/f", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == content
    assert server.connections == 1


async def test_files_do_not_wait_for_more_connections_than_there_are(face: Face, tmp_path: Path) -> None:
    with MockServer(world="empty", rate_limits=False) as server:
        for number in range(12):
            server.storage.put(f"/d/{number}", bytes(4 * KIB))
        server.faults.set([{"path": "/v1/storage/files/*/download", "drip": {"bytes": KIB, "interval": 0.05}}])
        async with face.client(server.url, max_connections=2, timeout=0.4, max_retries=0) as client:
            report = await client.storage.download_directory("/d", tmp_path / "d", concurrency=8)
    assert len(report.done) == 12


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_files_are_on_their_way_than_wanted(concurrency: int, face: Face, tmp_path: Path) -> None:
    busy = Busy(concurrency)
    with ScriptedServer(busy) as server:
        async with face.client(server.url) as client:
            report = await client.storage.download_directory("/d", tmp_path / "d", concurrency=concurrency)
    assert (len(report.done), busy.most) == (Busy.FILES, concurrency)


class Busy(Depot):
    """Sends files in groups of the size that is expected, a little late, and counts how many are asked for at once."""

    FILES = 6

    def __init__(self, group: int) -> None:
        super().__init__(CONTENT)
        self._size = group
        self._group = threading.Barrier(group, timeout=BOUND)
        self._exceeded = threading.Event()
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def __call__(self, request: Request, connection: int) -> Any:
        if not request.path.endswith("/download"):
            files = [self.file(f"/d/{number}") for number in range(self.FILES)]
            return Json(200, {"files": files, "total": self.FILES, "page": 1, "per_page": 100})
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now > self._size:
                self._exceeded.set()
        self._group.wait()
        self._exceeded.wait(0.1)  # for what must not come
        with self._lock:
            self._now -= 1
        return ranged(self, request, self.content)


# Many files: what waits must not hold the threads that the others need


class Crowd(Depot):
    """Sends no file before all of them were asked for."""

    def __init__(self) -> None:
        super().__init__(CONTENT)
        self._all = threading.Barrier(MANY, timeout=BOUND)

    def __call__(self, request: Request, connection: int) -> Any:
        if request.path.endswith("/download"):
            self._all.wait()
            return ranged(self, request, self.content)
        if request.query.get("recursive") == "true":
            files = [self.file(f"/d/{number}") for number in range(MANY)]
            return Json(200, {"files": files, "total": MANY, "page": 1, "per_page": 100})
        return super().__call__(request, connection)


@pytest.fixture
def crowd() -> Iterator[ScriptedServer]:
    with ScriptedServer(Crowd()) as running:
        yield running


@pytest.fixture(params=["asyncio", "trio"])
def loop(request: pytest.FixtureRequest) -> Face:
    return Face(request.param)


def test_many_downloads_do_not_starve_each_other(loop: Face, crowd: ScriptedServer, tmp_path: Path) -> None:
    async def body() -> None:
        async with loop.client(crowd.url, max_connections=MANY) as client:
            with anyio.fail_after(BOUND):
                async with anyio.create_task_group() as tasks:
                    for number in range(MANY):
                        tasks.start_soon(client.storage.download, "/f", tmp_path / str(number))

    loop.run(body)
    assert all((tmp_path / str(number)).read_bytes() == CONTENT for number in range(MANY))


def test_the_files_of_a_directory_do_not_starve_each_other(loop: Face, crowd: ScriptedServer, tmp_path: Path) -> None:
    async def body() -> None:
        async with loop.client(crowd.url, max_connections=MANY) as client:
            with anyio.fail_after(BOUND):
                await client.storage.download_directory("/d", tmp_path / "d", concurrency=MANY)

    loop.run(body)
    assert all((tmp_path / "d" / str(number)).read_bytes() == CONTENT for number in range(MANY))
