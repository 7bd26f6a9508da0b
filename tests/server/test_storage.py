"""Stored files: upload by form, list, metadata, delete."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.server.storage_calls import listed, send, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer


@pytest.fixture
def empty(make_server: Callable[..., MockServer]) -> MockServer:
    """A server without files."""
    return make_server(world="empty")


@pytest.fixture
def files(empty: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of the server without files."""
    return make_client(empty)


def test_the_documented_files_are_there(client: httpx.Client, server: MockServer) -> None:
    file = client.get("/v1/storage/files/file_789").json()
    assert (file["path"], file["size"], file["content_type"]) == ("/datasets/remote-file.txt", 1024, "text/plain")
    assert listed(client, "/datasets/") == [
        "/datasets/large-file.tar.gz",
        "/datasets/remote-dir/",
        "/datasets/remote-file.txt",
        "/datasets/small-file.txt",
    ]
    assert len(listed(client, "/datasets/remote-dir", recursive="true")) == 5
    assert server.storage.read("/datasets/small-file.txt") == b"Hello World!\n"


def test_the_same_seed_gives_the_same_files(make_server: Callable[..., MockServer]) -> None:
    first, second = (make_server().storage for _ in range(2))
    assert first.directory != second.directory
    assert first.files() == second.files()
    assert first.read("/datasets/large-file.tar.gz") == second.read("/datasets/large-file.tar.gz")


def test_an_upload(files: httpx.Client, empty: MockServer) -> None:
    answer = send(files, "/data/a.csv", b"a,b\n", kind="text/csv")
    body = answer.json()
    assert answer.status_code == 201
    assert body["path"] == "/data/a.csv"
    assert (body["name"], body["type"], body["size"], body["content_type"]) == ("a.csv", "file", 4, "text/csv")
    assert body["checksum"] == "sha256:" + sha256(b"a,b\n")
    assert body["etag"] == answer.headers["ETag"] == f'"{sha256(b"a,b" + bytes([10]))[:32]}"'
    assert answer.headers["Location"] == f"/v1/storage/files/{body['id']}"
    assert body["created_at"] == "2024-01-15T10:35:00Z"
    assert empty.storage.read("/data/a.csv") == b"a,b\n"
    shown = files.get(answer.headers["Location"])
    assert shown.json() == {**body, "metadata": {}}
    assert shown.headers["ETag"] == body["etag"]


def test_the_location_has_the_prefix_that_was_used(files: httpx.Client) -> None:
    answer = files.post("/platform/v1/storage/files", data={"path": "/a"}, files={"file": b"x"})
    assert answer.headers["Location"].startswith("/platform/v1/storage/files/file_")
    assert files.get(answer.headers["Location"]).status_code == 200


def test_an_existing_file_is_replaced_only_if_asked(files: httpx.Client, empty: MockServer) -> None:
    first = send(files, "/a", b"one").json()
    refused = send(files, "/a", b"two")
    assert (refused.status_code, refused.json()["error"]) == (409, "resource_conflict")
    assert empty.storage.read("/a") == b"one"
    empty.advance(60)
    second = send(files, "/a", b"two", overwrite="true").json()
    assert second["id"] == first["id"]
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]
    assert second["etag"] != first["etag"]
    assert empty.storage.read("/a") == b"two"
    assert len(os.listdir(os.path.join(empty.storage.directory, "blobs"))) == 1


def test_a_deleted_file_comes_back_under_another_id(files: httpx.Client) -> None:
    first = send(files, "/a").json()["id"]
    assert files.delete(f"/v1/storage/files/{first}").status_code == 204
    assert files.get(f"/v1/storage/files/{first}").status_code == 404
    assert files.delete(f"/v1/storage/files/{first}").status_code == 404
    assert send(files, "/a").json()["id"] != first


def test_files_and_directories_exclude_each_other(files: httpx.Client) -> None:
    send(files, "/a/b")
    assert send(files, "/a").status_code == 409
    assert send(files, "/a", overwrite="true").status_code == 409
    assert send(files, "/a/b/c/d").status_code == 409
    assert send(files, "/a/b2").status_code == 201
    assert send(files, "/a!").status_code == 201


