"""Foreign judges of the storage: curl for forms and ranges, tuspy for resumable uploads."""

from __future__ import annotations

import gc
import io
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.storage.filestorage import FileStorage

from mock_server import MockServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = bytes(range(256)) * 1000
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """A server without files."""
    return make_server(world="empty")


def curl(server: MockServer, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    *options, path = arguments
    command = ["curl", "-sS", "-H", "Authorization: Bearer your-key", *options, server.url + path]
    return subprocess.run(command, capture_output=True, check=False, timeout=30)


def stored(server: MockServer, path: str, content: bytes) -> str:
    """Store a file; returns where to download it."""
    server.storage.put(path, content)
    file = server._call(lambda: server.app.state.storage.catalogue.file_at(path))
    assert file is not None
    return f"/v1/storage/files/{file.id}/download"


@needs_curl
def test_curl_uploads(server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "local.bin").write_bytes(CONTENT)
    form = ("-F", "path=/d/curl.bin", "-F", f"file=@{tmp_path}/local.bin", "-F", "overwrite=true")
    for _ in range(2):
        done = curl(server, "-f", *form, "/v1/storage/files")
        assert done.returncode == 0, done.stderr
    assert server.storage.read("/d/curl.bin") == CONTENT


@needs_curl
def test_curl_downloads_a_part(server: MockServer) -> None:
    url = stored(server, "/a", CONTENT)
    assert curl(server, "-f", url).stdout == CONTENT
    assert curl(server, "-f", "-r", "1000-1999", url).stdout == CONTENT[1000:2000]
    assert curl(server, "-f", "-r", "-5", url).stdout == CONTENT[-5:]
    assert curl(server, "-f", "-r", f"{len(CONTENT)}-", url).returncode == 22


@needs_curl
def test_curl_resumes(server: MockServer, tmp_path: Path) -> None:
    url, local = stored(server, "/a", CONTENT), tmp_path / "part"
    server.faults.set("GET */download: cut=100000, ok")
    assert curl(server, "-f", "-o", str(local), url).returncode == 18
    assert local.stat().st_size == 100_000
    assert curl(server, "-f", "-C", "-", "-o", str(local), url).returncode == 0
    assert local.read_bytes() == CONTENT


def fake_digest(_: bytes) -> bytes:
    return b"AAAA"


def uploader(server: MockServer, **options: Any) -> Any:
    client: Any = TusClient(server.url + "/v1/storage/uploads", headers={"Authorization": "Bearer your-key"})
    options = {"chunk_size": 50_000, "metadata": {"path": "/d/tus.bin", "note": "Ä"}, **options}
    return client.uploader(**options)


@pytest.mark.parametrize("checksum", [False, True])
def test_tuspy_uploads(server: MockServer, checksum: bool) -> None:
    uploader(server, file_stream=io.BytesIO(CONTENT), upload_checksum=checksum).upload()
    assert server.storage.read("/d/tus.bin") == CONTENT
    pieces = [record for record in server.journal if record.method == "PATCH"]
    assert len(pieces) == 6
    assert all(("upload-checksum" in dict(piece.headers)) == checksum for piece in pieces)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves the file open
def test_tuspy_resumes(server: MockServer, tmp_path: Path) -> None:
    local = tmp_path / "local.bin"
    local.write_bytes(CONTENT)
    urls = FileStorage(str(tmp_path / "urls.json"))
    try:
        options = {"file_path": str(local), "store_url": True, "url_storage": urls}
        first = uploader(server, **options)
        first.upload_chunk()
        server.faults.set([{"method": "PATCH", "cut_upload": 7000, "times": 1}])
        with pytest.raises(TusCommunicationError):
            first.upload_chunk()
        second = uploader(server, **options)
        assert (second.url, second.offset) == (first.url, 57_000)
        second.upload()
        del first, second
    finally:
        urls.close()
        gc.collect()  # so that no other test is told of the file
    assert server.storage.read("/d/tus.bin") == CONTENT


def test_tuspy_is_told_of_a_chunk_that_does_not_match(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = uploader(server, file_stream=io.BytesIO(CONTENT), upload_checksum=True)
    with monkeypatch.context() as patch:
        patch.setattr("tusclient.request.base64.b64encode", fake_digest)
        with pytest.raises(TusCommunicationError):
            upload.upload_chunk()
    assert server.journal[-1].status == 460
    upload.upload()
    assert server.storage.read("/d/tus.bin") == CONTENT
