"""How resumable uploads end: by expiry, termination, concatenation, limits and conflicts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import Credential
from mock_server.storage.store import MAX_SIZE
from tests.server.storage_calls import (
    Upload,
    begin,
    begin_part,
    create,
    metadata,
    sha256,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server import MockServer


DAY = 24 * 3600


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """A server without files that knows a second user."""
    return make_server(world="empty", api_keys=[Credential("other-key", user_id="user_2")])


def blobs(server: MockServer) -> int:
    return len(os.listdir(os.path.join(server.storage.directory, "blobs")))


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_conflicts_show_at_the_beginning_and_at_the_end(server: MockServer, client: httpx.Client) -> None:
    server.storage.put("/x", b"old")
    headers = {"Upload-Length": "3", "Upload-Metadata": metadata(path="/x")}
    assert error(create(client, headers)) == (409, "resource_conflict")
    late = begin(client, 3, "/y")
    server.storage.put("/y", b"old")
    assert error(late.patch(0, b"new")) == (409, "resource_conflict")
    assert late.head().headers["Upload-Offset"] == "3"
    assert server.storage.read("/y") == b"old"
    server.storage.delete("/y")
    assert late.patch(3, b"").headers["X-File-Id"]
    assert server.storage.read("/y") == b"new"


def test_a_file_is_replaced_only_at_the_end(server: MockServer, client: httpx.Client) -> None:
    server.storage.put("/x", b"old")
    upload = begin(client, 3, "/x", overwrite="true")
    upload.patch(0, b"ne")
    assert server.storage.read("/x") == b"old"
    upload.patch(2, b"w")
    assert server.storage.read("/x") == b"new"
    assert blobs(server) == 1


def test_limits(make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]) -> None:
    server = make_server(world="empty", storage_quota=10)
    client = make_client(server)
    assert client.options("/v1/storage/files").headers["Tus-Max-Size"] == "10"
    headers = {"Upload-Length": "11", "Upload-Metadata": metadata(path="/x")}
    assert error(create(client, headers)) == (413, "quota_exceeded")
    assert error(create(client, {"Upload-Length": "11", "Upload-Concat": "partial"})) == (413, "quota_exceeded")
    one, two, three = begin(client, 6, "/1"), begin(client, 6, "/2"), begin(client, None, "/3")
    assert one.patch(0, b"x" * 6).status_code == 204
    assert error(two.patch(0, b"x" * 6)) == (413, "quota_exceeded")
    assert two.offset == 6
    assert error(three.patch(0, b"x" * 5)) == (413, "quota_exceeded")
    assert three.offset == 0
    server.storage.delete("/1")
    assert two.patch(6, b"").headers["X-File-Id"]


def test_a_file_can_not_be_larger_than_the_largest(client: httpx.Client) -> None:
    headers = {"Upload-Length": str(MAX_SIZE + 1), "Upload-Metadata": metadata(path="/x")}
    assert error(create(client, headers)) == (413, "payload_too_large")


def test_a_complete_upload_stays_visible(client: httpx.Client) -> None:
    upload = begin(client, 1)
    file_id = upload.patch(0, b"x").headers["X-File-Id"]
    head = upload.head()
    assert (head.headers["X-File-Id"], head.headers["Upload-Offset"]) == (file_id, "1")
    again = upload.patch(1, b"")
    assert (again.status_code, again.headers["X-File-Id"]) == (204, file_id)
    assert error(upload.patch(0, b"x")) == (409, "resource_conflict")


def test_the_checksum_of_the_whole(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, 3, sha256=sha256(b"abc").upper())
    assert error(upload.patch(0, b"abX")) == (460, "checksum_mismatch")
    assert (upload.offset, server.storage.files()) == (3, {})
    good = begin(client, 3, sha256=sha256(b"abc").upper())
    assert good.patch(0, b"abc").status_code == 204


def test_termination(server: MockServer, client: httpx.Client) -> None:
    upload, done = begin(client, 3, "/a"), begin(client, 3, "/b")
    upload.patch(0, b"ab")
    done.patch(0, b"abc")
    for each in (upload, done):
        answer = each.delete()
        assert (answer.status_code, answer.headers["Tus-Resumable"]) == (204, "1.0.0")
        assert (each.head().status_code, each.delete().status_code, each.patch(2, b"c").status_code) == (404, 404, 404)
    assert server.storage.read("/b") == b"abc"
    assert blobs(server) == 1


def test_uploads_of_others_do_not_exist(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    mine = begin(make_client(server), 3)
    theirs = Upload(make_client(server, key="other-key"), mine.url)
    assert (theirs.head().status_code, theirs.patch(0, b"abc").status_code, theirs.delete().status_code) == (404,) * 3
    part = begin_part(make_client(server), b"x")
    headers = {"Upload-Concat": f"final;{part.url}", "Upload-Metadata": metadata(path="/x")}
    assert create(theirs.client, headers).status_code == 400
    assert mine.offset == 0


def test_uploads_expire_a_day_after_the_last_piece(server: MockServer, client: httpx.Client) -> None:
    upload, done = begin(client, 3, "/a"), begin(client, 1, "/b")
    done.patch(0, b"x")
    server.advance(DAY - 1)
    assert upload.patch(0, b"a").status_code == 204
    server.advance(1)
    assert done.head().status_code == 410
    assert error(done.patch(1, b"")) == (410, "upload_expired")
    server.advance(DAY - 2)
    assert upload.head().status_code == 200
    server.advance(1)
    assert (upload.head().status_code, upload.delete().status_code) == (410, 410)
    assert error(upload.patch(1, b"b")) == (410, "upload_expired")
    assert server.storage.files() == {"/b": 1}
    assert (blobs(server), server.storage.uploads()) == (1, [])


def test_expired_uploads_are_swept_and_in_the_end_forgotten(server: MockServer, client: httpx.Client) -> None:
    upload = begin(client, 3, "/a")
    server.advance(DAY)
    begin(client, 3, "/b")
    assert blobs(server) == 1
    assert upload.head().status_code == 410
    server.advance(8 * DAY)
    begin(client, 3, "/b")
    assert upload.head().status_code == 404


def test_concatenation(server: MockServer, client: httpx.Client) -> None:
    parts = [begin_part(client, content) for content in (b"one,", b"", b"two,", b"three")]
    assert parts[0].head().headers["Upload-Concat"] == "partial"
    assert server.storage.files() == {}
    urls = " ".join([parts[0].url, server.url + parts[1].url, parts[2].url, server.url + parts[3].url])
    answer = create(client, {"Upload-Concat": f"final;{urls}", "Upload-Metadata": metadata(path="/x", k="v")})
    assert answer.status_code == 201
    file = client.get(answer.headers["Content-Location"]).json()
    assert (file["id"], file["size"], file["metadata"]) == (answer.headers["X-File-Id"], 13, {"k": "v"})
    assert server.storage.read("/x") == b"one,two,three"
    head = Upload(client, answer.headers["Location"]).head()
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("13", "13")
    assert head.headers["Upload-Concat"] == f"final;{urls}"
    assert error(Upload(client, answer.headers["Location"]).patch(13, b"")) == (403, "permission_denied")
    for part in parts:
        part.delete()
    assert server.storage.read("/x") == b"one,two,three"
    assert blobs(server) == 1


def test_what_can_not_be_concatenated(server: MockServer, client: httpx.Client) -> None:
    whole, part = begin(client, 1, "/w"), begin_part(client, b"abc")
    half = Upload(client, create(client, {"Upload-Length": "2", "Upload-Concat": "partial"}).headers["Location"])

    def join(*uploads: Upload, **values: str) -> httpx.Response:
        urls = " ".join(upload.url for upload in uploads)
        return create(client, {"Upload-Concat": f"final;{urls}", "Upload-Metadata": metadata(path="/x", **values)})

    assert error(join(whole)) == (400, "validation_error")
    assert error(join(part, half)) == (409, "resource_conflict")
    assert error(join(part, sha256=sha256(b"other"))) == (460, "checksum_mismatch")
    server.storage.put("/x", b"there")
    assert error(join(part)) == (409, "resource_conflict")
    assert join(part, part, overwrite="true").status_code == 201
    assert server.storage.read("/x") == b"abcabc"
    assert blobs(server) == 4


def test_a_path_in_the_way_of_a_job_s_output(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    client = make_client(make_server())
    headers = {"Upload-Length": "3", "Upload-Metadata": metadata(path="/outputs/table.csv")}
    assert create(client, headers).status_code == 409
    upload = begin(client, 3, "/outputs/table.csv", overwrite="true")
    assert upload.patch(0, b"abc").status_code == 204
    assert client.get("/v1/storage/files?path=/outputs").json()["files"][0]["size"] == 3
