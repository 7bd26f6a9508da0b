"""Downloads: whole files, ranges, conditions, and what fault plans do to them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, strategies as st

from mock_server.platform.ranges import UnsatisfiableError, parse_range
from tests.server.conftest import raw_exchange, raw_get
from tests.server.storage_calls import send

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server import MockServer

CONTENT = b"0123456789"
URL = "/v1/storage/files/{}/download"


@pytest.fixture
def file(client: httpx.Client) -> dict[str, str]:
    """A file of ten bytes."""
    body: dict[str, str] = send(client, "/ten.txt", CONTENT, kind="text/plain").json()
    return body


@pytest.fixture
def unchecked(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """A client that does not mind answers that break the contract."""
    return make_client(server, checked=False)


def get(client: httpx.Client, file: dict[str, str], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(URL.format(file["id"]), headers={"Accept-Encoding": "identity", **named})


def test_a_whole_file(client: httpx.Client, file: dict[str, str]) -> None:
    answer = get(client, file)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    headers = answer.headers
    assert headers["Content-Type"] == "text/plain"
    assert headers["Content-Length"] == "10"
    assert headers["ETag"] == file["etag"]
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Last-Modified"] == "Mon, 15 Jan 2024 10:35:00 GMT"
    assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()}:"
    assert headers["Content-Disposition"] == 'attachment; filename="ten.txt"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('a"b\\c%', "attachment; filename=\"a_b_c_\"; filename*=UTF-8''a%22b%5Cc%25"),
        ("é ü", "attachment; filename=\"_ _\"; filename*=UTF-8''%C3%A9%20%C3%BC"),
    ],
)
def test_names_that_headers_cannot_spell(client: httpx.Client, name: str, expected: str) -> None:
    file = client.post("/v1/storage/files", files={"path": (None, f"/{name}".encode()), "file": ("n", b"x")}).json()
    assert get(client, file).headers["Content-Disposition"] == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("0-0", (0, 1)), ("2-4", (2, 5)), ("7-", (7, 10)), ("-3", (7, 10)), ("-99", (0, 10)), ("5-99", (5, 10))]
    + [("0-9", (0, 10)), ("9-9", (9, 10)), (" 1-2 ,", (1, 3)), ("1-2,", (1, 3)), ("0-" + "9" * 5000, (0, 10))],
)
def test_a_range(client: httpx.Client, file: dict[str, str], asked: str, expected: tuple[int, int]) -> None:
    answer = get(client, file, Range=f"bytes={asked}")
    start, end = expected
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/10"
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["Repr-Digest"] == get(client, file).headers["Repr-Digest"]


@pytest.mark.parametrize("asked", ["bytes=0-1,3-4", "bytes=4-2", "bytes=-", "bytes=", "bytes=a-b", "bits=0-1", "0-1"])
def test_a_range_that_means_nothing(client: httpx.Client, file: dict[str, str], asked: str) -> None:
    answer = get(client, file, Range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("asked", ["10-", "10-20", "99-", "-0", "9" * 30 + "-"])
def test_a_range_outside(client: httpx.Client, file: dict[str, str], asked: str) -> None:
    answer = get(client, file, Range=f"bytes={asked}")
    assert (answer.status_code, answer.json()["error"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == "bytes */10"


def test_an_empty_file(client: httpx.Client) -> None:
    file = send(client, "/empty", b"").json()
    assert (get(client, file).content, get(client, file).headers["Content-Length"]) == (b"", "0")
    assert get(client, file, Range="bytes=0-").headers["Content-Range"] == "bytes */0"


def test_if_range(client: httpx.Client, file: dict[str, str]) -> None:
    assert get(client, file, Range="bytes=1-2", If_Range=file["etag"]).status_code == 206
    for other in ('"other"', f"W/{file['etag']}", "Mon, 15 Jan 2024 10:35:00 GMT"):
        answer = get(client, file, Range="bytes=1-2", If_Range=other)
        assert (answer.status_code, answer.content) == (200, CONTENT)
    assert get(client, file, Range="bytes=99-", If_Range='"other"').status_code == 200


def test_if_match(client: httpx.Client, file: dict[str, str]) -> None:
    for good in (file["etag"], "*", f'"other" , {file["etag"]}'):
        assert get(client, file, If_Match=good).status_code == 200
    for bad in ('"other"', f"W/{file['etag']}", ""):
        answer = get(client, file, If_Match=bad)
        assert (answer.status_code, answer.json()["error"]) == (412, "precondition_failed")


@given(
    size=st.integers(0, 20),
    first=st.one_of(st.none(), st.integers(0, 25)),
    last=st.one_of(st.none(), st.integers(0, 25)),
)
def test_ranges_select_what_the_standard_says(size: int, first: int | None, last: int | None) -> None:
    """The reference picks byte by byte, as the words of RFC 9110 do."""
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        chosen = None if last is None else [at for at in range(size) if at >= size - last]
    elif last is not None and last < first:
        chosen = None
    else:
        chosen = [at for at in range(size) if at >= first and (last is None or at <= last)]
    if chosen == []:
        with pytest.raises(UnsatisfiableError):
            parse_range(header, size)
    else:
        found = parse_range(header, size)
        assert (None if found is None else list(range(*found))) == chosen


@given(st.text(alphabet="bytes=-,0123456789 \t", max_size=20), st.integers(0, 30))
def test_no_header_leads_out_of_the_file(header: str, size: int) -> None:
    try:
        found = parse_range(header, size)
    except UnsatisfiableError:
        return
    assert found is None or 0 <= found[0] < found[1] <= size


def test_a_download_survives_the_replacement_of_its_file(server: MockServer, client: httpx.Client) -> None:
    content = bytes(range(256)) * 40_000
    server.storage.put("/big", content)
    (file,) = client.get("/v1/storage/files?path=/big").json()["files"]
    with client.stream("GET", URL.format(file["id"])) as answer:
        chunks = answer.iter_raw(1000)
        received = next(chunks)
        server.storage.put("/big", b"other")
        received += b"".join(chunks)
    assert received == content


def test_bytes_that_are_missing_on_the_disk_cut_the_download(server: MockServer, unchecked: httpx.Client) -> None:
    server.storage.put("/a", b"0123456789")
    (file,) = unchecked.get("/v1/storage/files?path=/a").json()["files"]
    stored = server.app.state.storage.file(file["id"])
    assert stored is not None
    os.truncate(os.path.join(server.storage.directory, "blobs", stored.blob), 5)
    with pytest.raises(httpx.RemoteProtocolError):
        unchecked.get(URL.format(file["id"]))


def test_many_small_parts_make_the_whole(client: httpx.Client) -> None:
    content = client.get(URL.format("file_789")).content
    parts = [client.get(URL.format("file_789"), headers={"Range": f"bytes={n}-{n + 99}"}) for n in range(0, 1024, 100)]
    assert b"".join(part.content for part in parts) == content


@pytest.mark.parametrize("size", [0, 1, 5, 10])
def test_a_download_that_is_cut(server: MockServer, file: dict[str, str], size: int) -> None:
    server.faults.set(f"GET /v1/storage/*: cut={size}")
    head, _, body = raw_exchange(server.url, raw_get(URL.format(file["id"]))).partition(b"\r\n\r\n")
    assert b"content-length: 10" in head.lower()
    assert body == CONTENT[:size]


def test_a_download_that_drips(server: MockServer, client: httpx.Client, file: dict[str, str]) -> None:
    server.faults.set("GET /v1/storage/*: drip=3@0")
    assert get(client, file).content == CONTENT
    server.faults.set([{"path": "/v1/storage/files/*/download", "drip": {"bytes": 3, "interval": 60}}])
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10) as sock:
        sock.sendall(raw_get(URL.format(file["id"])))
        body = received = b""
        while not body:
            received += sock.recv(1000)
            body = received.partition(b"\r\n\r\n")[2]
        assert body == CONTENT[:3]


def test_a_range_that_is_ignored(server: MockServer, client: httpx.Client, file: dict[str, str]) -> None:
    server.faults.set("GET /v1/storage/*: ignore-range")
    answer = get(client, file, Range="bytes=3-4")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert get(client, file, Range="bytes=3-4").status_code == 206


def test_a_file_that_is_replaced_just_before(server: MockServer, client: httpx.Client, file: dict[str, str]) -> None:
    server.faults.set("GET */download: replace*2, ok")
    answers = [get(client, file, Range="bytes=5-", If_Range=file["etag"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.headers["ETag"] for answer in answers} | {file["etag"]}) == 3
    assert {len(answer.content) for answer in answers} == {10}
    assert answers[1].content == answers[2].content == server.storage.read("/ten.txt") != CONTENT


def test_a_replaced_file_does_not_match(server: MockServer, client: httpx.Client, file: dict[str, str]) -> None:
    server.faults.set("GET */download: replace")
    assert get(client, file, If_Match=file["etag"]).status_code == 412


def test_a_digest_that_is_wrong(server: MockServer, client: httpx.Client, file: dict[str, str]) -> None:
    server.faults.set("GET *: wrong-checksum*3, ok")
    answer = get(client, file)
    assert re.fullmatch(r"sha-256=:[A-Za-z0-9+/]{43}=:", answer.headers["Repr-Digest"])
    assert client.get(f"/v1/storage/files/{file['id']}").json()["checksum"] != file["checksum"]
    assert client.get("/v1/storage/files?path=/ten.txt").json()["files"][0]["checksum"] != file["checksum"]
    assert get(client, file).headers["Repr-Digest"] != answer.headers["Repr-Digest"]


def test_a_wrong_length(server: MockServer, unchecked: httpx.Client, file: dict[str, str]) -> None:
    server.faults.set("GET /v1/storage/files: length=+3")
    with pytest.raises(httpx.RemoteProtocolError):
        unchecked.get("/v1/storage/files")