def test_a_key_that_may_only_read(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    reader = make_client(server, key="read-only-key")
    assert send(reader, "/a").status_code == 403
    assert reader.delete("/v1/storage/files/file_789").status_code == 403
    assert reader.get("/v1/storage/files/file_789/download").status_code == 200
    assert make_client(server, key=None).get("/v1/storage/files").status_code == 401


def test_what_a_directory_shows(files: httpx.Client, empty: MockServer) -> None:
    send(files, "/d/sub/a", b"1")
    empty.advance(60)
    send(files, "/d/sub/deeper/b", b"2")
    assert listed(files, "/d") == listed(files, "/d/") == ["/d/sub/"]
    assert listed(files, "/d/sub") == ["/d/sub/a", "/d/sub/deeper/"]
    assert listed(files, "/", recursive="true") == ["/d/sub/a", "/d/sub/deeper/b"]
    assert listed(files, "/d/sub/a") == ["/d/sub/a"]
    assert listed(files, "/d/sub/a/") == listed(files, "/nothing") == listed(files, "/d/su") == []
    folder = files.get("/v1/storage/files?path=/d").json()["files"][0]
    assert folder["id"].startswith("dir_")
    assert (folder["name"], folder["type"]) == ("sub", "directory")
    assert (folder["created_at"], folder["updated_at"]) == ("2024-01-15T10:35:00Z", "2024-01-15T10:36:00Z")
    assert set(folder) == {"id", "path", "name", "type", "created_at", "updated_at"}
    assert files.get(f"/v1/storage/files/{folder['id']}").json() == folder
    assert files.get(f"/v1/storage/files/{folder['id']}/download").status_code == 409
    assert files.delete(f"/v1/storage/files/{folder['id']}").status_code == 409
    assert files.get("/v1/storage/files/dir_000000000000").status_code == 404


def test_lists_are_paged_sorted_and_filtered(files: httpx.Client, empty: MockServer) -> None:
    for name, size in (("c", 1), ("a", 3), ("b", 2)):
        send(files, f"/{name}", b"x" * size)
        empty.advance(60)
    assert listed(files, sort="name") == ["/a", "/b", "/c"]
    assert listed(files, sort="-size") == ["/a", "/b", "/c"]
    send(files, "/d/e", b"xxxx")
    assert listed(files, sort="size") == ["/d/", "/c", "/b", "/a"]
    empty.storage.delete("/d/e")
    assert listed(files, sort="created_at") == ["/c", "/a", "/b"]
    assert listed(files, sort="-path") == ["/c", "/b", "/a"]
    body = files.get("/v1/storage/files", params={"limit": "2", "page": "2"}).json()
    assert ([file["path"] for file in body["files"]], body["total"], body["page"], body["per_page"]) == (
        ["/c"],
        3,
        2,
        2,
    )
    assert listed(files, created_after="2024-01-15T10:35:30Z") == ["/a", "/b"]
    assert files.get("/v1/storage/files?sort=type").json()["details"]["field"] == "sort"
    assert files.get("/v1/storage/files?path=a").json()["details"]["field"] == "path"
    assert files.get("/v1/storage/files?path=/..").json()["details"]["field"] == "path"


def test_metadata_is_there_only_if_asked_for(files: httpx.Client) -> None:
    send(files, "/d/a")
    (plain,) = files.get("/v1/storage/files?path=/d&include_size=true").json()["files"]
    (full,) = files.get("/v1/storage/files?path=/d&include_metadata=true").json()["files"]
    assert full == {**plain, "metadata": {}}
    assert "size" in plain


def test_a_condition_on_the_version_to_delete(files: httpx.Client, empty: MockServer) -> None:
    file = send(files, "/a").json()
    url = f"/v1/storage/files/{file['id']}"
    refused = files.delete(url, headers={"If-Match": '"other"'})
    assert (refused.status_code, refused.json()["error"]) == (412, "precondition_failed")
    assert empty.storage.files() == {"/a": 5}
    assert files.delete(url, headers={"If-Match": f'"other", {file["etag"]}'}).status_code == 204
    assert empty.storage.files() == {}


def test_the_quota(make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]) -> None:
    server = make_server(world="empty", storage_quota=10)
    client = make_client(server)
    assert send(client, "/a", b"x" * 6).status_code == 201
    refused = send(client, "/b", b"x" * 5)
    assert (refused.status_code, refused.json()["error"]) == (413, "quota_exceeded")
    assert send(client, "/c", b"x" * 11).json()["error"] == "quota_exceeded"
    assert send(client, "/a", b"x" * 10, overwrite="true").status_code == 201
    assert server.storage.files() == {"/a": 10}
    assert len(os.listdir(os.path.join(server.storage.directory, "blobs"))) == 1


