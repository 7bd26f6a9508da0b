"""A transfer that is cancelled at any moment ends at once and leaves nothing behind but what a later one goes on with."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from mock_server import MockServer
from tests.sdk.test_cancellation import Cut
from tests.support.depot import Depot
from tests.support.directories import files_of, write
from tests.support.faces import Face
from tests.support.local_files import descriptors
from tests.support.scripted import Request, ScriptedServer, Send, Unanswered, Wait
from vantage_sdk import AsyncVantageClient, DeadlineExceeded, VantageClient, VantageTimeoutError
from vantage_sdk.core.io import destination
from vantage_sdk.core.transfer import appending, directories, download, outgoing, upload

KIB = 1 << 10
CONTENT = hashlib.shake_256(b"interrupted").digest(300 * KIB + 7)
BOUND = 5.0  # seconds, on a machine that is busy; it takes less than one
QUICK = ("AnyIO", "Trio", "asyncio_", "mock-server", "scripted-server")


@pytest.fixture(params=["asyncio", "trio"])
def face(request: pytest.FixtureRequest) -> Face:
    return Face(request.param)


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VANTAGE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "transfers"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file of 300 KiB be what one of 300 MiB is."""
    for module, names in {
        upload: ("WHOLE", "APART"),
        directories: ("WHOLE",),
        outgoing: ("WHOLE", "PIECE"),
        download: ("KEPT", "APART", "PART"),
        appending: ("SMALLEST", "FIRST", "LARGEST"),
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, 64 * KIB)
    monkeypatch.setattr(upload, "APART", 1 << 40)
    monkeypatch.setattr(download, "APART", 1 << 40)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    write(tmp_path, {"from/a": CONTENT, "from/b/c": b"small", "to/a": b"old"})
    return tmp_path


def partials(local: Path) -> list[str]:
    return [str(path) for path in local.rglob("*.part")]


def kept(records: Path) -> list[str]:
    return sorted(os.listdir(records)) if records.exists() else []


