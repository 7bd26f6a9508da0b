"""Where files live: temporary directories that vanish, and state directories that survive even a kill."""

from __future__ import annotations

import errno
import gc
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from mock_server.__main__ import main
from tests.server.storage_calls import Upload, begin, begin_part, checksum, create, metadata, send, sha256
from tests.support.effort import effort

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

MIB = 1024 * 1024
KEY = {"Authorization": "Bearer your-key"}


@contextmanager
def running(*options: str) -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run the command; yields its process and a client."""
    arguments = [sys.executable, "-m", "mock_server", "--port", "0", *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("Listening on ").strip()
            with httpx.Client(base_url=url, headers=KEY, timeout=60) as client:
                yield process, client
        finally:
            process.kill()


def test_nothing_is_made_before_it_is_needed(make_server: Callable[..., MockServer]) -> None:
    server = make_server()
    assert server.app.state._storage is None
    server.reset()
    assert server.app.state._storage is None


@pytest.mark.parametrize("end", ["stop", "reset", "forget"])
def test_a_temporary_directory_ends_with_the_server(end: str) -> None:
    server = MockServer(clock="manual").start()
    directory = server.storage.directory
    assert os.path.isdir(directory)
    if end == "reset":
        server.reset()
        assert not os.path.exists(directory)
        assert server.storage.directory != directory
    server.stop()
    assert not os.path.exists(directory)
    if end == "forget":
        idle = MockServer(clock="manual")
        directory = idle.storage.directory
        assert os.path.isdir(directory)
        del idle
        gc.collect()
        assert not os.path.exists(directory)


def test_a_state_directory_survives(tmp_path: Path, make_client: Callable[..., httpx.Client]) -> None:
    state = tmp_path / "state"
    with MockServer(clock="manual", state=state) as server:
        assert server.storage.directory == str(state)
        client = make_client(server)
        send(client, "/a", b"kept")
        client.delete("/v1/storage/files/file_789")
        upload = begin(client, 5, "/b", sha256=sha256(b"hello"))
        upload.patch(0, b"he")
    with MockServer(clock="manual", state=str(state)) as server:
        client = make_client(server)
        assert server.storage.read("/a") == b"kept"
        assert "/datasets/remote-file.txt" not in server.storage.files()
        again = Upload(client, upload.url)
        assert again.offset == 2
        assert again.patch(2, b"llo").status_code == 204
        assert server.storage.read("/b") == b"hello"
        new = send(client, "/c").json()["id"]
        assert new not in {
            client.get(f"/v1/storage/files?path={path}").json()["files"][0]["id"] for path in ("/a", "/b")
        }


def test_a_reset_empties_a_state_directory(tmp_path: Path) -> None:
    with MockServer(clock="manual", state=tmp_path) as server:
        seeds = server.storage.files()
        server.storage.put("/a", b"x")
        server.storage.delete("/datasets/remote-file.txt")
        server.reset()
        assert server.storage.files() == seeds
        assert len(os.listdir(tmp_path / "blobs")) == len(seeds)


def test_a_state_directory_belongs_to_one_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = MockServer(state=tmp_path)
    with MockServer(state=tmp_path):
        with pytest.raises(ValueError, match="another server uses the state directory"):
            second.start()
        assert main(["--port", "0", "--state", str(tmp_path)]) == 1
        assert str(tmp_path) in capsys.readouterr().err
    with second:
        assert second.storage.files()


def test_a_state_directory_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["--port", "0", "--state", str(tmp_path / "file")]) == 1
    assert "vantage-mock: " in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path), "--world", "empty")
    content = os.urandom(100_000)
    with running(*options) as (process, client):
        send(client, "/form", b"kept")
        upload = begin(client, len(content), "/x", sha256=sha256(content))
        assert upload.patch(0, content[:40_000]).headers["Upload-Offset"] == "40000"

        def dying() -> Iterator[bytes]:
            yield content[40_000:60_000]
            process.send_signal(signal.SIGKILL)
            process.wait()
            yield content[60_000:]

        with pytest.raises(httpx.TransportError):
            upload.patch(40_000, dying())
    (tmp_path / "blobs" / "left-over").write_bytes(b"of a form that was cut by the kill")
    with running(*options) as (_, client):
        upload = Upload(client, upload.url)
        offset = upload.offset
        assert 40_000 <= offset <= 60_000
        rest = content[offset:]
        assert "X-File-Id" in upload.patch(offset, rest, checksum(rest)).headers
        files = {file["path"]: file for file in client.get("/v1/storage/files").json()["files"]}
        assert client.get(f"/v1/storage/files/{files['/x']['id']}/download").content == content
        assert set(files) == {"/form", "/x"}
        assert len(os.listdir(tmp_path / "blobs")) == 2


def test_a_long_piece_is_kept_from_time_to_time(tmp_path: Path) -> None:
    size = 40 * MIB
    with running("--state", str(tmp_path), "--world", "empty") as (process, client):
        upload = begin(client, size, "/x")

        def dying() -> Iterator[bytes]:
            for _ in range(39):
                yield bytes(MIB)
            process.send_signal(signal.SIGKILL)
            process.wait()
            yield bytes(MIB)

        with pytest.raises(httpx.TransportError):
            upload.patch(0, dying(), {"Content-Length": str(size)})
    with running("--state", str(tmp_path), "--world", "empty") as (_, client):
        upload = Upload(client, upload.url)
        offset = upload.offset
        assert 16 * MIB <= offset < 40 * MIB
        assert "X-File-Id" in upload.patch(offset, bytes(size - offset)).headers


def test_nothing_is_acknowledged_before_it_is_on_the_disk(
    tmp_path: Path, make_client: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with MockServer(clock="manual", world="empty", state=tmp_path) as server:
        client = make_client(server)
        upload = begin(client, 5)
        part = begin_part(client, b"part")
        joined = {"Upload-Concat": f"final;{part.url}", "Upload-Metadata": metadata(path="/joined")}
        sync = os.fsync

        def fail(number: int) -> None:
            if stat.S_ISREG(os.fstat(number).st_mode):
                raise OSError(errno.ENOSPC, "no space")
            sync(number)

        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", fail)
            assert upload.patch(0, b"hello").status_code == 507
            assert send(client, "/a").status_code == 507
            assert create(client, joined).status_code == 507
        assert (upload.offset, server.storage.files()) == (0, {})
        assert upload.patch(0, b"hello").status_code == 204
        assert create(client, joined).status_code == 201


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_no_file_is_ever_in_memory(tmp_path: Path) -> None:
    size, limit = effort(120, 300) * MIB, 60 * 1024
    boundary = "b0undary"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="path"\r\n\r\n/form\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    ).encode()

    def zeros() -> Iterator[bytes]:
        for _ in range(size // MIB):
            yield bytes(MIB)

    def form() -> Iterator[bytes]:
        yield head
        yield from zeros()
        yield f"\r\n--{boundary}--\r\n".encode()

    with running("--state", str(tmp_path), "--world", "empty") as (process, client):
        client.get("/v1/storage/files")
        before = peak(process.pid)
        upload = begin(client, size, "/tus")
        assert upload.patch(0, zeros(), {"Content-Length": str(size)}).status_code == 204
        assert peak(process.pid) - before < limit
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = client.post("/v1/storage/files", content=form(), headers=headers)
        assert (answer.status_code, answer.json()["size"]) == (201, size)
        assert peak(process.pid) - before < limit
        with client.stream("GET", answer.headers["Location"] + "/download") as download:
            assert sum(map(len, download.iter_raw())) == size
        assert peak(process.pid) - before < limit


def test_the_quota_of_the_command(tmp_path: Path) -> None:
    with running("--state", str(tmp_path), "--storage-quota", "10", "--world", "empty") as (_, client):
        assert client.options("/v1/storage/files").headers["Tus-Max-Size"] == "10"
        assert send(client, "/a", b"x" * 11).json()["error"] == "quota_exceeded"


def peak(process: int) -> int:
    """Return the most memory that a process has had, in KiB."""
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
