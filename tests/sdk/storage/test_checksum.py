"""``checksum=False``: nothing is hashed, sizes still are compared, and the default finds what it lets through."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from vantage_sdk import IntegrityError
from vantage_sdk.core.io import hashing, sources
from vantage_sdk.core.transfer import checksums, incoming, outgoing, upload

CONTENT = hashlib.shake_256(b"checksum").digest((8 << 20) + 7)
FEW = CONTENT[:1000]
SIZES = pytest.mark.parametrize("content", [FEW, CONTENT], ids=["small", "large"])


@pytest.fixture
def unhashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail as soon as a digest is computed."""

    class NoHashes:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            raise AssertionError(f"{name} was asked for")

    for module in (hashing, sources, incoming, outgoing, checksums, upload):
        if hasattr(module, "hashlib"):
            monkeypatch.setattr(module, "hashlib", NoHashes())
    monkeypatch.setattr(checksums, "Crc32c", NoHashes().__getattr__)


@SIZES
@pytest.mark.usefixtures("unhashed")
async def test_nothing_is_hashed(face: Face, server: MockServer, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "f").write_bytes(content)
    async with face.client(server.url) as client:
        await client.storage.upload(tmp_path / "up" / "f", "/a/f", checksum=False)
        await client.storage.upload(content, "/a/g", checksum=False)
        await client.storage.upload_directory(tmp_path / "up", "/b", checksum=False)
        await client.storage.download("/a/f", tmp_path / "down", checksum=False)
        await client.storage.download_directory("/a", tmp_path / "all", checksum=False)
    assert [server.storage.read(path) for path in ("/a/f", "/a/g", "/b/f")] == [content] * 3
    found = [tmp_path / "down", tmp_path / "all" / "f", tmp_path / "all" / "g"]
    assert [path.read_bytes() for path in found] == [content] * 3


@SIZES
async def test_wrong_bytes_are_found_by_default_only(
    face: Face, server: MockServer, tmp_path: Path, content: bytes
) -> None:
    server.faults.set([{"method": "GET", "path": "/v1/storage/files*", "wrong_checksum": True}])
    server.storage.put("/f", content)
    async with face.client(server.url) as client:
        with pytest.raises(IntegrityError):
            await client.storage.download("/f", tmp_path / "down")
        assert not (tmp_path / "down").exists()
        await client.storage.download("/f", tmp_path / "down", checksum=False)
    assert (tmp_path / "down").read_bytes() == content


async def test_sizes_are_compared_in_any_case(face: Face, server: MockServer, tmp_path: Path) -> None:
    server.faults.set([{"method": "POST", "store_less": 1}])
    (tmp_path / "f").write_bytes(FEW)
    async with face.client(server.url) as client:
        with pytest.raises(IntegrityError, match=rf"but {len(FEW)} bytes were sent"):
            await client.storage.upload(tmp_path / "f", "/f", checksum=False)
    assert server.storage.files() == {}


async def test_a_feed_without_checksums(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        await client.storage.upload(iter([CONTENT, FEW]), "/f", checksum=False)
    assert server.storage.read("/f") == CONTENT + FEW
    pieces = [record for record in server.journal if record.method == "PATCH"]
    assert pieces
    assert not any("upload-checksum" in dict(piece.headers) for piece in pieces)