def settled(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    """Wait until threads of others have seen that a transfer is over."""
    end = time.monotonic() + 3
    while not condition():
        assert time.monotonic() < end, what()
        threading.Event().wait(0.005)


# Cancelled at every place where it waits

CUTS: dict[str, Callable[[AsyncVantageClient, Path], Any]] = {
    "form": lambda client, local: client.storage.upload(local / "from/b/c", "/up/a", overwrite=True),
    "pieces": lambda client, local: client.storage.upload(local / "from/a", "/up/a", overwrite=True, resume=True),
    "stream": lambda client, local: client.storage.upload(iter([CONTENT]), "/up/a", overwrite=True),
    "down": lambda client, local: client.storage.download("/there", local / "to/a", resume=True),
    "directory up": lambda client, local: client.storage.upload_directory(local / "from", "/up", sync=True),
    "directory down": lambda client, local: client.storage.download_directory("/dir", local / "to", sync=True),
}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("apart", [False, True], ids=["whole", "apart"])
@pytest.mark.parametrize("name", CUTS)
def test_a_transfer_can_be_cancelled_wherever_it_waits(
    name: str, apart: bool, times: int, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if apart and name not in ("pieces", "down"):
        pytest.skip("one request")
    if apart:
        monkeypatch.setattr(upload, "APART", 128 * KIB)
        monkeypatch.setattr(download, "APART", 128 * KIB)
    reached = 0

    async def once(at: int) -> bool:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False) as client:
            cut = Cut(CUTS[name](client, local), at, times)
            begun = time.monotonic()
            try:
                await asyncio.ensure_future(_run(cut))
            except asyncio.CancelledError:
                assert cut.done
            else:
                assert not cut.done, "a cancellation was swallowed"
            assert time.monotonic() - begun < BOUND
        return cut.done

    with MockServer(world="empty", rate_limits=False) as server:
        server.storage.put("/there", CONTENT)
        server.storage.put("/dir/a", CONTENT)
        server.storage.put("/dir/b/c", b"small")
        asyncio.run(once(1000))  # so that what is made on first use does not count
        gc.collect()
        settled(lambda: quiet(0), threading.enumerate)
        before = len(descriptors())
        for at in range(1, 200):
            (local / "to/a").write_bytes(b"old")
            (local / "to/b/c").unlink(missing_ok=True)
            if not asyncio.run(once(at)):
                break
            reached = at
            assert (local / "to/a").read_bytes() in (b"old", CONTENT)
            assert len(partials(local)) <= len(kept(records))
            settled(lambda: len(descriptors()) <= before, lambda: f"{len(descriptors())} descriptors after {at}")
            settled(lambda: quiet(0), threading.enumerate)
        else:
            raise AssertionError("it never got through")
        assert partials(local) == kept(records) == []
        files = server.storage.files()
        assert all(server.storage.read(path) in (CONTENT, b"small") for path in files)
    assert reached >= 3


async def _run(cut: Cut) -> Any:
    return await cut


def quiet(others: int) -> bool:
    """Tell whether no thread works for a transfer any more."""
    working = [t for t in threading.enumerate() if t is not threading.main_thread() and "Any" in t.name]
    return len(working) <= others


# Cancelled while the other side is silent


class Blackhole:
    """A port that accepts no connection and refuses none."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._waiting = [socket.socket() for _ in range(4)]
        for waiting in self._waiting:
            waiting.setblocking(False)
            waiting.connect_ex(self._listener.getsockname())

    def __enter__(self) -> Blackhole:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in [*self._waiting, self._listener]:
            sock.close()


async def cancelled(face: Face, how: str, work: Callable[[], Any], begun: Callable[[], bool]) -> None:
    """Cancel ``work`` once it has begun; it must end soon."""
    seconds = 0.0

    async def run_scope() -> None:
        nonlocal seconds
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(work)
                await until(begun)
                seconds = time.monotonic()
                scope.cancel()
        assert scope.cancelled_caught

    async def run_task() -> None:
        nonlocal seconds
        task = asyncio.ensure_future(work())
        await until(begun)
        seconds = time.monotonic()
        task.cancel()
        if how == "twice":
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await (run_scope() if how == "scope" else run_task())
    assert time.monotonic() - seconds < BOUND


async def until(begun: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not begun():  # noqa: ASYNC110  no event tells
            await anyio.sleep(0.002)


HOW = ["scope", "once", "twice"]


def skip_unless_possible(face: Face, how: str) -> None:
    if face.name == "trio" and how != "scope":
        pytest.skip("trio cancels scopes only")


def holding(moment: str, release: threading.Event) -> ScriptedServer:
    """Serve ``/f`` of 20 MiB, and take uploads, up to a moment."""
    depot = Depot(bytes(20 << 20))

    def script(request: Request, connection: int) -> Any:
        if request.path.endswith("/download"):
            if moment == "head":
                return [Wait(release), Unanswered()]
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (20 << 20)
            return [Send(head + bytes(12 << 20)), Wait(release), Unanswered()]
        if request.method == "POST":
            return [Wait(release), Unanswered()]
        return depot(request, connection)

    return ScriptedServer(script, read_body=lambda request: moment != "sending" or request.method != "POST")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("moment", ["connect", "sending", "answer", "head", "body"])
async def test_silence_is_left_at_once(moment: str, how: str, face: Face, local: Path, records: Path) -> None:
    skip_unless_possible(face, how)
    release = threading.Event()
    before = len(descriptors())

    async def work() -> None:
        url = hole.url if moment == "connect" else server.url
        async with face.client(url, max_retries=0) as client:
            if moment in ("head", "body"):
                await client.storage.download("/f", local / "to/a")
            else:
                await client.storage.upload(bytes(4 << 20), "/f")

    def begun() -> bool:
        if moment == "body":
            return any(os.stat(path).st_size >= 12 << 20 for path in partials(local))
        if moment == "connect":
            return any(thread.name.startswith(("AnyIO", "Trio")) for thread in threading.enumerate())
        return any(request.method == "POST" or "/download" in request.path for request in server.requests)

    with holding(moment, release) as server, Blackhole() as hole:
        await cancelled(face, how, work, begun)
        release.set()
    gc.collect()
    if moment != "connect":  # the system gives up a connection that is being made when it likes
        settled(lambda: len(descriptors()) <= before, descriptors)
    assert (local / "to/a").read_bytes() == b"old"
    assert len(partials(local)) == 0
    assert kept(records) == []


@pytest.mark.parametrize("how", HOW)
async def test_a_feed_that_gives_nothing_is_left_at_once(how: str, face: Face) -> None:
    skip_unless_possible(face, how)
    asked, go_on = threading.Event(), threading.Event()

    def feed() -> Iterator[bytes]:
        yield b"x"
        asked.set()
        go_on.wait(30)

    with MockServer(world="empty") as server:

        async def work() -> None:
            async with face.client(server.url) as client:
                await client.storage.upload(feed(), "/f")

        try:
            await cancelled(face, how, work, asked.is_set)
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
            async with face.client(server.url) as client:
                if way == "up":
                    await client.storage.upload_directory(tmp_path / "large", "/d", sync=True)
                else:
                    await client.storage.download_directory("/d", tmp_path / "large", sync=True)

        await cancelled(face, how, work, lambda: len(reads) > 10)
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
            async with face.client(server.url) as client:
                await client.storage.download("/f", local / "to/a")

        with monkeypatch.context() as patch:
            patch.setattr(destination, "sync", slow)
            await cancelled(face, how, work, entered.is_set)
        assert (local / "to/a").read_bytes() in (b"old", CONTENT)
        assert partials(local) == []
        async with face.client(server.url) as client:
            await client.storage.download("/f", local / "to/a")
    assert (local / "to/a").read_bytes() == CONTENT


# Deadlines and silence, on all faces


@pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
@pytest.mark.parametrize("moment", ["sending", "answer", "head", "body"])
@pytest.mark.parametrize("limit", ["deadline", "timeout"])
def test_a_limit_ends_a_transfer(limit: str, moment: str, name: str, local: Path) -> None:
    face, release, options = Face(name), threading.Event(), {limit: 0.4}

    async def body() -> None:
        async with face.client(server.url, max_retries=0) as client:
            begun = time.monotonic()
            with pytest.raises(DeadlineExceeded if limit == "deadline" else VantageTimeoutError):
                if moment in ("head", "body"):
                    await client.storage.download("/f", local / "to/a", **options)
                else:
                    await client.storage.upload(bytes(8 << 20), "/f", **options)
            assert 0.3 < time.monotonic() - begun < BOUND

    with holding(moment, release) as server:
        face.run(body)
        release.set()
    assert (local / "to/a").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
def test_a_deadline_is_for_a_directory_as_a_whole(name: str, local: Path) -> None:
    face = Face(name)
    write(local, {f"from/{number}": b"x" for number in range(20)})

    async def body() -> None:
        async with face.client(server.url) as client:
            begun = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                await client.storage.upload_directory(local / "from", "/d", concurrency=2, deadline=0.5)
            assert time.monotonic() - begun < BOUND

    with MockServer(world="empty", rate_limits=False) as server:
        server.faults.set([{"method": "POST", "delay": 0.1}])
        face.run(body)
        assert 0 < len(server.storage.files()) < 20


def test_a_timeout_is_for_silence_and_not_for_the_whole(local: Path) -> None:
    with MockServer(world="empty") as server, VantageClient("your-api-key", server.url, trust_env=False) as client:
        server.storage.put("/f", CONTENT)
        server.faults.set([{"path": "/v1/storage/files/*/download", "drip": {"bytes": 20 * KIB, "interval": 0.05}}])
        client.storage.download("/f", local / "to/a", timeout=0.4, max_retries=0)
    assert files_of(local / "to")["a"] == CONTENT
