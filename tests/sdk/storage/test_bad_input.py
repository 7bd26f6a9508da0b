"""Sources that cannot be read, targets that cannot be written, a server that is full: the right error, and nothing is lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.directories import write
from tests.support.faces import Face
from tests.support.local_files import tree
from vantage_sdk import ConflictError, ServerError
from vantage_sdk.core.io import disk, folder
from vantage_sdk.testing import instant_retries

UNSIZED = Path("/proc/version")
DENIED = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS))


def skip_if_allowed(path: Path, how: int) -> None:
    if os.access(path, how):
        pytest.skip("the superuser may read and write everything")


def refuse(monkeypatch: pytest.MonkeyPatch, module: Any, flag: int, error: OSError) -> None:
    """Let the system refuse to open files with a flag, 0 for all of them."""
    usual = os.open

    def refusing(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if flags & flag == flag:
            raise type(error)(*error.args)
        return usual(path, flags, *args, **options)

    monkeypatch.setattr(module.os, "open", refusing)


# Sources


async def unreadable(face: Face, server: MockServer, path: Path) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(PermissionError) as caught:
            await client.storage.upload(path, "/f")
    assert caught.value.errno == errno.EACCES
    assert server.journal == []


async def test_a_source_that_the_system_refuses_to_open(
    face: Face, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"f": b"secret"})
    with monkeypatch.context() as patch:
        refuse(patch, disk, 0, DENIED)
        await unreadable(face, server, tmp_path / "f")


async def test_a_source_without_leave_to_read(face: Face, server: MockServer, tmp_path: Path) -> None:
    write(tmp_path, {"f": b"secret"})
    (tmp_path / "f").chmod(0)
    skip_if_allowed(tmp_path / "f", os.R_OK)
    await unreadable(face, server, tmp_path / "f")


async def test_an_empty_file_is_a_file(face: Face, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    told: list[Any] = []
    options: Any = {"progress_callback": lambda *done: told.append(done), "progress": True}
    async with face.client(server.url) as client:
        assert (await client.storage.upload(tmp_path / "empty", "/empty", **options)).size == 0
        assert server.storage.files() == {"/empty": 0}
        await client.storage.download("/empty", tmp_path / "copy", **options)
        with (tmp_path / "object").open("wb") as file:
            assert await client.storage.download_to_file("/empty", file, **options) == 0
        assert await client.storage.download_to_bytes("/empty") == b""
    assert tree(tmp_path) == {"empty": b"", "copy": b"", "object": b""}
    assert told == []


@pytest.mark.skipif(os.name != "posix", reason="an open file keeps its name on Windows")
@pytest.mark.parametrize("size", [1000, 9 << 20])
async def test_a_source_that_loses_its_name_goes_up_whole(
    size: int, face: Face, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vantage_sdk.core.io.sources import FileSource

    write(tmp_path, {"f": b"v" * size})
    usual = FileSource.read

    def vanish(self: FileSource, offset: int, wanted: int) -> bytes:
        (tmp_path / "f").unlink(missing_ok=True)
        return usual(self, offset, wanted)

    monkeypatch.setattr(FileSource, "read", vanish)
    async with face.client(server.url) as client:
        await client.storage.upload(tmp_path / "f", "/f")
    assert server.storage.read("/f") == b"v" * size
    assert tree(tmp_path) == {}


@pytest.mark.skipif(not UNSIZED.exists(), reason="no file here that does not tell its size")
async def test_a_source_that_does_not_tell_its_size_is_not_taken_for_empty(face: Face, server: MockServer) -> None:
    assert UNSIZED.stat().st_size == 0
    async with face.client(server.url) as client:
        with pytest.raises(OSError, match="does not tell how large it is; give its bytes instead: '/proc/version'"):
            await client.storage.upload(UNSIZED, "/f")
        assert server.storage.files() == {}
        await client.storage.upload(UNSIZED.read_bytes(), "/f")
    assert server.storage.read("/f") == UNSIZED.read_bytes()


# Targets


async def unwritable(face: Face, server: MockServer, target: Path, code: int) -> None:
    server.storage.put("/d/f", b"new")
    before = tree(target.parent)
    async with face.client(server.url) as client:
        with pytest.raises(OSError) as caught:
            await client.storage.download("/d/f", target)
        with pytest.raises(OSError) as again:
            await client.storage.download_directory("/d", target.parent)
    assert (caught.value.errno, again.value.errno) == (code, code)
    assert str(target.parent) in str(caught.value)
    assert tree(target.parent) == before
    assert not any(record.path.endswith("/download") for record in server.journal)


@pytest.mark.parametrize("error", [READ_ONLY, DENIED], ids=["file system", "folder"])
@pytest.mark.parametrize("old", [{"to/f": b"old"}, {"to/other": b"mine"}], ids=["there", "new"])
async def test_a_target_on_what_can_only_be_read(
    old: dict[str, bytes],
    error: OSError,
    face: Face,
    server: MockServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(tmp_path, old)
    with monkeypatch.context() as patch:
        refuse(patch, folder, os.O_CREAT, error)
        assert error.errno is not None
        await unwritable(face, server, tmp_path / "to/f", error.errno)


async def test_a_target_in_a_folder_without_leave_to_write(face: Face, server: MockServer, tmp_path: Path) -> None:
    write(tmp_path, {"to/f": b"old"})
    (tmp_path / "to").chmod(0o500)
    try:
        skip_if_allowed(tmp_path / "to", os.W_OK)
        await unwritable(face, server, tmp_path / "to/f", errno.EACCES)
    finally:
        (tmp_path / "to").chmod(0o700)


# The server


@pytest.mark.parametrize("size", [1000, 9 << 20])
async def test_a_server_without_room_is_asked_once_and_keeps_what_it_had(
    size: int, face: Face, server: MockServer
) -> None:
    server.storage.put("/f", b"old")
    server.faults.set("POST /v1/storage/files: 507*" if size == 1000 else "PATCH *: 507*")
    with instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(ServerError) as caught:
                await client.storage.upload(bytes(size), "/f", overwrite=True)
    assert (caught.value.status_code, caught.value.code) == (507, "insufficient_storage")
    assert sum(record.status == 507 for record in server.journal) == 1
    assert server.storage.read("/f") == b"old"
    assert server.storage.uploads() == []


async def test_a_directory_in_the_way_is_not_called_replaceable(face: Face, server: MockServer) -> None:
    server.storage.put("/d/f", b"x")
    async with face.client(server.url) as client:
        for overwrite in (False, True):
            with pytest.raises(ConflictError, match="/d is a directory") as caught:
                await client.storage.upload(b"x", "/d", overwrite=overwrite)
            notes = getattr(caught.value, "__notes__", [])
            assert notes == ([] if overwrite else ["overwrite=True replaces a file that is there"])
    assert server.storage.files() == {"/d/f": 1}
