"""The form that uploads a file: what may be in it and what may not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.server.storage_calls import listed, send

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


@pytest.mark.parametrize("order", [("file", "path", "overwrite"), ("overwrite", "path", "file"), ("path", "file")])
def test_the_parts_may_come_in_any_order(files: httpx.Client, order: tuple[str, ...]) -> None:
    parts = {"file": ("n", b"bytes"), "path": (None, b"/p"), "overwrite": (None, b"true")}
    for _ in range(2):
        answer = files.post("/v1/storage/files", files={name: parts[name] for name in order})
        assert answer.status_code in (201, 409 if len(order) == 2 else 201)
    assert listed(files) == ["/p"]


@pytest.mark.parametrize(
    ("name", "expected"), [("/a.txt", "text/plain"), ("/a.bin2", "application/octet-stream"), ("/a", None)]
)
def test_a_type_that_is_not_said_is_guessed(files: httpx.Client, name: str, expected: str | None) -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n' + (
        f'--B\r\nContent-Disposition: form-data; name="path"\r\n\r\n{name}\r\n--B--\r\n'.encode()
    )
    answer = files.post("/v1/storage/files", content=body, headers={"Content-Type": "multipart/form-data; boundary=B"})
    assert answer.json()["content_type"] == (expected or "application/octet-stream")


@pytest.mark.parametrize(
    "path",
    ["", "a", "/", "//", "/a/", "/a//b", "/./a", "/a/..", "/..", "/../etc/passwd", "/a\0b", "/a\nb", "/a\x7f", "/\x85"]
    + ["/" + "x" * 256, "/" + "é" * 128, "/abcd" * 205],
)
def test_bad_paths(files: httpx.Client, empty: MockServer, path: str) -> None:
    answer = files.post("/v1/storage/files", files={"path": (None, path.encode()), "file": ("n", b"x")})
    assert answer.status_code == 400
    assert answer.json()["details"]["field"] == "path"
    assert empty.storage.files() == {}
    assert os.listdir(os.path.join(empty.storage.directory, "blobs")) == []


def test_a_path_that_is_not_utf8(files: httpx.Client) -> None:
    answer = files.post("/v1/storage/files", files={"path": (None, b"/\xff"), "file": ("n", b"x")})
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, "path")


@pytest.mark.parametrize(
    "path", ["/a\\b", "/C:/x", "/...", "/ ", "/" + "x" * 255, "/é", "/日本", "/%2e%2e/x", "/a;b=c"]
)
def test_odd_paths_that_are_fine(files: httpx.Client, empty: MockServer, path: str) -> None:
    answer = files.post("/v1/storage/files", files={"path": (None, path.encode()), "file": ("n", b"x")})
    assert answer.json()["path"] == path
    assert empty.storage.files() == {path: 1}
    assert listed(files, path) == [path]


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"path": (None, b"/a")}, "file"),
        ({"file": ("n", b"x")}, "path"),
        ({"path": (None, b"/a"), "file": ("n", b"x"), "overwrite": (None, b"yes")}, "overwrite"),
        ({"path": (None, b"/a"), "file": ("n", b"x"), "mode": (None, b"1")}, "mode"),
        ({"path": (None, b"/a" * 4096), "file": ("n", b"x")}, "path"),
        ({"path": (None, b"/a"), "file": ("n", b"x", "no type")}, "file"),
        ([("path", (None, b"/a")), ("path", (None, b"/b")), ("file", ("n", b"x"))], "path"),
    ],
)
def test_bad_forms(files: httpx.Client, empty: MockServer, parts: dict[str, tuple[str, bytes]], field: str) -> None:
    answer = files.post("/v1/storage/files", files=parts)
    assert answer.status_code == 400
    assert answer.json()["details"]["field"] == field
    assert empty.storage.files() == {}
    assert os.listdir(os.path.join(empty.storage.directory, "blobs")) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        b"--B\r\n",
        b'--B\r\nContent-Disposition: form-data; name="path"\r\n\r\n/a\r\n',
        b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--\r\n",
        b"--B\r\nContent-Disposition: form-data; name=path\r\nX: " + b"y" * 9000 + b"\r\n\r\n/a\r\n--B--\r\n",
        b"--B\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(99)) + b"\r\n/a\r\n--B--\r\n",
    ],
)
def test_malformed_forms(files: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    answer = files.post("/v1/storage/files", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")


def test_other_bodies_are_refused(files: httpx.Client) -> None:
    assert files.post("/v1/storage/files", json={"path": "/a"}).status_code == 415
    headers = {"Content-Type": "multipart/form-data"}
    assert files.post("/v1/storage/files", content=b"--\r\n", headers=headers).status_code == 400
    headers = {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}
    assert files.post("/v1/storage/files", content=b"x", headers=headers).status_code == 400


def test_a_repeated_upload_under_one_key(files: httpx.Client, empty: MockServer) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = send(files, "/a", b"x", headers=key)
    again = send(files, "/a", b"x", headers=key, name="other-local-name")
    assert (again.status_code, again.json(), again.headers["ETag"]) == (201, first.json(), first.headers["ETag"])
    assert again.headers["Idempotency-Replayed"] == "true"
    for path, content, more in (("/b", b"x", {}), ("/a", b"y", {}), ("/a", b"x", {"overwrite": "true"})):
        refused = send(files, path, content, headers=key, **more)
        assert refused.json()["details"]["code"] == "idempotency_key_reused"
    assert len(os.listdir(os.path.join(empty.storage.directory, "blobs"))) == 1
