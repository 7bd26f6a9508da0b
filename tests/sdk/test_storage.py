"""Files of the storage: list, look up, remove, and move small ones in and out of memory."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from vantage_sdk import ConflictError, ResourceNotFoundError, TransferError, ValidationError


def names(files: Any) -> list[str]:
    return sorted(file.path for file in files)


async def test_a_directory_is_listed_with_what_is_directly_in_it(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        files = await client.storage.list("/datasets/")
        assert names(files) == [
            "/datasets/large-file.tar.gz",
            "/datasets/remote-dir",
            "/datasets/remote-file.txt",
            "/datasets/small-file.txt",
        ]
        assert names(await client.storage.list("/datasets")) == names(files)
        assert [file.path for file in files if file.is_directory] == ["/datasets/remote-dir"]
        assert "/datasets" in names(await client.storage.list())


async def test_a_recursive_list_has_files_only(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        files = await client.storage.list("/datasets/", recursive=True, include_size=True, include_metadata=True)
        assert not any(file.is_directory for file in files)
        assert all(file.size is not None and file.checksum and file.etag for file in files)
        assert set(names(files)) == {path for path in server.storage.files() if path.startswith("/datasets/")}
        assert all(file.metadata == {} for file in files)
        plain = await client.storage.list("/datasets/", recursive=True)
        assert all(file.metadata is None for file in plain)
        assert names(plain) == names(files)


async def test_a_long_list_is_fetched_whole_or_page_by_page(face: Face) -> None:
    with MockServer(world="empty", rate_limits=False) as server:
        for number in range(120):
            server.storage.put(f"/many/{number:03}", b"x")
        async with face.client(server.url) as client:
            wanted = [f"/many/{number:03}" for number in range(120)]
            assert names(await client.storage.list("/many")) == wanted
            assert names([file async for file in client.storage.list_all("/many", page_size=50)]) == wanted
            pages = [page async for page in client.storage.list_paginated("/many", page_size=50)]
            assert [len(page) for page in pages] == [50, 50, 20]
            page = await client.storage.list("/many", limit=100)
            assert (len(page), page.total, page.has_next) == (100, 120, True)
            rest = await client.storage.list("/many", limit=100, page_token=page.next_page_token)
            assert names([*page, *rest]) == wanted
            assert [file.name for file in await client.storage.list("/many", limit=2, sort="name")] == ["000", "001"]


async def test_what_is_not_there_is_an_empty_list(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        assert [*await client.storage.list("/nothing/here")] == []


async def test_a_file_is_known_by_path_and_by_id(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        by_path = await client.storage.get("/datasets/remote-file.txt")
        by_id = await client.storage.get("file_789")
        assert by_path.id == by_id.id == "file_789"
        content = server.storage.read("/datasets/remote-file.txt")
        assert (by_id.size, by_id.content_type) == (len(content), "text/plain")
        assert by_id.checksum == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert await client.storage.download_to_bytes("file_789") == content


async def test_a_path_is_found_in_a_directory_of_any_size(face: Face) -> None:
    with MockServer(world="empty", rate_limits=False) as server:
        for number in range(150):
            server.storage.put(f"/a/{number}", b"x")
        server.storage.put("/ab", b"y")
        async with face.client(server.url) as client:
            assert (await client.storage.get("/ab")).size == 1
            before = len(server.journal)
            with pytest.raises(ResourceNotFoundError, match="there is no file at /a "):
                await client.storage.get("/a")
            assert len(server.journal) == before + 1


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/datasets/small-file.txt", True),
        ("/datasets", True),
        ("/datasets/", True),
        ("/", True),
        ("/data", False),
        ("/datasets/small-file", False),
        ("file_789", True),
        ("file_nothing", False),
    ],
)
async def test_it_is_known_what_exists(path: str, there: bool, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        assert await client.storage.exists(path) is there


@pytest.mark.parametrize("name", ["/datasets/small-file.txt", "file_789"])
async def test_a_file_is_removed_by_path_and_by_id(name: str, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        await client.storage.delete(name)
        assert not await client.storage.exists(name)
        with pytest.raises(ResourceNotFoundError):
            await client.storage.delete(name)


async def test_a_removal_whose_answer_was_lost_is_done(face: Face, server: MockServer) -> None:
    server.faults.set("DELETE /v1/storage/files/*: reset-after, ok")
    async with face.client(server.url) as client:
        await client.storage.delete("file_789")
    assert "/datasets/remote-file.txt" not in server.storage.files()


@pytest.mark.parametrize("text", ["Hello World!", "", "käse \u2603 \U0001f600", "a\r\nb\n"])
async def test_text_goes_up_and_comes_down_as_it_was(text: str, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        file = await client.storage.upload_string(text, "/notes/text.txt")
        assert (file.path, file.size, file.content_type) == ("/notes/text.txt", len(text.encode()), "text/plain")
        assert server.storage.read("/notes/text.txt") == text.encode()
        assert await client.storage.download_to_string("/notes/text.txt") == text


async def test_text_in_another_encoding(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        await client.storage.upload_string("käse", "/t", encoding="latin-1")
        assert server.storage.read("/t") == b"k\xe4se"
        assert await client.storage.download_to_string("/t", encoding="latin-1") == "käse"
        with pytest.raises(UnicodeDecodeError):
            await client.storage.download_to_string("/t")
        with pytest.raises(UnicodeEncodeError):
            await client.storage.upload_string("\u2603", "/u", encoding="latin-1")
    assert "/u" not in server.storage.files()


async def test_a_file_is_replaced_only_on_request(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        first = await client.storage.upload(b"one", "/f", content_type="text/x-one")
        with pytest.raises(ConflictError) as caught:
            await client.storage.upload(b"two", "/f")
        assert (caught.value.status_code, caught.value.code) == (409, "resource_conflict")
        assert server.storage.read("/f") == b"one"
        second = await client.storage.upload(b"two", "/f", overwrite=True)
        assert server.storage.read("/f") == b"two"
        assert first.id == second.id
        assert first.etag != second.etag
        assert (first.content_type, second.content_type) == ("text/x-one", "application/octet-stream")


async def test_a_refusal_of_the_server_names_the_field(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        await client.storage.upload(b"x", "/f")
        with pytest.raises(ConflictError):
            await client.storage.upload(b"x", "/f/below")
        with pytest.raises(ValidationError) as caught:
            await client.request("GET", "/storage/files", query={"path": "/../x"})
        assert caught.value.details["field"] == "path"


async def test_names_travel_as_they_are(face: Face, server: MockServer) -> None:
    names = ['/a "b"/c;d=e', "/ü/\u2603.txt", "/100%/a+b &c", "/it's\\fine", "/a{b}/{file_id}"]
    async with face.client(server.url) as client:
        for name in names:
            file = await client.storage.upload_string(name, name)
            assert file.path == name
            assert await client.storage.download_to_string(name) == name
    assert {*names} <= server.storage.files().keys()


async def test_memory_is_guarded(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(TransferError, match="1024 bytes, more than max_bytes=1023; raise that, or download"):
            await client.storage.download_to_bytes("file_789", max_bytes=1023)
        assert len(await client.storage.download_to_bytes("file_789", max_bytes=1024)) == 1024


async def test_a_file_comes_as_a_stream(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        async with client.storage.download_stream("/datasets/large-file.tar.gz") as stream:
            found = b"".join([piece async for piece in stream])
        assert found == server.storage.read("/datasets/large-file.tar.gz")
        async with client.storage.download_stream("/datasets/large-file.tar.gz") as stream:
            assert len(await anext(stream)) > 0
        assert await client.storage.exists("file_789")


async def test_a_file_is_written_into_a_file_object(face: Face, server: MockServer) -> None:
    target = io.BytesIO()
    target.write(b"before")
    async with face.client(server.url) as client:
        assert await client.storage.download_to_file("file_789", target) == 1024
    assert target.getvalue() == b"before" + server.storage.read("/datasets/remote-file.txt")


@pytest.mark.parametrize("size", [0, 1, 1 << 20])
async def test_a_file_is_written_to_a_path(size: int, face: Face, server: MockServer, tmp_path: Path) -> None:
    server.storage.put("/f", b"s" * size)
    async with face.client(server.url) as client:
        for target in (tmp_path / "new.bin", str(tmp_path / "text.bin")):
            assert await client.storage.download("/f", target) == Path(target)
            assert Path(target).read_bytes() == b"s" * size
    assert sorted(os.listdir(tmp_path)) == ["new.bin", "text.bin"]


@pytest.mark.parametrize(
    ("target", "problem"),
    [("missing/f", FileNotFoundError), (".", IsADirectoryError), (7, TypeError), ("", OSError)],
)
async def test_places_that_are_none(
    target: Any, problem: type[Exception], face: Face, server: MockServer, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    async with face.client(server.url) as client:
        with pytest.raises(problem):
            await client.storage.download("file_789", target)
    assert os.listdir(tmp_path) == []


async def test_what_is_not_there_leaves_no_trace(face: Face, server: MockServer, tmp_path: Path) -> None:
    async with face.client(server.url) as client:
        for name in ("/none", "file_none"):
            with pytest.raises(ResourceNotFoundError):
                await client.storage.download(name, tmp_path / "f")
    assert os.listdir(tmp_path) == []


async def test_a_text_file_is_no_place_for_bytes(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(TypeError, match="binary mode"):
            await client.storage.download_to_file("file_789", io.StringIO())
        with pytest.raises(TypeError, match="download_to_file takes an open file"):
            await client.storage.download("file_789", io.BytesIO())
    assert server.journal == []


@pytest.mark.parametrize("verb", ["get", "exists", "delete", "download_to_bytes"])
async def test_a_file_is_named_by_text(verb: str, face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(TypeError, match="takes text, not int"):
            await getattr(client.storage, verb)(5)
    assert server.journal == []


async def test_an_error_says_where_it_comes_from(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(ResourceNotFoundError, match=r"there is no file at /none \(GET /v1/storage/files\)"):
            await client.storage.get("/none")
        with pytest.raises(ConflictError) as caught:
            await client.storage.upload(b"x", "/datasets/small-file.txt")
        assert caught.value.__notes__ == ["overwrite=True replaces a file that is there"]
        assert caught.value.max_attempts == 4


async def test_directories_that_are_none(face: Face, server: MockServer, tmp_path: Path) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(ResourceNotFoundError, match="there is no directory /none"):
            await client.storage.download_directory("/none/", tmp_path)
        with pytest.raises(ValueError, match="is a file; download takes it"):
            await client.storage.download_directory("/datasets/small-file.txt", tmp_path)
    assert os.listdir(tmp_path) == []


async def test_a_callback_is_an_ordinary_function(face: Face, server: MockServer) -> None:
    async def callback(done: int, total: int) -> None:
        pass

    async with face.client(server.url) as client:
        with pytest.raises(TypeError, match="ordinary function"):
            await client.storage.upload(b"x", "/f", progress_callback=callback)
    assert "/f" not in server.storage.files()


async def test_outputs_of_a_job_are_files(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        [output] = (await client.jobs.output("job_121")).files
        assert (await client.storage.get(output.path)).to_dict() | {"etag": ..., "metadata": ...} == (
            await client.storage.get(output.id)
        ).to_dict() | {"etag": ..., "metadata": ...}
        assert await client.storage.download_to_string(output.path) == "id,value\n1,0.5\n2,0.75\n"
