"""The documented snippets about files, run word for word against a fresh server each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.contract.test_snippets import run
from vantage_sdk import VantageClient

LARGE = bytes(range(256)) * (40 << 10)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VANTAGE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def client(server: MockServer) -> Iterator[VantageClient]:
    with VantageClient(api_key="your-api-key", base_url=server.url, trust_env=False) as client:
        yield client


def test_storage_list(client: VantageClient, server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    files = run("001_storage_list.py", client=client)["files"]
    first, recursive, detailed = ({part.partition("=")[0]: part for part in r.query.split("&")} for r in server.journal)
    assert first.keys() <= {"path", "limit"}
    assert recursive["recursive"] == "recursive=true"
    assert detailed.keys() >= {"include_size", "include_metadata"}
    assert capsys.readouterr().out.splitlines() == [f"{file.path} ({file.size} bytes)" for file in files]
    assert {"/datasets/remote-file.txt", "/datasets/remote-dir"} <= {file.path for file in files}


def test_storage_upload(client: VantageClient, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "local-file.txt").write_text("local")
    (tmp_path / "local-dir" / "inner").mkdir(parents=True)
    (tmp_path / "local-dir" / "a.txt").write_text("a")
    (tmp_path / "local-dir" / "inner" / "b.txt").write_text("")
    (tmp_path / "large-file.tar.gz").write_bytes(LARGE)
    with MockServer(world="empty") as server:  # because uploads replace nothing, the targets must be free
        with VantageClient(api_key="your-api-key", base_url=server.url, trust_env=False) as other:
            run("001_storage_upload.py", client=other)
        assert server.storage.files() == {
            "/datasets/hello.txt": 12,
            "/datasets/large-file.tar.gz": len(LARGE),
            "/datasets/remote-dir/a.txt": 1,
            "/datasets/remote-dir/inner/b.txt": 0,
            "/datasets/remote-file.txt": 5,
        }
        assert server.storage.read("/datasets/hello.txt") == b"Hello World!"
        assert server.storage.read("/datasets/large-file.tar.gz") == LARGE
    assert capsys.readouterr().out.splitlines()[-1] == "Upload progress: 100.0%"


def test_storage_download(client: VantageClient, server: MockServer, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    names: dict[str, Any] = {"client": client, "progress_callback": lambda done, total: told.append((done, total))}
    content = run("001_storage_download.py", **names)["content"]
    stored = server.storage
    assert content == stored.read("/datasets/small-file.txt").decode()
    assert (tmp_path / "local-file.txt").read_bytes() == stored.read("/datasets/remote-file.txt")
    assert (tmp_path / "large-file.tar.gz").read_bytes() == stored.read("/datasets/large-file.tar.gz")
    below = {path.removeprefix("/datasets/remote-dir/") for path in stored.files() if "/remote-dir/" in path}
    found = {path.relative_to("local-dir").as_posix() for path in Path("local-dir").rglob("*") if path.is_file()}
    assert found == below
    assert len(below) >= 3
    size = stored.files()["/datasets/large-file.tar.gz"]
    assert told[-1] == (size, size)
