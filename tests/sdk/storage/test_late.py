"""What comes late: a thread that is at it when its task is cancelled, and Ctrl-C when a transfer is as good as done."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.contract.reference import ROOT
from tests.support.directories import write
from tests.support.intake import KIB, Intake, shrink
from tests.support.scripted import Reply, Request, ScriptedServer, Wait
from vantage_sdk import AsyncVantageClient, VantageClient
from vantage_sdk.core.io.abort import Stopped
from vantage_sdk.core.io.folder import Folder
from vantage_sdk.core.io.partial_file import PartialFile

CONTENT = hashlib.shake_256(b"late").digest(300 * KIB + 7)
PATIENCE = 60.0  # seconds; what would be waited for takes longer


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("size", [1000, len(CONTENT)])
def test_a_commit_that_comes_late_touches_no_file_of_another(
    size: int, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread has taken the job up when its task is cancelled; the descriptors it knows are soon somebody else's."""
    started, go_on, done, usual = threading.Event(), threading.Event(), threading.Event(), PartialFile.commit
    ends: list[BaseException] = []

    def late(*args: Any) -> None:
        started.set()
        go_on.wait(2 * PATIENCE)
        try:
            usual(*args)
        except BaseException as error:
            ends.append(error)
            raise
        finally:
            done.set()

    monkeypatch.setattr(PartialFile, "commit", late)
    target, secret = tmp_path / "target", tmp_path / "secret"
    target.write_bytes(b"old")
    target.chmod(0o644)
    secret.write_bytes(b"key")
    secret.chmod(0o600)
    server.storage.put("/f", CONTENT[:size])

    async def body() -> None:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False) as client:
            task = asyncio.ensure_future(client.storage.download("/f", target))
            await until(started.is_set)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, PATIENCE)
            held = [os.open(path, os.O_RDONLY) for path in (tmp_path, secret, secret)]
            go_on.set()
            assert done.wait(PATIENCE)
            for fd in held:
                os.close(fd)

    asyncio.run(body())
    assert [type(error) for error in ends] == [Stopped]
    assert target.read_bytes() == b"old"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_ctrl_c_after_a_file_took_its_place_does_not_say_that_it_has_not(
    server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strike(folder: Folder) -> None:
        raise KeyboardInterrupt

    server.storage.put("/f", CONTENT)
    monkeypatch.setattr(Folder, "sync", strike)
    with (
        VantageClient("your-api-key", server.url, trust_env=False) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        client.storage.download("/f", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert getattr(caught.value, "__notes__", []) == []


def test_ctrl_c_while_threads_are_started_keeps_them_from_all_that_is_left(
    server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {f"d/{number}": b"x" for number in range(30)})
    started, usual = list[threading.Thread](), threading.Thread.start

    def strike(thread: threading.Thread) -> None:
        usual(thread)
        if thread.name.startswith("vantage-crew"):
            started.append(thread)
            if len(started) == 2:
                raise KeyboardInterrupt

    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", strike)
            with pytest.raises(KeyboardInterrupt):
                client.storage.upload_directory(tmp_path / "d", "/d")
        at_once = len(server.storage.files())
        for thread in started:
            thread.join(60)
    assert len(server.storage.files()) <= at_once + len(started)


# An iterator whose server is silent, also to the request that removes the upload


def silent(hang: threading.Event) -> ScriptedServer:
    def rule(request: Request) -> Any:
        return [Wait(hang), Reply(500)] if request.method in ("PATCH", "HEAD", "DELETE") else None

    return ScriptedServer(Intake(rule), patience=2 * PATIENCE)


def asked(server: ScriptedServer) -> bool:
    return any(request.method == "PATCH" for request in server.requests)


def pieces() -> Iterator[bytes]:
    while True:
        yield bytes(64 * KIB)


def test_cancelling_the_upload_of_an_iterator_waits_for_no_answer() -> None:
    hang = threading.Event()

    async def body() -> None:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False, timeout=600) as client:
            task = asyncio.ensure_future(client.storage.upload(pieces(), "/f"))
            await until(lambda: asked(server))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, PATIENCE)

    with silent(hang) as server:
        try:
            asyncio.run(body())
        finally:
            hang.set()


PROGRAM = """
import sys
from vantage_sdk import VantageClient
def pieces():
    while True:
        yield bytes(1 << 20)
VantageClient("your-api-key", sys.argv[1], trust_env=False, timeout=600).storage.upload(pieces(), "/f")
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_in_the_upload_of_an_iterator_waits_for_no_answer() -> None:
    hang = threading.Event()
    with silent(hang) as server:
        command = [sys.executable, "-c", PROGRAM, server.url]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as program:
            end = time.monotonic() + PATIENCE
            try:
                while not asked(server):
                    assert program.poll() is None
                    assert time.monotonic() < end, "it never began"
                    threading.Event().wait(0.005)
                program.send_signal(signal.SIGINT)
                _, said = program.communicate(timeout=PATIENCE)
            finally:
                program.kill()
                hang.set()
    assert "KeyboardInterrupt" in said
