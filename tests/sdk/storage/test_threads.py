"""Transfers of many tasks, threads and processes at once, over one client."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from mock_server import MockServer
from tests.sdk.test_fork import run as in_process
from tests.sdk.test_threads import together
from tests.support.depot import Depot
from tests.support.directories import write
from tests.support.faces import Face
from tests.support.local_files import tree
from tests.support.scripted import Json, Request, ScriptedServer
from vantage_sdk import AsyncVantageClient, ConflictError, VantageClient
from vantage_sdk.core.transfer import directories, download, upload

KIB = 1 << 10
PATIENCE = 60.0  # seconds


def content(number: int) -> bytes:
    return hashlib.shake_256(b"%d" % number).digest(300 * KIB + number)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file of 300 KiB be what one of 300 MiB is."""
    for module, names in {upload: ("WHOLE",), directories: ("WHOLE",), download: ("KEPT", "PART")}.items():
        for name in names:
            monkeypatch.setattr(module, name, 64 * KIB)
    monkeypatch.setattr(upload, "APART", 256 * KIB)
    monkeypatch.setattr(download, "APART", 256 * KIB)


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("vantage")]


@pytest.mark.parametrize("connections", [2, 20])
@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_more_transfers_than_an_event_loop_has_threads(
    name: str, connections: int, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that wait for bytes must not keep those that fetch them from running."""
    monkeypatch.setattr(download, "APART", 1 << 40)
    face, count, large = Face(name), 45, content(0) * 2
    for number in range(count):
        server.storage.put(f"/{number}", large)
    server.faults.set([{"path": "/v1/storage/files/*/download", "times": count, "delay": 0.05 * connections}])

    async def body() -> None:
        async with face.client(server.url, max_connections=connections) as client:
            with anyio.fail_after(60):
                async with anyio.create_task_group() as group:
                    for number in range(count):
                        group.start_soon(client.storage.download, f"/{number}", tmp_path / str(number))
                async with anyio.create_task_group() as group:
                    for number in range(count):
                        group.start_soon(client.storage.upload, tmp_path / str(number), f"/up/{number}")

    face.run(body)
    assert tree(tmp_path) == {str(number): large for number in range(count)}
    assert all(server.storage.read(f"/up/{number}") == large for number in range(count))


def test_threads_share_a_client(server: MockServer, tmp_path: Path) -> None:
    write(tmp_path, {f"from/{number}": content(number) for number in range(16)})
    with VantageClient("your-api-key", server.url, trust_env=False) as client:

        def work(number: int) -> None:
            for turn in range(3):
                client.storage.upload(tmp_path / "from" / str(number), f"/{number}", overwrite=turn > 0)
                client.storage.download(f"/{number}", tmp_path / f"to-{number}")
                assert (tmp_path / f"to-{number}").read_bytes() == content(number)

        together(work, 16)
    assert alive() == []


def test_threads_fetch_different_files_to_one_place(server: MockServer, tmp_path: Path) -> None:
    for number in range(8):
        server.storage.put(f"/{number}", content(number))
    with VantageClient("your-api-key", server.url, trust_env=False) as client:

        def work(number: int) -> None:
            for _ in range(5):
                client.storage.download(f"/{number}", tmp_path / "f")
                assert (tmp_path / "f").read_bytes() in possible

        possible = {content(number) for number in range(8)}
        together(work, 8)
        together(lambda _: client.storage.download("/0", tmp_path / "f", resume=True), 8)
    assert (tmp_path / "f").read_bytes() == content(0)
    assert os.listdir(tmp_path) == ["f"]


def test_of_threads_that_store_at_one_path_one_wins(server: MockServer, tmp_path: Path) -> None:
    with VantageClient("your-api-key", server.url, trust_env=False) as client:

        def work(number: int) -> bool:
            try:
                return client.storage.upload(content(number), "/f").size == len(content(number))
            except ConflictError:
                return False

        assert sum(together(work, 8)) == 1
    assert server.storage.read("/f") in {content(number) for number in range(8)}


def test_a_failure_ends_what_the_other_threads_do(tmp_path: Path) -> None:
    """One of them compares a file of a tebibyte."""
    (tmp_path / "from").mkdir()
    with (tmp_path / "from" / "a").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "from" / "b").write_bytes(b"b")
    depot, hashing = Depot(b""), threading.Event()

    def script(request: Request, connection: int) -> Any:
        if request.method == "GET" and request.query.get("recursive"):
            large = {**depot.file("/d/a"), "size": 1 << 40}
            return Json(200, {"files": [large], "total": 1, "page": 1, "per_page": 100})
        assert hashing.wait(60)
        return Json(403, {"error": "permission_denied", "message": "no"})

    from vantage_sdk.core.io.sources import FileSource

    usual = FileSource.read

    def read(self: FileSource, offset: int, size: int) -> bytes:
        if offset > 10 << 20:
            hashing.set()
        return usual(self, offset, size)

    with pytest.MonkeyPatch.context() as patch, ScriptedServer(script) as server:
        patch.setattr(FileSource, "read", read)
        with VantageClient("your-api-key", server.url, trust_env=False) as client:
            with pytest.raises(Exception, match="403 permission_denied"):
                client.storage.upload_directory(tmp_path / "from", "/d", sync=True, concurrency=2)
    for thread in threading.enumerate():
        if thread.name.startswith("vantage"):
            thread.join(PATIENCE)
    assert alive() == []


# Event loops


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_a_client_moves_files_in_one_loop_after_the_other(name: str, server: MockServer, tmp_path: Path) -> None:
    client = AsyncVantageClient("your-api-key", server.url, trust_env=False)

    async def body() -> None:
        await client.storage.upload(content(1), "/f", overwrite=True)
        await client.storage.download("/f", tmp_path / "f")

    for _ in range(3):
        Face(name).run(body)
    assert (tmp_path / "f").read_bytes() == content(1)
    asyncio.run(client.aclose())


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_a_blocking_client_moves_files_inside_a_running_loop(name: str, server: MockServer, tmp_path: Path) -> None:
    async def body() -> None:
        told: list[int] = []
        with VantageClient("your-api-key", server.url, trust_env=False) as client:
            client.storage.upload(content(1), "/f", progress_callback=lambda done, _: told.append(done))
            client.storage.download("/f", tmp_path / "f", progress_callback=lambda done, _: told.append(done))
        assert told.count(len(content(1))) == 2

    Face(name).run(body)
    assert (tmp_path / "f").read_bytes() == content(1)


def test_loops_in_several_threads_share_a_client(server: MockServer, tmp_path: Path) -> None:
    client = AsyncVantageClient("your-api-key", server.url, trust_env=False)

    def work(number: int) -> None:
        async def body() -> None:
            await client.storage.upload(content(number), f"/{number}")
            await client.storage.download(f"/{number}", tmp_path / str(number))

        asyncio.run(body())

    together(work, 6)
    assert tree(tmp_path) == {str(number): content(number) for number in range(6)}


# Processes

FORKING = """
    import pathlib
    folder = pathlib.Path(sys.argv[2])
    data = lambda who: (b"%d" % who) * (3 << 20)
    client = VantageClient("your-api-key", sys.argv[1], trust_env=False)

    def move(who):
        (folder / f"from-{who}").write_bytes(data(who))
        client.storage.upload(folder / f"from-{who}", f"/{who}")
        client.storage.download(f"/{who}", folder / f"to-{who}")
        assert (folder / f"to-{who}").read_bytes() == data(who)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_client_moves_files_in_the_processes_forked_from_it(server: MockServer, tmp_path: Path) -> None:
    in_process(
        FORKING
        + """
    move(0)
    pids = [in_child(lambda who=who: move(who)) for who in range(1, 9)]
    move(9)
    all_well(pids)
    client.close()
    """,
        server.url,
        str(tmp_path),
    )
    assert set(server.storage.files()) == {f"/{who}" for who in range(10)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_is_forked_in_the_middle_of_a_transfer(server: MockServer, tmp_path: Path) -> None:
    server.faults.set(
        [{"path": "/v1/storage/files/*/download", "nth": 1, "drip": {"bytes": 1 << 18, "interval": 0.02}}]
    )
    in_process(
        FORKING
        + """
    (folder / "from-0").write_bytes(data(0) * 4)
    client.storage.upload(folder / "from-0", "/0")
    under_way = threading.Event()
    failed = []
    def fetch():
        try:
            client.storage.download("/0", folder / "to-0", progress_callback=lambda *_: under_way.set())
        except BaseException as error:
            failed.append(error)
            raise
    thread = threading.Thread(target=fetch)
    thread.start()
    assert under_way.wait(20)
    all_well([in_child(lambda who=who: move(who)) for who in range(1, 4)])
    thread.join(30)
    assert not failed
    assert (folder / "to-0").read_bytes() == data(0) * 4
    assert not list(folder.glob(".*.part"))
    client.close()
    """,
        server.url,
        str(tmp_path),
    )


def test_a_short_switch_interval_changes_nothing(server: MockServer, tmp_path: Path) -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with VantageClient("your-api-key", server.url, trust_env=False) as client:
            for number in range(5):
                client.storage.upload(content(number), f"/d/{number}")
            for _ in range(5):
                client.storage.download_directory("/d", tmp_path / "copy")
    finally:
        sys.setswitchinterval(usual)
    assert tree(tmp_path / "copy") == {str(number): content(number) for number in range(5)}