def test_a_job_s_outputs_are_files(server: MockServer, client: httpx.Client) -> None:
    (output,) = client.get("/v1/jobs/job_121/output").json()["files"]
    assert listed(client, "/outputs") == ["/outputs/table.csv"]
    assert client.get("/v1/storage/files?path=/outputs/table.csv").json()["files"] == [output]
    assert client.get(f"/v1/storage/files/{output['id']}").json() == {**output, "metadata": {}}
    answer = client.get(f"/v1/storage/files/{output['id']}/download", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (206, b"id")
    assert send(client, "/outputs").status_code == send(client, "/outputs/table.csv/x").status_code == 409
    assert client.delete(f"/v1/storage/files/{output['id']}").status_code == 204
    assert client.get("/v1/jobs/job_121/output").json()["files"] == []
    assert listed(client, "/outputs") == []
    assert "/outputs/table.csv" not in server.storage.files()


def test_an_uploaded_file_wins_over_an_output(server: MockServer, client: httpx.Client) -> None:
    (output,) = client.get("/v1/jobs/job_121/output").json()["files"]
    assert send(client, "/outputs/table.csv", b"mine").status_code == 409
    mine = send(client, "/outputs/table.csv", b"mine", overwrite="true").json()
    assert mine["id"] == output["id"]
    assert client.get("/v1/storage/files?path=/outputs").json()["files"] == [mine]
    assert client.get(f"/v1/storage/files/{mine['id']}/download").content == b"mine"
    client.delete(f"/v1/storage/files/{mine['id']}")
    assert listed(client, "/outputs") == []


def test_of_two_outputs_at_one_path_the_later_is_shown(files: httpx.Client, empty: MockServer) -> None:
    for delay, name in ((20, "late"), (1, "early")):
        command = f"sleep {delay}; echo {name} > out.txt"
        files.post("/v1/jobs", json={"name": name, "command": command, "output_path": "/o"})
    empty.run_until_idle()
    (file,) = files.get("/v1/storage/files?path=/o").json()["files"]
    assert files.get(f"/v1/storage/files/{file['id']}/download").content == b"late\n"
    files.delete(f"/v1/storage/files/{file['id']}")
    assert listed(files, "/o") == []


def test_a_deleted_job_takes_its_outputs_along(client: httpx.Client) -> None:
    client.delete("/v1/jobs/job_121")
    assert listed(client, "/outputs") == []


def test_access_from_outside(empty: MockServer, files: httpx.Client) -> None:
    empty.storage.put("/a/b.txt", b"one")
    empty.storage.put("/a/b.txt", b"two", content_type="text/html")
    assert empty.storage.files() == {"/a/b.txt": 3}
    assert empty.storage.read("/a/b.txt") == b"two"
    assert files.get("/v1/storage/files?path=/a/b.txt").json()["files"][0]["content_type"] == "text/html"
    empty.storage.delete("/a/b.txt")
    assert empty.storage.files() == {}
    assert empty.storage.uploads() == []
    with pytest.raises(KeyError):
        empty.storage.read("/a/b.txt")
    with pytest.raises(KeyError):
        empty.storage.delete("/a/b.txt")
