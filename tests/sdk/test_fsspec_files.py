"""Files that fsspec opens: stored whole or not at all, also compressed and in a transaction, with the errors of files."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mock_server import MockServer
from vantage_sdk import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    ResourceNotFoundError,
    ServerError,
    TransferError,
    VantageClient,
)
from vantage_sdk.fs import VantageFileSystem
from vantage_sdk.testing import instant_retries


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(world="empty", rate_limits=False) as running:
        running.storage.put("/a.txt", b"a")
        yield running


@pytest.fixture
def fs(server: MockServer) -> Iterator[Any]:
    with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0) as client:
        yield VantageFileSystem(client=client)


def test_errors_are_those_of_files(fs: Any, server: MockServer) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        fs.open("/nothing")
    assert isinstance(missing.value.__cause__, ResourceNotFoundError)
    assert missing.value.filename == "/nothing"
    with pytest.raises(FileExistsError) as there:
        fs.open("/a.txt", "xb")
    assert isinstance(there.value.__cause__, ConflictError)
    with pytest.raises(FileExistsError):
        fs.pipe_file("/a.txt", b"", mode="create")
    with pytest.raises(FileExistsError), fs.open("/late", "x") as file:
        server.storage.put("/late", b"somebody else's")
        file.write("mine")
    server.faults.set("POST *: 403*")
    for way in (lambda: fs.pipe("/new", b""), lambda: fs.open("/new", "wb").close()):
        with pytest.raises(PermissionError) as refused:
            way()
        assert isinstance(refused.value.__cause__, AuthorizationError)
    server.faults.set("*: 401*")
    with pytest.raises(AuthenticationError):
        fs.cat("/a.txt")
    for mode in ("ab", "a", "r+b", "q"):
        with pytest.raises(ValueError):
            fs.open("/a.txt", mode)
    with pytest.raises(TypeError, match="'blocksize'"):
        fs.open("/a.txt", blocksize=3)


@pytest.mark.parametrize(
    ("mode", "compression"), [("wb", None), ("w", None), ("wb", "gzip"), ("w", "gzip"), ("xb", "bz2"), ("wt", "infer")]
)
def test_a_file_is_stored_whole_or_not_at_all(mode: str, compression: str | None, fs: Any, server: MockServer) -> None:
    text = "b" not in mode
    with pytest.raises(RuntimeError, match="stop"), fs.open("/new.gz", mode, compression=compression) as file:
        file.write("text" if text else b"bytes")
        raise RuntimeError("stop")
    assert file.closed
    assert [*server.storage.files()] == ["/a.txt"]
    file = fs.open("/new.gz", mode, compression=compression)
    file.write("text" if text else b"bytes")
    with pytest.warns(ResourceWarning, match=r"/new\.gz was never closed"):  # noqa: PT031
        del file
        gc.collect()
    assert [*server.storage.files()] == ["/a.txt"]
    words = {"encoding": "utf-16"} if text else {}
    with fs.open("/new.gz", mode, compression=compression, **words) as file:
        file.write("text" if text else b"bytes")
    assert file.stored.path == "/new.gz"
    with fs.open("/new.gz", mode.replace("w", "r").replace("x", "r"), compression=compression, **words) as file:
        assert file.read() == ("text" if text else b"bytes")


def test_a_file_that_cannot_be_compressed_into_place_is_not_stored(fs: Any, server: MockServer) -> None:
    server.faults.set("POST *: 400*")
    file = fs.open("/new.gz", "wb", compression="gzip")
    file.write(b"x")
    with pytest.raises(Exception, match="400"):
        file.close()
    file.close()
    assert [*server.storage.files()] == ["/a.txt"]


def test_a_compressed_file_that_fails_midway_stays_failed(fs: Any, server: MockServer) -> None:
    server.faults.set("PATCH *: 500*")
    with instant_retries():
        file = fs.open("/new.gz", "wb", compression="gzip")
        with pytest.raises(ServerError):
            file.write(os.urandom(9 << 20))
        assert file.failed
        with pytest.raises(TransferError, match="not stored"):
            file.close()
        file.close()
    assert [*server.storage.files()] == ["/a.txt"]


def test_a_compressor_with_much_left_to_say_may_fail_to(fs: Any, server: MockServer) -> None:
    server.faults.set("PATCH *: 500*")
    with instant_retries():
        file = fs.open("/new.bz2", "wb", compression="bz2")
        file.write(os.urandom(8_800_000))  # bz2 keeps blocks of 900 kB, so the end of a piece comes with its last one
        with pytest.raises(ServerError):
            file.close()
        file.close()
    assert [*server.storage.files()] == ["/a.txt"]
    assert server.storage.uploads() == []


def test_a_transaction_stores_all_or_nothing(fs: Any, server: MockServer) -> None:
    with pytest.raises(RuntimeError), fs.transaction:
        for name in ("/t/1", "/t/2"):
            with fs.open(name, "wb") as file:
                file.write(b"x")
        raise RuntimeError
    assert not fs.exists("/t")
    with fs.transaction:
        with fs.open("/t/1", "wb") as file:
            file.write(b"x")
        with fs.open("/t/2", "w") as file:
            file.write("text")
        assert not fs.exists("/t")
    assert server.storage.read("/t/1") + server.storage.read("/t/2") == b"xtext"


def test_a_version_is_read_to_its_end_or_not(fs: Any, server: MockServer) -> None:
    server.storage.put("/large", bytes(1 << 20))
    with fs.open("/large", block_size=1 << 18) as file:
        file.read(10)
        server.storage.put("/large", b"\1" * (1 << 20))
        with pytest.raises(TransferError, match="replaced"):
            file.read()


def test_large_files_take_the_ways_of_other_transfers(fs: Any, server: MockServer) -> None:
    content = os.urandom(9 << 20)
    with fs.open("/large", "wb") as file:
        file.write(content)
    pieces = [int(dict(record.headers)["content-length"]) for record in server.journal if record.method == "PATCH"]
    assert (pieces[0], sum(pieces)) == (8 << 20, len(content))
    with fs.open("/large", block_size=1 << 20) as file:
        assert b"".join(iter(lambda: file.read(100_000), b"")) == content
    asked = [dict(record.headers).get("range") for record in server.journal if record.path.endswith("/download")]
    assert asked[:3] == ["bytes=0-262143", "bytes=262144-1310719", "bytes=1310720-2359295"]  # ahead of who reads


def test_what_cannot_be_moved_stays(fs: Any, server: MockServer) -> None:
    with pytest.raises(FileNotFoundError):
        fs.mv("/nothing", "/new")
    server.faults.set("POST /v1/storage/files: 403*")
    with pytest.raises(PermissionError):
        fs.mv("/a.txt", "/new")
    server.faults.clear()
    server.storage.put("/d/below", b"b")
    with pytest.raises(FileExistsError):
        fs.mv("/a.txt", "/d/below/c")
    assert server.storage.files() == {"/a.txt": 1, "/d/below": 1}


def test_the_url_is_known_without_being_registered(server: MockServer) -> None:
    program = "import fsspec, sys\nwith fsspec.open('vantage://a.txt') as file: assert file.read() == b'a'"
    environment = {**os.environ, "VANTAGE_API_KEY": "your-api-key", "VANTAGE_BASE_URL": server.url}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
