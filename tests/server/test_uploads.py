"""Resumable uploads: every rule of tus 1.0.0 that the server has."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import google_crc32c
import httpx
import pytest

from mock_server import Credential
from mock_server.platform.tus import read_metadata
from mock_server.storage.store import MAX_SIZE
from tests.server.storage_calls import (
    PIECE,
    TUS,
    Upload,
    begin,
    checksum,
    create,
    encoded,
    listed,
    metadata,
    send,
    sha256,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server import MockServer


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """A server without files that knows a second user."""
    return make_server(world="empty", api_keys=[Credential("other-key", user_id="user_2")])


def blobs(server: MockServer) -> int:
    return len(os.listdir(os.path.join(server.storage.directory, "blobs")))


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_an_upload_in_two_pieces(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, 10, "/d/x.txt", content_type="text/x-odd", author="Ä", sha256=sha256(b"helloworld"))
    first = upload.patch(0, b"hello")
    assert (first.status_code, first.headers["Upload-Offset"], first.content) == (204, "5", b"")
    assert first.headers["Tus-Resumable"] == "1.0.0"
    assert "X-File-Id" not in first.headers
    assert listed(client) == []
    last = upload.patch(5, b"world")
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, "10")
    file = client.get(last.headers["Content-Location"]).json()
    assert (file["id"], file["path"], file["size"]) == (last.headers["X-File-Id"], "/d/x.txt", 10)
    assert (file["content_type"], file["metadata"]) == ("text/x-odd", {"author": "Ä"})
    assert file["checksum"] == "sha256:" + sha256(b"helloworld")
    assert server.storage.read("/d/x.txt") == b"helloworld"
    assert blobs(server) == 1


def test_both_ways_give_the_same_resource(client: httpx.Client) -> None:
    upload = begin(client, 5, "/tus.txt")
    by_tus = client.get(upload.patch(0, b"hello").headers["Content-Location"]).json()
    by_form = client.get(send(client, "/form.txt", b"hello", name="n.txt").headers["Location"]).json()
    for one in (by_tus, by_form):
        del one["id"], one["path"], one["name"]
    assert by_tus == by_form


@pytest.mark.parametrize("path", ["/v1/storage/files", "/v1/storage/uploads"])
def test_what_the_server_can_do(client: httpx.Client, path: str) -> None:
    answer = client.options(path)
    assert answer.status_code == 204
    expected = "creation,creation-defer-length,checksum,expiration,termination,concatenation"
    assert answer.headers["Tus-Extension"] == expected
    assert (answer.headers["Tus-Resumable"], answer.headers["Tus-Version"]) == ("1.0.0", "1.0.0")
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,crc32c"
    assert int(answer.headers["Tus-Max-Size"]) == MAX_SIZE


def test_a_key_is_needed(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    nobody = make_client(server, key=None)
    assert nobody.options("/v1/storage/files").status_code == 401
    assert create(nobody, {"Upload-Length": "1"}).status_code == 401
    assert nobody.head("/v1/storage/uploads/x", headers=TUS).status_code == 401
    reader = make_client(server, key="read-only-key")
    assert reader.options("/v1/storage/files").status_code == 204
    assert create(reader, {"Upload-Length": "1", "Upload-Metadata": metadata(path="/x")}).status_code == 403
    assert Upload(reader, "/v1/storage/uploads/x").delete().status_code == 403


@pytest.mark.parametrize("version", [None, "0.2.2", ""])
def test_the_version_is_needed(client: httpx.Client, version: str | None) -> None:
    upload = begin(client, 1)
    headers = {} if version is None else {"Tus-Resumable": version}
    piece = {**headers, "Upload-Offset": "0", "Content-Type": PIECE}
    for answer in (
        client.post("/v1/storage/uploads", headers={**headers, "Upload-Length": "1"}),
        client.head(upload.url, headers=headers),
        client.patch(upload.url, content=b"x", headers=piece),
        client.delete(upload.url, headers=headers),
    ):
        assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert upload.offset == 0


def test_the_location_has_the_prefix_that_was_used(client: httpx.Client) -> None:
    headers = {**TUS, "Upload-Length": "0", "Upload-Metadata": metadata(path="/x")}
    answer = client.post("/platform/v1/storage/uploads", headers=headers)
    assert answer.headers["Location"].startswith("/platform/v1/storage/uploads/")
    assert answer.headers["Content-Location"].startswith("/platform/v1/storage/files/")


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"Upload-Metadata": metadata(path="/x")}, "Upload-Length"),
        ({"Upload-Length": "1", "Upload-Defer-Length": "1", "Upload-Metadata": metadata(path="/x")}, "Upload-Length"),
        ({"Upload-Length": "-1", "Upload-Metadata": metadata(path="/x")}, "Upload-Length"),
        ({"Upload-Length": "1x", "Upload-Metadata": metadata(path="/x")}, "Upload-Length"),
        ({"Upload-Defer-Length": "2", "Upload-Metadata": metadata(path="/x")}, "Upload-Defer-Length"),
        ({"Upload-Length": "1"}, "path"),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(path="x")}, "path"),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(path="/../x")}, "path"),
        ({"Upload-Length": "1", "Upload-Metadata": "path !!!"}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": "path " + encoded(b"/\xff")}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": "path Lw==,path Lw=="}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(path="/x") + ",,"}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(path="/x", overwrite="1")}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(path="/x", sha256="ab")}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(path="/x", content_type="a\nb")}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Concat": "some"}, "Upload-Concat"),
        ({"Upload-Concat": "final;", "Upload-Metadata": metadata(path="/x")}, "Upload-Concat"),
        ({"Upload-Concat": "final;/elsewhere", "Upload-Metadata": metadata(path="/x")}, "Upload-Concat"),
        ({"Upload-Concat": "final;/v1/storage/uploads/nope", "Upload-Metadata": metadata(path="/x")}, "Upload-Concat"),
        ({"Upload-Concat": "final;/v1/storage/uploads/nope"}, "path"),
    ],
)
def test_bad_beginnings(server: MockServer, client: httpx.Client, headers: dict[str, str], field: str) -> None:
    answer = create(client, headers)
    assert answer.status_code == 400
    assert answer.json()["details"]["field"] == field
    assert server.storage.uploads() == []
    assert blobs(server) == 0


def test_metadata_may_have_keys_without_values() -> None:
    assert read_metadata("a, b ,c eA==") == {"a": "", "b": "", "c": "x"}
    assert read_metadata("") == {}


def test_an_empty_upload_is_complete_at_once(server: MockServer, client: httpx.Client) -> None:
    answer = create(client, {"Upload-Length": "0", "Upload-Metadata": metadata(path="/empty")})
    assert client.get(answer.headers["Content-Location"]).json()["id"] == answer.headers["X-File-Id"]
    assert server.storage.files() == {"/empty": 0}


def test_where_an_upload_is(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, 10, "/x", note="n")
    server.advance(60)
    upload.patch(0, b"abc")
    answer = upload.head()
    assert (answer.status_code, answer.content) == (200, b"")
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("3", "10")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Upload-Metadata"] == metadata(path="/x", note="n")
    assert answer.headers["Upload-Expires"] == "Tue, 16 Jan 2024 10:36:00 GMT"
    assert "Upload-Concat" not in answer.headers
    missing = Upload(client, "/v1/storage/uploads/upload_0").head()
    assert (missing.status_code, missing.content) == (404, b"")
    assert "content-length" not in missing.headers or missing.headers["content-length"] == "0"


def test_a_length_that_comes_later(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, None, "/x")
    head = upload.head()
    assert (head.headers["Upload-Defer-Length"], "Upload-Length" in head.headers) == ("1", False)
    upload.patch(0, b"ab")
    refused = upload.patch(2, b"c", {"Upload-Length": "1"})
    assert (refused.status_code, refused.json()["details"]["field"]) == (400, "Upload-Length")
    assert upload.patch(2, b"c", {"Upload-Length": "5"}).status_code == 204
    assert upload.head().headers["Upload-Length"] == "5"
    assert upload.patch(3, b"", {"Upload-Length": "6"}).status_code == 400
    assert "X-File-Id" in upload.patch(3, b"de", {"Upload-Length": "5"}).headers
    assert server.storage.read("/x") == b"abcde"


def test_a_length_that_is_where_the_upload_already_is(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, None, "/x")
    upload.patch(0, b"ab")
    assert upload.patch(2, b"", {"Upload-Length": "2"}).headers["X-File-Id"]
    assert server.storage.read("/x") == b"ab"


@pytest.mark.parametrize("offset", [0, 2, 4, 10, 11])
def test_a_wrong_offset_changes_nothing(client: httpx.Client, offset: int) -> None:
    upload = begin(client, 10)
    upload.patch(0, b"abc")
    assert error(upload.patch(offset, b"x")) == (409, "resource_conflict")
    assert upload.offset == 3


@pytest.mark.parametrize(("headers", "status"), [({"Content-Type": "text/plain"}, 415), ({"Upload-Offset": "x"}, 400)])
def test_bad_pieces(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    upload = begin(client, 10)
    assert upload.patch(0, b"x", headers).status_code == status
    assert client.patch(upload.url, content=b"x", headers={**TUS, "Content-Type": PIECE}).status_code == 400
    assert upload.offset == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_more_bytes_than_the_length(server: MockServer, client: httpx.Client, chunked: bool) -> None:
    upload = begin(client, 5)
    upload.patch(0, b"ab")
    content = b"x" * 4
    assert error(upload.patch(2, iter([content]) if chunked else content)) == (413, "payload_too_large")
    assert upload.offset == 2
    assert upload.patch(2, b"cde").status_code == 204
    assert server.storage.read("/x.bin") == b"abcde"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_checksum(server: MockServer, client: httpx.Client, algorithm: str) -> None:
    upload = begin(client, 5)
    assert upload.patch(0, b"ab", checksum(b"ab", algorithm)).status_code == 204
    refused = upload.patch(2, b"cXe", checksum(b"cde", algorithm))
    assert error(refused) == (460, "checksum_mismatch")
    folder = os.path.join(server.storage.directory, "blobs")
    assert [os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)] == [2]
    assert upload.offset == 2
    assert upload.patch(2, b"cde", checksum(b"cde", algorithm)).status_code == 204
    assert server.storage.read("/x.bin") == b"abcde"
    assert client.get("/v1/storage/files?path=/x.bin").json()["files"][0]["checksum"] == "sha256:" + sha256(b"abcde")


def test_crc32c(client: httpx.Client) -> None:
    upload = begin(client, 5)
    library: Any = google_crc32c
    right = base64.b64encode(library.value(b"ab").to_bytes(4, "big")).decode()
    assert upload.patch(0, b"xx", {"Upload-Checksum": f"crc32c {right}"}).status_code == 460
    assert upload.patch(0, b"ab", {"Upload-Checksum": f"crc32c {right}"}).status_code == 204


@pytest.mark.parametrize("value", ["md5 eA==", "sha1", "", "sha1 !", "SHA1 eA=="])
def test_bad_checksums(client: httpx.Client, value: str) -> None:
    upload = begin(client, 5)
    answer = upload.patch(0, b"ab", {"Upload-Checksum": value})
    assert answer.status_code == 460 if value == "sha1" else 400
    assert upload.offset == 0


def test_a_repeated_beginning_under_one_key(server: MockServer, client: httpx.Client) -> None:
    headers = {"Upload-Length": "3", "Upload-Metadata": metadata(path="/x"), "Idempotency-Key": "k"}
    first, again = create(client, headers), create(client, headers)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(server.storage.uploads()) == 1
    other: dict[str, Any] = {**headers, "Upload-Length": "4"}
    assert create(client, other).json()["details"]["code"] == "idempotency_key_reused"
