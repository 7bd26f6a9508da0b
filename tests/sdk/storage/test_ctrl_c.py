"""Ctrl-C in the middle of a transfer ends the program at once; the next one goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.contract.reference import ROOT
from tests.support.content import HUGE as CONTENT
from tests.support.directories import write
from vantage_sdk import VantageClient

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
PATIENCE = 60.0  # seconds; what the program would wait for without being interrupted takes longer

PROGRAM = """
import sys
from vantage_sdk import AsyncVantageClient, VantageClient
face, verb, source, target, url = sys.argv[1:]
options = dict(api_key="your-api-key", base_url=url, trust_env=False)
if face == "blocking":
    with VantageClient(**options) as client:
        getattr(client.storage, verb)(source, target)
else:
    async def main():
        async with AsyncVantageClient(**options) as client:
            await getattr(client.storage, verb)(source, target)
    if face == "asyncio":
        import asyncio
        asyncio.run(main())
    else:
        import trio
        trio.run(main)
"""


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(world="empty", rate_limits=False) as running:
        running.storage.put("/f", CONTENT)
        for number in range(30):
            running.storage.put(f"/d/{number}", CONTENT[: 1 << 20])
        yield running


@pytest.fixture
def local(tmp_path: Path) -> Path:
    write(tmp_path, {"from/f": CONTENT, "to/f": b"old"})
    write(tmp_path, {f"many/{number}": CONTENT[: 1 << 20] for number in range(30)})
    return tmp_path


def interrupted(face: str, verb: str, source: str, target: str, server: MockServer, begun: Callable[[], bool]) -> None:
    """Run a transfer in a process of its own, and interrupt it once it has begun."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, face, verb, source, target, server.url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as program:
        end = time.monotonic() + PATIENCE
        try:
            while not begun():
                assert program.poll() is None
                assert time.monotonic() < end, "it never began"
                threading.Event().wait(0.005)
            program.send_signal(signal.SIGINT)
            _, said = program.communicate(timeout=PATIENCE)
        finally:
            program.kill()
    assert "KeyboardInterrupt" in said
    assert "Exception ignored" not in said
    assert "Traceback" in said
    assert program.returncode != 0


def taken(server: MockServer) -> int:
    """Return how many bytes the server took in pieces."""
    return sum(record.body_size for record in server.journal if record.method == "PATCH" and record.status == 204)


def patches(server: MockServer) -> int:
    return sum(record.method == "PATCH" for record in server.journal)


def downloads(server: MockServer) -> int:
    return sum(record.path.endswith("/download") and record.status is not None for record in server.journal)


FACES = ["blocking", "asyncio", "trio"]


@pytest.mark.parametrize("face", FACES)
def test_an_upload_is_gone_on_with(face: str, server: MockServer, local: Path, records: Path) -> None:
    server.faults.set([{"method": "PATCH", "start": 2, "delay": 600}])
    interrupted(face, "upload", str(local / "from/f"), "/up", server, lambda: patches(server) >= 2)
    assert "/up" not in server.storage.files()
    assert len(os.listdir(records)) == 1
    server.faults.clear()
    before = taken(server)
    assert before > 0
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        client.storage.upload(local / "from/f", "/up", resume=True)
    assert taken(server) - before < len(CONTENT)
    assert server.storage.read("/up") == CONTENT
    assert os.listdir(records) == []


@pytest.mark.parametrize("face", FACES)
def test_a_download_is_gone_on_with(face: str, server: MockServer, local: Path, records: Path) -> None:
    server.faults.set([{"path": "/v1/storage/files/*/download", "drip": {"bytes": 1 << 20, "interval": 0.02}}])
    target = local / "to/f"

    def begun() -> bool:
        return any(os.stat(path).st_size > 16 << 20 for path in target.parent.glob(".f.*.part"))

    interrupted(face, "download", "/f", str(target), server, begun)
    assert target.read_bytes() == b"old"
    assert len(list(target.parent.iterdir())) == 2
    assert len(os.listdir(records)) == 1
    server.faults.clear()
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        client.storage.download("/f", target, resume=True)
    asked = dict(server.journal[-1].headers)["range"]
    assert int(asked.removeprefix("bytes=").partition("-")[0]) > 8 << 20
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["f"]
    assert os.listdir(records) == []


@pytest.mark.parametrize("face", FACES)
def test_a_directory_is_gone_on_with_up(face: str, server: MockServer, local: Path) -> None:
    server.faults.set([{"method": "POST", "start": 11, "delay": 600}])
    posts = "POST /v1/storage/files"

    def begun() -> bool:
        return sum(f"{record.method} {record.path}" == posts for record in server.journal) >= 15

    interrupted(face, "upload_directory", str(local / "many"), "/up", server, begun)
    there = {path for path in server.storage.files() if path.startswith("/up/")}
    assert 0 < len(there) < 30
    server.faults.clear()
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        report = client.storage.upload_directory(local / "many", "/up", sync=True)
    assert len(report.skipped) >= len(there)
    assert len(report.done) + len(report.skipped) == 30


@pytest.mark.parametrize("face", FACES)
def test_a_directory_is_gone_on_with_down(face: str, server: MockServer, local: Path) -> None:
    server.faults.set(
        [{"path": "/v1/storage/files/*/download", "start": 11, "drip": {"bytes": 1 << 16, "interval": 60}}]
    )
    target = local / "new"
    interrupted(face, "download_directory", "/d", str(target), server, lambda: downloads(server) >= 15)
    names = {path.name for path in target.iterdir()}
    assert 0 < len(names) < 30
    assert all((target / name).read_bytes() == CONTENT[: 1 << 20] for name in names)
    server.faults.clear()
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        report = client.storage.download_directory("/d", target, sync=True)
    assert len(report.skipped) == len(names)
    assert len(report.done) == 30 - len(names)
