"""The storage as a file system of fsspec: names, lists, bytes and errors."""

from __future__ import annotations

import gc
import gzip
import io
import os
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.callbacks import Callback

from mock_server import MockServer
from tests.contract.reference import ROOT
from vantage_sdk import VantageClient
from vantage_sdk.fs import VantageFileSystem

TREE = {"/a.txt": b"a", "/data/one.csv": b"x,y\n1,2\n", "/data/two.csv": b"x\n", "/data/deep/er/three.bin": bytes(99)}


@pytest.fixture(autouse=True)
def _registered() -> None:
    fsspec.register_implementation("vantage", VantageFileSystem, clobber=True)


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(world="empty", rate_limits=False) as running:
        for path, content in TREE.items():
            running.storage.put(path, content)
        yield running


@pytest.fixture
def fs(server: MockServer) -> Iterator[Any]:
    with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0) as client:
        yield VantageFileSystem(client=client)
    VantageFileSystem.clear_instance_cache()


@pytest.fixture
def options(server: MockServer) -> Iterator[dict[str, Any]]:
    yield {"api_key": "your-api-key", "base_url": server.url, "trust_env": False}
    VantageFileSystem.clear_instance_cache()
    gc.collect()


def test_the_url_is_announced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["fsspec.specs"] == {"vantage": "vantage_sdk.fs:VantageFileSystem"}


def test_a_url_is_a_remote_path(options: dict[str, Any]) -> None:
    fs, path = fsspec.core.url_to_fs("vantage://data/one.csv", **options)
    assert isinstance(fs, VantageFileSystem)
    assert path == "/data/one.csv"
    assert fs is fsspec.filesystem("vantage", **options)
    for same in ("vantage://data/one.csv", "vantage:///data/one.csv", "data/one.csv", "/data/one.csv/"):
        assert fs._strip_protocol(same) == "/data/one.csv"
    assert fs._strip_protocol("vantage://") == fs._strip_protocol("/") == "/"
    assert fs._strip_protocol(["vantage://a", Path("/b")]) == ["/a", "/b"]
    assert fs.unstrip_protocol("/data/one.csv") == "vantage://data/one.csv"
    assert [fs._parent(name) for name in ("/a/b", "/a", "/")] == ["/a", "/", "/"]


def test_urls_are_opened(options: dict[str, Any], server: MockServer) -> None:
    with fsspec.open("vantage://data/one.csv", **options) as file:
        assert file.read() == TREE["/data/one.csv"]
    with fsspec.open("vantage://data/one.csv", "rt", newline="", **options) as text:
        assert text.readline() == "x,y\n"
    with fsspec.open("vantage://new.txt", "w", **options) as text:
        text.write("grün")
    assert server.storage.read("/new.txt") == "grün".encode()
    with fsspec.open("vantage://new.csv.gz", "wb", compression="infer", **options) as file:
        file.write(b"x" * 10_000)
    assert gzip.decompress(server.storage.read("/new.csv.gz")) == b"x" * 10_000
    with fsspec.open("vantage://new.csv.gz", "rt", compression="gzip", **options) as text:
        assert text.read(3) == "xxx"
    files = fsspec.open_files("vantage://data/*.csv", **options)
    assert [file.path for file in files] == ["/data/one.csv", "/data/two.csv"]


def test_directories_are_what_paths_have_in_common(fs: Any) -> None:
    assert fs.ls("", detail=False) == ["/a.txt", "/data"]
    assert fs.ls("vantage://data/", detail=False) == ["/data/deep", "/data/one.csv", "/data/two.csv"]
    assert [(one["name"], one["type"], one["size"]) for one in fs.ls("/data")] == [
        ("/data/deep", "directory", 0),
        ("/data/one.csv", "file", 8),
        ("/data/two.csv", "file", 2),
    ]
    assert fs.ls("/a.txt", detail=False) == ["/a.txt"]
    with pytest.raises(FileNotFoundError):
        fs.ls("/nothing")
    fs.mkdir("/empty")
    fs.makedirs("/empty/er", exist_ok=True)
    fs.rmdir("/data")
    assert not fs.exists("/empty")
    assert fs.exists("/data")


def test_what_is_known_of_a_file(fs: Any) -> None:
    info = fs.info("/data/one.csv")
    assert info == next(one for one in fs.ls("/data") if one["name"] == "/data/one.csv")
    assert (info["type"], info["size"], info["content_type"]) == ("file", 8, "text/csv")
    assert info["checksum"].startswith("sha256:")
    assert fs.info("/data") == {"name": "/data", "size": 0, "type": "directory"}
    assert fs.info("")["type"] == "directory"
    assert fs.size("/data/one.csv") == 8
    assert isinstance(fs.created("/a.txt"), datetime)
    assert fs.modified("/a.txt") >= fs.created("/a.txt")
    assert fs.modified("/data") is None
    with pytest.raises(FileNotFoundError):
        fs.info("/data/on")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/a.txt", "file"),
        ("/data", "directory"),
        ("/dat", None),
        ("/a.txt/b", None),
        ("/a//b", None),
        ("/", "directory"),
    ],
)
def test_it_is_known_what_exists(path: str, kind: str | None, fs: Any) -> None:
    assert (fs.exists(path), fs.isfile(path), fs.isdir(path)) == (kind is not None, kind == "file", kind == "directory")


