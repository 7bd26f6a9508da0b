"""Uploads that break off, and what fault plans do to them."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import Credential, MockServer
from mock_server.storage.blobs import BlobWriter
from tests.server.conftest import KEY
from tests.server.storage_calls import Upload, begin, checksum, create, listed, metadata, send, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT = b"0123456789abcdef"
BROKEN = (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """A server without files and limits."""
    return make_server(world="empty", rate_limits=False)


def blobs(server: MockServer) -> list[str]:
    return os.listdir(os.path.join(server.storage.directory, "blobs"))


def cut(server: MockServer, size: int) -> None:
    server.faults.set([{"cut_upload": size, "times": 1}])


@pytest.mark.parametrize("size", range(len(CONTENT) + 1))
def test_what_arrived_of_a_broken_piece_is_kept(server: MockServer, client: httpx.Client, size: int) -> None:
    upload = begin(client, len(CONTENT), sha256=sha256(CONTENT))
    cut(server, size)
    with pytest.raises(BROKEN):
        upload.patch(0, CONTENT)
    head = upload.head()
    assert head.headers["Upload-Offset"] == str(size)
    assert ("X-File-Id" in head.headers) == (size == len(CONTENT))
    if size < len(CONTENT):
        assert "X-File-Id" in upload.patch(size, CONTENT[size:]).headers
    assert server.storage.read("/x.bin") == CONTENT
    assert len(blobs(server)) == 1


@pytest.mark.parametrize("size", range(len(CONTENT) + 1))
def test_nothing_of_a_broken_piece_with_a_checksum_is_kept(server: MockServer, client: httpx.Client, size: int) -> None:
    upload = begin(client, len(CONTENT) + 2)
    upload.patch(0, b"::")
    cut(server, size)
    with pytest.raises(BROKEN):
        upload.patch(2, CONTENT, checksum(CONTENT))
    assert upload.offset == 2
    assert upload.patch(2, CONTENT, checksum(CONTENT)).status_code == 204
    assert server.storage.read("/x.bin") == b"::" + CONTENT


def test_nothing_of_a_broken_form_is_kept(server: MockServer, client: httpx.Client) -> None:
    form: dict[str, Any] = {"data": {"path": "/x", "overwrite": "true"}, "files": {"file": ("n", CONTENT)}}
    request = client.build_request("POST", "/v1/storage/files", **form)
    headers = {"Content-Type": request.headers["Content-Type"]}
    content = request.read()
    for size in range(len(content) + 1):
        cut(server, size)
        with pytest.raises(BROKEN):
            client.post("/v1/storage/files", content=content, headers=headers)
        assert server.storage.files() == {}
        assert blobs(server) == []
    assert client.post("/v1/storage/files", content=content, headers=headers).status_code == 201
    assert server.storage.read("/x") == CONTENT


def test_a_json_body_that_is_cut(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("POST /v1/jobs: cut-upload=5")
    with pytest.raises(BROKEN):
        client.post("/v1/jobs", json={"name": "n", "command": "true"})
    assert client.get("/v1/jobs").json()["total"] == 0


def open_piece(server: MockServer, upload: Upload, size: int) -> socket.socket:
    """Begin a PATCH on a connection of its own; returns once the server waits for its ``size`` bytes."""
    sock = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10)
    offset = upload.offset
    sock.sendall(
        f"PATCH {upload.url} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nTus-Resumable: 1.0.0\r\n"
        f"Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {size}\r\n"
        "Expect: 100-continue\r\n\r\n".encode()
    )
    assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
    return sock


def test_a_caller_who_goes_away(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, 10)
    with open_piece(server, upload, 10) as sock:
        sock.sendall(b"abc")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""
    assert upload.offset == 3


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_a_stale_writer_is_evicted(server: MockServer, client: httpx.Client, method: str) -> None:
    upload = begin(client, 10)
    with open_piece(server, upload, 10) as sock:
        sock.sendall(b"abc")
        while server.journal[-1].body_size < 3:
            pass
        if method == "HEAD":
            assert upload.offset == 3
        elif method == "PATCH":
            assert upload.patch(3, b"defg").status_code == 204
            assert upload.offset == 7
        else:
            assert upload.delete().status_code == 204
            assert blobs(server) == []
        assert sock.recv(100) == b""


def test_others_cannot_evict(make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]) -> None:
    server = make_server(world="empty", api_keys=[Credential("other", user_id="user_2")])
    upload = begin(make_client(server), 3)
    other = Upload(make_client(server, key="other"), upload.url)
    with open_piece(server, upload, 3) as sock:
        sock.sendall(b"ab")
        assert (other.head().status_code, other.patch(0, b"abc").status_code) == (404, 404)
        sock.sendall(b"c")
        assert sock.recv(100).startswith(b"HTTP/1.1 204 ")


def test_a_reset_of_the_server_ends_uploads(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, 10)
    with open_piece(server, upload, 10) as sock:
        server.reset()
        sock.sendall(b"0123456789")
        assert sock.recv(1000) == b""
    assert upload.head().status_code == 404
    assert server.storage.files() == {}


def test_a_lost_answer(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, 3)
    server.faults.set("PATCH *: reset-after")
    with pytest.raises(BROKEN):
        upload.patch(0, b"abc")
    assert upload.head().headers["X-File-Id"]
    server.faults.set("POST *: reset-after, ok")
    with pytest.raises(BROKEN):
        send(client, "/form", b"abc")
    assert send(client, "/form", b"abc").status_code == 409
    assert server.storage.read("/form") == b"abc"


def test_planned_failures_leave_nothing(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    client = make_client(server, checked=False)
    upload = begin(client, 3)
    server.faults.set("*: 503*2, ok")
    assert send(client, "/a", b"x").status_code == 503
    assert upload.patch(0, b"abc").status_code == 503
    assert (upload.offset, listed(client)) == (0, [])


def test_an_upload_that_loses_its_end(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("POST /v1/storage/files: store-less=2")
    answer = send(client, "/a", b"hello")
    assert (answer.status_code, answer.json()["size"], answer.json()["checksum"]) == (
        201,
        3,
        "sha256:" + sha256(b"hel"),
    )
    assert server.storage.read("/a") == b"hel"
    upload = begin(client, 5, "/b")
    server.faults.set("PATCH *: store-less=2, store-less=9, ok")
    assert upload.patch(0, b"hello", checksum(b"hello")).headers["Upload-Offset"] == "3"
    assert upload.patch(3, b"lo").headers["Upload-Offset"] == "3"
    assert "X-File-Id" in upload.patch(3, b"lo").headers
    assert server.storage.read("/b") == b"hello"


def test_an_answer_with_a_wrong_checksum(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("POST *: wrong-checksum")
    assert send(client, "/a").json()["checksum"] == "sha256:" + "0" * 64
    assert server.storage.read("/a") == b"hello"


def fill_disk(monkeypatch: pytest.MonkeyPatch, code: int = errno.ENOSPC) -> None:
    """Let half of every write succeed, as on a disk that is almost full."""
    write = BlobWriter.write

    def half(self: BlobWriter, data: bytes) -> None:
        write(self, data[: len(data) // 2])
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(BlobWriter, "write", half)


def test_a_full_disk(server: MockServer, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(client, 10)
    upload.patch(0, b"ab")
    with monkeypatch.context() as patch:
        fill_disk(patch)
        refused = upload.patch(2, b"cdefghij")
        assert (refused.status_code, refused.json()["error"]) == (507, "insufficient_storage")
        assert send(client, "/a").json()["error"] == "insufficient_storage"
    assert (upload.offset, server.storage.files(), len(blobs(server))) == (2, {}, 1)
    assert upload.patch(2, b"cdefghij").headers["X-File-Id"]
    assert server.storage.read("/x.bin") == b"abcdefghij"


def test_a_broken_disk_is_an_error_of_the_server(
    server: MockServer, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fill_disk(patch, errno.EIO)
        assert send(client, "/a").status_code == 500
    assert (server.storage.files(), blobs(server)) == ({}, [])


@pytest.mark.parametrize(
    "rule",
    [
        {"cut_upload": -1},
        {"store_less": 0},
        {"wrong_checksum": False},
        {"replace": "x"},
        "*: replace=1",
        "*: cut-upload",
    ],
)
def test_mistakes_in_plans(server: MockServer, rule: Any) -> None:
    with pytest.raises(ValueError):
        server.faults.set([rule])


def test_a_final_upload_that_is_interrupted_can_be_repeated(server: MockServer, client: httpx.Client) -> None:
    upload = Upload(client, create(client, {"Upload-Length": "3", "Upload-Concat": "partial"}).headers["Location"])
    cut(server, 2)
    with pytest.raises(BROKEN):
        upload.patch(0, b"abc")
    upload.patch(2, b"c")
    headers = {"Upload-Concat": f"final;{upload.url}", "Upload-Metadata": metadata(path="/x")}
    server.faults.set("POST *: reset-before, ok")
    with pytest.raises(BROKEN):
        create(client, headers)
    assert create(client, headers).status_code == 201
    assert server.storage.read("/x") == b"abc"
