"""Whole directories, up and down: every file arrives as it is, or the report or the error says why it did not."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.directories import FILES, down, files_of, names, put, stored, up, write
from tests.support.faces import Face
from tests.support.local_files import mode, tree
from vantage_sdk import ConflictError, ResourceNotFoundError, VantageAPIError

FORMS, BYTES = "POST /v1/storage/files", "GET /v1/storage/files/*/download"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    write(folder, FILES)
    (folder / "empty").mkdir()
    return folder


@pytest.mark.parametrize("folder", ["/d", "/d/", "/deep/er"])
@pytest.mark.parametrize("concurrency", [1, 8, 50])
async def test_it_goes_up_and_comes_down_as_it_was(
    folder: str, concurrency: int, face: Face, server: MockServer, local: Path, tmp_path: Path
) -> None:
    report = await up(face, server, local, folder, concurrency=concurrency)
    assert stored(server, folder.rstrip("/")) == FILES
    assert len(report.done) == len(FILES)
    assert (report.success, report.dry_run, report.skipped, report.failed) == (True, False, (), ())
    assert report.bytes == sum(map(len, FILES.values()))
    assert report.seconds > 0
    first = report.done[0]
    assert (first.local_path, first.remote_path) == (str(local / ".hidden"), f"{folder.rstrip('/')}/.hidden")
    assert (first.size, first.reason, first.error) == (1, "", None)
    again = await down(face, server, tmp_path / "new" / "copy", folder, concurrency=concurrency)
    assert files_of(tmp_path / "new" / "copy") == FILES
    assert [item.remote_path for item in again.done] == [item.remote_path for item in report.done]
    report.raise_if_any_failed()


async def test_the_root_is_a_directory_too(face: Face, server: MockServer, local: Path, tmp_path: Path) -> None:
    await up(face, server, local, "/")
    assert {path[1:] for path in server.storage.files()} == set(FILES)
    await down(face, server, tmp_path / "copy", "/")
    assert files_of(tmp_path / "copy") == FILES


async def test_neighbours_with_the_same_beginning_stay_out(face: Face, server: MockServer, tmp_path: Path) -> None:
    put(server, {"a": b"1"})
    put(server, {"a": b"2"}, "/dd")
    await down(face, server, tmp_path / "copy")
    assert files_of(tmp_path / "copy") == {"a": b"1"}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"include": "*.csv"}, ["b.csv", "sub/c.csv"]),
        ({"include": ["/*.csv", ".hidden"]}, [".hidden", "b.csv"]),
        ({"exclude": ["sub/", ".*"]}, ["a.txt", "b.csv"]),
        ({"include": "sub/**", "exclude": "**/*.csv"}, ["sub/deep/d d.bin", "sub/ü/\u2603"]),
        ({"include": []}, []),
        ({"include": "nothing"}, []),
    ],
)
async def test_globs_choose_the_same_in_both_directions(
    options: dict[str, Any], wanted: list[str], face: Face, server: MockServer, local: Path, tmp_path: Path
) -> None:
    report = await up(face, server, local, **options)
    assert sorted(stored(server)) == sorted(names(report.done)) == wanted
    put(server, FILES)
    report = await down(face, server, tmp_path / "copy", **options)
    assert sorted(names(report.done)) == sorted(files_of(tmp_path / "copy") if wanted else []) == wanted


async def test_links_and_devices_are_left_out_and_told(
    face: Face, server: MockServer, local: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (local / "link").symlink_to(tmp_path / "secret")
    (local / "folder").symlink_to(tmp_path)
    (local / "loop").symlink_to(".")
    os.mkfifo(local / "fifo")
    report = await up(face, server, local)
    assert stored(server) == FILES
    assert {(name, item.reason) for name, item in zip(names(report.skipped), report.skipped, strict=True)} == {
        ("link", "a symbolic link"),
        ("folder", "a symbolic link"),
        ("loop", "a symbolic link"),
        ("fifo", "a FIFO"),
    }


async def test_what_exists_is_not_replaced_unless_that_is_wanted(face: Face, server: MockServer, local: Path) -> None:
    put(server, {"b.csv": b"theirs"})
    with pytest.raises(ConflictError) as caught:
        await up(face, server, local, concurrency=1)
    assert f"while transferring {local / 'b.csv'}" in caught.value.__notes__
    assert f"2 of {len(FILES)} files were transferred" in caught.value.__notes__
    assert stored(server) == {".hidden": b"h", "a.txt": FILES["a.txt"], "b.csv": b"theirs"}
    await up(face, server, local, sync=True)
    assert stored(server) == FILES
    put(server, {"b.csv": b"theirs"})
    await up(face, server, local, overwrite=True)
    assert stored(server) == FILES


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_others_go_on_where_one_fails_if_told_so(
    concurrency: int, face: Face, server: MockServer, local: Path
) -> None:
    put(server, {"b.csv": b"theirs", "sub/deep": b"a file where a directory is needed"})
    report = await up(face, server, local, continue_on_error=True, concurrency=concurrency)
    assert names(report.failed) == ["b.csv", "sub/deep/d d.bin"]
    assert len(report.done) == len(FILES) - 2
    assert not report.success
    failed = report.failed[0]
    assert isinstance(failed.error, ConflictError)
    assert failed.reason.startswith("ConflictError: 409 resource_conflict")
    with pytest.raises(ConflictError) as caught:
        report.raise_if_any_failed()
    assert "and 1 more files failed" in caught.value.__notes__
    assert stored(server)["b.csv"] == b"theirs"


async def test_a_download_that_fails_leaves_nothing_of_itself(face: Face, server: MockServer, tmp_path: Path) -> None:
    put(server, FILES)
    server.faults.set([{"path": "/v1/storage/files/*/download", "nth": 2, "status": 403}])
    with pytest.raises(VantageAPIError):
        await down(face, server, tmp_path / "copy", concurrency=1)
    assert set(files_of(tmp_path / "copy")) == {min(FILES)}
    server.faults.set([{"path": "/v1/storage/files/*/download", "nth": [2, 3], "status": 403}])
    report = await down(face, server, tmp_path / "copy", concurrency=1, continue_on_error=True)
    assert names(report.failed) == sorted(FILES)[1:3]
    assert set(files_of(tmp_path / "copy")) == set(FILES) - set(sorted(FILES)[1:3])


@pytest.mark.parametrize("fate", ["503*3, ok", "reset-after*3, ok", "ok*2, cut-upload=10*2, ok"])
async def test_a_bad_network_changes_nothing_going_up(fate: str, face: Face, server: MockServer, local: Path) -> None:
    server.faults.set(f"{FORMS}: {fate}")
    await up(face, server, local)
    assert stored(server) == FILES


@pytest.mark.parametrize(
    "fate", ["503*3, ok", "reset-before*3, ok", "cut=50*3, ok", "replace, ok", "wrong-checksum, ok"]
)
async def test_a_bad_network_changes_nothing_coming_down(
    fate: str, face: Face, server: MockServer, tmp_path: Path
) -> None:
    put(server, FILES)
    server.faults.set(f"{BYTES}: {fate}")
    await down(face, server, tmp_path / "copy")
    assert files_of(tmp_path / "copy") == stored(server)


async def test_many_small_files(face: Face, server: MockServer, tmp_path: Path) -> None:
    many = {f"{number % 7}/{number:03}": b"%d" % number for number in range(210)}
    write(tmp_path / "many", many)
    report = await up(face, server, tmp_path / "many")
    assert (len(report.done), stored(server)) == (210, many)
    report = await down(face, server, tmp_path / "copy")
    assert (len(report.done), files_of(tmp_path / "copy")) == (210, many)
    report = await down(face, server, tmp_path / "copy", sync=True)
    assert (len(report.skipped), report.bytes) == (210, 0)


async def test_nothing_but_empty_files(face: Face, server: MockServer, tmp_path: Path) -> None:
    write(tmp_path / "empty", {"a": b"", "b/c": b""})
    told: list[Any] = []
    await up(face, server, tmp_path / "empty", progress_callback=lambda *done: told.append(done))
    await down(face, server, tmp_path / "copy", progress_callback=lambda *done: told.append(done))
    assert files_of(tmp_path / "copy") == {"a": b"", "b/c": b""}
    assert told == []


async def test_nothing_at_all(face: Face, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert (await up(face, server, tmp_path / "empty")).done == ()
    with pytest.raises(ResourceNotFoundError, match="there is no directory /d "):
        await down(face, server, tmp_path / "copy")
    assert (await down(face, server, tmp_path / "copy", "/")).done == ()
    assert {record.method for record in server.journal} == {"GET"}


async def test_local_files_are_replaced_and_keep_their_mode(face: Face, server: MockServer, tmp_path: Path) -> None:
    put(server, {"a": b"new", "b": b"new"})
    write(tmp_path / "copy", {"a": b"old and longer"})
    (tmp_path / "copy" / "a").chmod(0o751)
    await down(face, server, tmp_path / "copy")
    assert tree(tmp_path / "copy") == {"a": b"new", "b": b"new"}
    assert mode(tmp_path / "copy" / "a") == 0o751


async def test_local_things_in_the_way_are_errors(face: Face, server: MockServer, tmp_path: Path) -> None:
    put(server, {"a/b": b"1", "c": b"2", "d": b"3", "e": b"4"})
    copy = tmp_path / "copy"
    write(copy, {"a": b"a file where a folder is needed", "c/inside": b"a folder where a file is needed"})
    os.mkfifo(copy / "d")
    report = await down(face, server, copy, continue_on_error=True)
    assert {name: type(item.error) for name, item in zip(names(report.failed), report.failed, strict=True)} == {
        "a/b": NotADirectoryError,
        "c": IsADirectoryError,
        "d": OSError,
    }
    assert files_of(copy) == {
        "a": b"a file where a folder is needed",
        "c/inside": b"a folder where a file is needed",
    } | {"e": b"4"}
    assert stat.S_ISFIFO((copy / "d").stat().st_mode)


@pytest.mark.parametrize("link", ["a", "a/b"])
async def test_a_planted_link_is_not_followed(link: str, face: Face, server: MockServer, tmp_path: Path) -> None:
    put(server, {"a/b/c": b"new"})
    outside, copy = tmp_path / "outside", tmp_path / "copy"
    write(outside, {"c": b"mine", "b/c": b"mine"})
    (copy / link).parent.mkdir(parents=True)
    (copy / link).symlink_to(outside)
    with pytest.raises(OSError, match="a symbolic link is in the way"):
        await down(face, server, copy)
    assert files_of(outside) == {"c": b"mine", "b/c": b"mine"}


async def test_a_link_in_the_place_of_a_file_is_replaced(face: Face, server: MockServer, tmp_path: Path) -> None:
    put(server, {"a": b"new"})
    write(tmp_path, {"outside": b"mine"})
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "a").symlink_to(tmp_path / "outside")
    await down(face, server, tmp_path / "copy")
    assert tree(tmp_path / "copy") == {"a": b"new"}
    assert (tmp_path / "outside").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("target", "problem"), [("missing", FileNotFoundError), ("local/a.txt", NotADirectoryError), ("", OSError)]
)
async def test_sources_that_are_none(
    target: str, problem: type[Exception], face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(local / "empty")
    with pytest.raises(problem):
        await up(face, server, local.parent / target if target else Path("/dev/null"))
    assert server.journal == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"concurrency": 0}, ValueError),
        ({"concurrency": True}, ValueError),
        ({"include": 7}, TypeError),
        ({"exclude": ["a\\b"]}, ValueError),
        ({"progress_callback": 7}, TypeError),
        ({"overwritten": True}, TypeError),
    ],
)
async def test_options_that_are_wrong(
    options: Any, problem: type[Exception], face: Face, server: MockServer, local: Path, tmp_path: Path
) -> None:
    put(server, {"a": b"1"})
    with pytest.raises(problem):
        await up(face, server, local, "/e", **options)
    with pytest.raises(problem):
        await down(face, server, tmp_path / "copy", **options)
    assert stored(server, "/e") == {}
    assert not (tmp_path / "copy").exists()