def test_a_failure_is_not_taken_for_absence(fs: Any, server: MockServer) -> None:
    server.faults.set("*: 503*")
    for question in (fs.exists, fs.isfile, fs.isdir):
        with pytest.raises(Exception, match="503"):
            question("/a.txt")


def test_trees_are_found_walked_and_globbed(fs: Any, server: MockServer) -> None:
    before = len(server.journal)
    assert fs.find("/data") == ["/data/deep/er/three.bin", "/data/one.csv", "/data/two.csv"]
    assert len(server.journal) == before + 1
    assert fs.find("/") == sorted(TREE)
    assert fs.find("/data", maxdepth=1) == ["/data/one.csv", "/data/two.csv"]
    both = fs.find("/data", withdirs=True, detail=True)
    assert [*both] == ["/data", "/data/deep", "/data/deep/er", *fs.find("/data")]
    assert both["/data/deep"] == fs.info("/data/deep")
    assert fs.find("/a.txt") == ["/a.txt"]
    assert fs.find("/nothing") == []
    assert list(fs.walk("/data")) == [
        ("/data", ["deep"], ["one.csv", "two.csv"]),
        ("/data/deep", ["er"], []),
        ("/data/deep/er", [], ["three.bin"]),
    ]
    assert fs.glob("data/*.csv") == ["/data/one.csv", "/data/two.csv"]
    assert fs.glob("vantage://**/*.bin") == ["/data/deep/er/three.bin"]
    assert fs.glob("*") == ["/a.txt", "/data"]
    assert fs.du("/data") == 8 + 2 + 99


def test_bytes_and_parts_of_files(fs: Any) -> None:
    content = TREE["/data/one.csv"]
    for start, end in [(None, None), (2, None), (2, 5), (-3, None), (None, -1), (-3, -1), (5, 2), (3, 99), (90, 99)]:
        assert fs.cat_file("/data/one.csv", start, end) == content[start:end], (start, end)
    assert fs.cat(["/a.txt", "/data/two.csv"]) == {"/a.txt": b"a", "/data/two.csv": b"x\n"}
    assert fs.cat_ranges(["/a.txt", "/data/one.csv"], [0, 2], [1, 4]) == [b"a", content[2:4]]
    assert fs.head("/data/one.csv", 3) == content[:3]
    assert fs.tail("/data/one.csv", 3) == content[-3:]
    assert fs.read_block("/data/one.csv", 1, 3, b"\n") == content[4:]
    assert fs.read_text("/data/one.csv") == content.decode()
    mapper = fs.get_mapper("data")
    assert mapper["two.csv"] == b"x\n"
    mapper["new"] = b"new"
    assert fs.cat("/data/new") == b"new"


def test_a_version_has_a_number(fs: Any) -> None:
    before = (fs.checksum("/a.txt"), fs.ukey("/a.txt"))
    assert before == (fs.checksum("/a.txt"), fs.ukey("/a.txt"))
    fs.pipe("/a.txt", b"other")
    assert fs.checksum("/a.txt") != before[0]
    assert fs.ukey("/a.txt") != before[1]
    with pytest.raises(NotImplementedError):
        fs.sign("/a.txt")


def test_files_go_up_and_down_with_their_progress(fs: Any, server: MockServer, tmp_path: Path) -> None:
    content = os.urandom(10 << 20)
    (tmp_path / "local").write_bytes(content)
    up, down = Callback(), Callback()
    fs.put_file(tmp_path / "local", "vantage://up/file", callback=up)
    assert server.storage.read("/up/file") == content
    fs.get_file("/up/file", tmp_path / "made" / "here", callback=down)
    assert (tmp_path / "made" / "here").read_bytes() == content
    for callback in (up, down):
        assert (callback.size, callback.value) == (len(content), len(content))
    room = io.BytesIO()
    fs.get_file("/data/one.csv", room)
    fs.get_file("/a.txt", outfile=room)
    assert room.getvalue() == TREE["/data/one.csv"] + b"a"
    fs.put(str(tmp_path), "/tree", recursive=True)
    assert fs.find("/tree") == ["/tree/local", "/tree/made/here"]
    fs.get_file("/tree/made", tmp_path / "folder")
    assert (tmp_path / "folder").is_dir()
    with pytest.raises(FileNotFoundError):
        fs.get_file("/nothing", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_files_are_copied_moved_and_removed(fs: Any, server: MockServer) -> None:
    fs.cp("/data/one.csv", "/copy.bin")
    assert fs.info("/copy.bin")["content_type"] == "text/csv"
    fs.cp("/data", "/twin", recursive=True)
    assert server.storage.read("/twin/deep/er/three.bin") == bytes(99)
    fs.mv("/copy.bin", "vantage://moved")
    assert not fs.exists("/copy.bin")
    fs.mv("/moved", "vantage://moved")
    fs.cp_file("/moved", "moved")
    assert server.storage.read("/moved") == TREE["/data/one.csv"]
    fs.mv("/twin", "/moved-twin", recursive=True)
    assert [name.removeprefix("/moved-twin") for name in fs.find("/moved-twin")] == [
        name.removeprefix("/data") for name in fs.find("/data")
    ]
    fs.rm_file("/moved")
    fs.rm("/moved-twin", recursive=True)
    fs.rm(["/a.txt", "/data/one.csv"])
    with pytest.raises(FileNotFoundError):
        fs.rm("/data")
    assert fs.find("/") == ["/data/deep/er/three.bin", "/data/two.csv"]
