"""Callers, and whole programs, that go away in the middle of a download leave nothing on standard error."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

from mock_server import MockServer
from mock_server.storage.blobs import BlobReader
from tests.server.conftest import raw_get

SIZE = 8 << 20
CALLERS = 3  # fewer than the threads that read


def test_a_caller_who_goes_away_while_the_disk_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read, reading, go = BlobReader.read, threading.Semaphore(0), threading.Event()
    closing, closed = BlobReader.close, threading.Semaphore(0)
    reports: list[dict[str, Any]] = []

    def held(self: BlobReader, start: int, size: int) -> bytes:
        reading.release()
        assert go.wait(60)
        return read(self, start, size)

    def close(self: BlobReader) -> None:
        closing(self)
        closed.release()

    monkeypatch.setattr(BlobReader, "read", held)
    monkeypatch.setattr(BlobReader, "close", close)
    with MockServer(clock="manual", world="empty") as server:
        assert server._loop is not None
        server._loop.loop.set_exception_handler(lambda _, context: reports.append(context))
        server.storage.put("/f", bytes(SIZE))
        path = f"/v1/storage/files/{server.app.state.storage.catalogue.file_at('/f').id}/download"
        for _ in range(CALLERS):
            with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as sock:
                sock.sendall(raw_get(path))
                assert reading.acquire(timeout=60)
        connections: Any = server._listeners[0]
        while connections._connections.connections:  # until the server knows
            server._call(bool)
        go.set()
        for _ in range(CALLERS):
            assert closed.acquire(timeout=60)
    gc.collect()
    assert reports == []


def test_a_program_that_ends_without_stopping_its_server() -> None:
    script = """
    import atexit, concurrent.futures.thread, socket, sys, threading
    from mock_server import MockServer
    from mock_server.storage.blobs import BlobReader
    from tests.server.conftest import raw_get

    read, reading = BlobReader.read, threading.Event()

    def until_the_end(self, start, size):
        reading.set()
        while not concurrent.futures.thread._shutdown:
            threading.Event().wait(0.001)
        return read(self, start, size)

    def last():
        while sock.recv(1 << 20):
            pass
        print("the connection ended")

    BlobReader.read = until_the_end
    server = MockServer(clock="manual", world="empty").start()
    server.storage.put("/f", bytes(8 << 20))
    path = f"/v1/storage/files/{server.app.state.storage.catalogue.file_at('/f').id}/download"
    sock = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    sock.sendall(raw_get(path))
    reading.wait(60)
    atexit.register(last)
    """
    text = textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", text], check=False, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout == "the connection ended\n"
