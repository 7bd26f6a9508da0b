"""Large files over TLS, where bytes are read past the HTTP parser but not past the cipher."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest
import trustme

from tests.support.depot import Depot
from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer, Step
from vantage_sdk.core.transfer import download

CONTENT = hashlib.shake_256(b"tls").digest(9 << 20)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("connections", [1, 4])
async def test_a_file_comes_down(
    connections: int,
    face: Face,
    tls: ssl.SSLContext,
    trusted: ssl.SSLContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "APART", 8 << 20)
    monkeypatch.setattr(download, "PART", 3 << 20)
    with ScriptedServer(Depot(CONTENT), tls=tls) as server:
        async with face.client(server.url, verify=trusted) as client:
            await client.storage.download("/f", tmp_path / "f", connections=connections)
    assert (tmp_path / "f").read_bytes() == CONTENT


async def test_a_file_goes_up(face: Face, tls: ssl.SSLContext, trusted: ssl.SSLContext) -> None:
    checksum = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"

    def script(request: Request, _: int) -> Step:
        if request.method == "OPTIONS":
            return Json(404, {})
        assert CONTENT in request.body
        return Json(201, {"id": "f", "path": "/f", "size": len(CONTENT), "checksum": checksum})

    with ScriptedServer(script, tls=tls) as server:
        async with face.client(server.url, verify=trusted) as client:
            assert (await client.storage.upload(CONTENT, "/f")).id == "f"
