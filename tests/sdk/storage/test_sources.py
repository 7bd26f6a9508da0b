"""What can be uploaded and what cannot, and where it may go."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face

DATA = bytes(range(256)) * 5


class Unseekable(io.RawIOBase):
    """A pipe, as far as reading goes."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)


def sources(tmp_path: Path) -> Iterator[tuple[str, Any]]:
    path = tmp_path / "local.bin"
    path.write_bytes(DATA)
    started = io.BytesIO(b"skipped" + DATA)
    started.seek(7)
    yield "text of a path", str(path)
    yield "path", path
    yield "bytes", DATA
    yield "bytearray", bytearray(DATA)
    yield "memoryview", memoryview(DATA)
    yield "file object from where it stands", started
    yield "pipe", Unseekable(DATA)
    yield "iterator", iter([DATA[:7], b"", DATA[7:]])
    yield "list", [DATA[:7], bytearray(DATA[7:])]
    yield "generator", (DATA[at : at + 100] for at in range(0, len(DATA), 100))


@pytest.mark.parametrize("number", range(10))
async def test_all_kinds_of_sources(number: int, face: Face, server: MockServer, tmp_path: Path) -> None:
    kind, source = list(sources(tmp_path))[number]
    async with face.client(server.url) as client:
        file = await client.storage.upload(source, "/up/data.bin")
        assert file.size == len(DATA), kind
        assert file.checksum == f"sha256:{hashlib.sha256(DATA).hexdigest()}"
    assert server.storage.read("/up/data.bin") == DATA


async def test_an_open_file_stays_open(face: Face, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(DATA)
    with (tmp_path / "f").open("rb") as file:
        async with face.client(server.url) as client:
            await client.storage.upload(file, "/f")
        assert not file.closed
        assert file.tell() == len(DATA)


async def test_an_asynchronous_iterator(face: Face, server: MockServer) -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(DATA), 64):
            yield DATA[at : at + 64]

    async with face.client(server.url) as client:
        if face.is_blocking:
            with pytest.raises(TypeError, match="AsyncVantageClient"):
                await client.storage.upload(pieces(), "/up")
            return
        await client.storage.upload(pieces(), "/up")
    assert server.storage.read("/up") == DATA


@pytest.mark.parametrize(
    ("source", "problem", "said"),
    [
        (7, TypeError, "cannot upload int"),
        (None, TypeError, "cannot upload NoneType"),
        ({"a": b"b"}, TypeError, "cannot upload dict"),
        (io.StringIO("text"), TypeError, "binary mode"),
        (["text"], TypeError, "yield bytes, not str"),
        ("/no/such/file", FileNotFoundError, "No such file"),
        (".", IsADirectoryError, "upload_directory"),
    ],
)
async def test_what_cannot_be_uploaded(source: Any, problem: type[Exception], said: str, face: Face) -> None:
    with MockServer(world="empty") as server:
        async with face.client(server.url) as client:
            with pytest.raises(problem, match=said):
                await client.storage.upload(source, "/up")
        assert server.journal == []


@pytest.mark.parametrize(
    "path",
    ["", "a", "a/b", "/", "/a/", "//a", "/a//b", "/a/../b", "/./a", "/a\0b", "/a\nb", "/" + "x" * 256, "/\ud800"],
)
async def test_paths_that_are_none(path: str, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(ValueError, match="remote_path"):
            await client.storage.upload(b"x", path)
    assert server.journal == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"content_type": "text"}, ValueError),
        ({"content_type": "text/plain\r\nX: y"}, ValueError),
        ({"progress_callback": 7}, TypeError),
        ({"overwrit": True}, TypeError),
        ({"max_retries": -1}, ValueError),
    ],
)
async def test_options_that_are_wrong(options: Any, problem: type[Exception], face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(problem):
            await client.storage.upload(b"x", "/up", **options)
    assert server.storage.files().get("/up") is None
