"""Transfers over an ``httpx`` client of the user's, where no bytes can be moved past it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.support.faces import Face
from vantage_sdk.core.transfer import download, upload
from vantage_sdk.testing import instant_retries

CONTENT = hashlib.shake_256(b"injected").digest(12 << 20)


def http_client(face: Face, **options: Any) -> Any:
    kind = httpx.Client if face.is_blocking else httpx.AsyncClient
    return kind(trust_env=False, verify=False, **options)


async def closed(client: Any) -> None:
    client.close() if isinstance(client, httpx.Client) else await client.aclose()


@pytest.mark.parametrize("fate", ["ok", "PATCH *: ok, reset-after, ok", "GET */download: cut=5000000, ok"])
async def test_files_go_both_ways(fate: str, face: Face, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(CONTENT)
    with MockServer(world="empty", rate_limits=False) as server, instant_retries():
        if fate != "ok":
            server.faults.set(fate)
        http = http_client(face)
        async with face.client(server.url, http_client=http) as client:
            await client.storage.upload(tmp_path / "f", "/large")
            await client.storage.upload(CONTENT[:1000], "/small")
            await client.storage.upload(CONTENT[:1_000_000], "/middle")
            assert server.storage.read("/large") == CONTENT
            assert await client.storage.download_to_bytes("/small") == CONTENT[:1000]
            assert await client.storage.download("/large", tmp_path / "g") == tmp_path / "g"
            assert (tmp_path / "g").read_bytes() == CONTENT
        await closed(http)
        assert server.storage.read("/middle") == CONTENT[:1_000_000]


async def test_parts_go_side_by_side_too(face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "APART", 9 << 20)
    monkeypatch.setattr(download, "APART", 4 << 20)
    monkeypatch.setattr(download, "PART", 1 << 20)
    (tmp_path / "f").write_bytes(CONTENT)
    with MockServer(world="empty", rate_limits=False) as server:
        http = http_client(face)
        async with face.client(server.url, http_client=http) as client:
            await client.storage.upload(tmp_path / "f", "/large")
            await client.storage.download("/large", tmp_path / "g")
        await closed(http)
    assert (tmp_path / "g").read_bytes() == CONTENT


async def test_a_server_without_a_socket(face: Face, tmp_path: Path) -> None:
    if face.name != "asyncio":
        return  # the server runs on asyncio
    server = MockServer(world="empty")
    http = http_client(face, transport=httpx.ASGITransport(app=server.app))
    (tmp_path / "f").write_bytes(CONTENT)
    async with face.client("http://localhost", http_client=http) as client:
        await client.storage.upload(tmp_path / "f", "/large")
        await client.storage.download("/large", tmp_path / "g")
    await closed(http)
    server.stop()
    assert (tmp_path / "g").read_bytes() == CONTENT
