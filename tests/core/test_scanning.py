"""A scan finds what the user means to upload, and says what it leaves out."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from vantage_sdk.core.io.scanning import LocalFile, Scan, Skipped, scan
from vantage_sdk.core.transfer.globs import Filter

ALL = Filter(None, None)

pytestmark = pytest.mark.usefixtures("nothing_stays_open")


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def names(found: Scan) -> list[str]:
    return [file.relative for file in found.files]


def test_all_files_sorted_hidden_ones_too(tmp_path: Path) -> None:
    make(tmp_path, "b", "a/z", "a/b/c", "a.txt", ".hidden/.x", "é/日本")
    (tmp_path / "empty" / "inside").mkdir(parents=True)
    found = scan(tmp_path, ALL, follow_symlinks=False)
    assert names(found) == [".hidden/.x", "a.txt", "a/b/c", "a/z", "b", "é/日本"]
    assert found.files[3] == LocalFile(tmp_path / "a" / "z", "a/z", 3)
    assert found.skipped == found.failed == []


def test_a_filter(tmp_path: Path) -> None:
    make(tmp_path, "a.csv", "a.txt", "old/b.csv", "x/old/c.csv", "x/d.csv")
    (tmp_path / "old" / "link").symlink_to("nowhere")
    (tmp_path / "link.txt").symlink_to("a.txt")
    os.mkfifo(tmp_path / "fifo.txt")
    found = scan(tmp_path, Filter("*.csv", "old/"), follow_symlinks=False)
    assert found == Scan(found.files, [], [])
    assert names(found) == ["a.csv", "x/d.csv"]


def test_a_folder_that_is_excluded_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a", "secret/x")
    monkeypatch.setattr(os, "scandir", forbidden_in(os.scandir, tmp_path / "secret"))
    found = scan(tmp_path, Filter(None, "secret"), follow_symlinks=False)
    assert found == Scan(found.files, [], [])


def test_links_are_skipped_unless_asked_for(tmp_path: Path) -> None:
    make(tmp_path / "root", "a", "dir/b")
    make(tmp_path / "outside", "c")
    for link, target in {"file": "a", "out": "../outside", "dir/up": "../dir2", "gone": "nowhere"}.items():
        (tmp_path / "root" / link).symlink_to(target)
    found = scan(tmp_path / "root", ALL, follow_symlinks=False)
    assert names(found) == ["a", "dir/b"]
    assert found.skipped == [Skipped(name, "a symbolic link") for name in ("dir/up", "file", "gone", "out")]
    assert found.failed == []
    found = scan(tmp_path / "root", ALL, follow_symlinks=True)
    assert names(found) == ["a", "dir/b", "file", "out/c"]
    assert found.skipped == []
    reason = "a symbolic link that leads nowhere, or nowhere one may go"
    assert found.failed == [Skipped("dir/up", reason), Skipped("gone", reason)]
    assert found.files[2].size == 1
    found = scan(tmp_path / "root", Filter(["*/b"], None), follow_symlinks=True)
    assert (names(found), found.failed) == (["dir/b"], [])


def test_a_skipped_link_to_a_folder_is_told_even_if_its_own_name_is_not_included(tmp_path: Path) -> None:
    make(tmp_path / "outside", "c.csv")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "data").symlink_to("../outside")
    (tmp_path / "root" / "cache").symlink_to("../outside")
    found = scan(tmp_path / "root", Filter("*.csv", "cache/"), follow_symlinks=False)
    assert found == Scan([], [Skipped("data", "a symbolic link")], [])


def test_loops_end(tmp_path: Path) -> None:
    make(tmp_path, "root/a/b/file")
    back = {"root/self": ".", "root/a/b/up": "..", "root/a/b/top": "../..", "root/loop": "loop", "root/above": ".."}
    for link, target in back.items():
        (tmp_path / link).symlink_to(target)
    found = scan(tmp_path / "root", ALL, follow_symlinks=True)
    assert names(found) == ["a/b/file"]
    reason = "a symbolic link that leads back to a folder it is in"
    assert found.skipped == [Skipped(name, reason) for name in ("a/b/top", "a/b/up", "above/root", "self")]
    assert [one.relative for one in found.failed] == ["loop"]


def test_two_links_to_one_folder_are_no_loop(tmp_path: Path) -> None:
    make(tmp_path, "root/a/file")
    (tmp_path / "root" / "b").symlink_to("a")
    assert names(scan(tmp_path / "root", ALL, follow_symlinks=True)) == ["a/file", "b/file"]


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    make(tmp_path, "real/a")
    (tmp_path / "link").symlink_to("real")
    found = scan(tmp_path / "link", ALL, follow_symlinks=False)
    assert found == Scan([LocalFile(tmp_path / "link" / "a", "a", 6)], [], [])


def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    os.mkfifo("fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        (tmp_path / "device").symlink_to(os.devnull)
        found = scan(tmp_path, ALL, follow_symlinks=True)
    assert found.files == found.failed == []
    assert found.skipped == [Skipped("device", "a device"), Skipped("fifo", "a FIFO"), Skipped("socket", "a socket")]


def test_names_that_a_server_would_refuse(tmp_path: Path) -> None:
    make(tmp_path, "ok", "line\nbreak", "esc\x1b/inside", "/".join(["x" * 250] * 4) + "/a-very-long-name-of-a-file")
    (tmp_path / os.fsdecode(b"latin-\xe9")).touch()
    (tmp_path / os.fsdecode(b"dir-\xe9")).mkdir()
    found = scan(tmp_path, ALL, follow_symlinks=False)
    assert names(found) == ["ok"]
    assert {one.relative: one.reason for one in found.failed} == {
        "dir-\udce9": "its name is not valid Unicode; rename it",
        "esc\x1b": "its name contains a control character; write it without",
        "latin-\udce9": "its name is not valid Unicode; rename it",
        "line\nbreak": "its name contains a control character; write it without",
        "/".join(["x" * 250] * 4) + "/a-very-long-name-of-a-file": "its name has more than 1024 bytes; shorten it",
    }
    assert scan(tmp_path, Filter("ok", None), follow_symlinks=False).failed[0].relative == "dir-\udce9"
    assert scan(tmp_path, Filter(None, ["dir*", "esc*", "l*", "x*"]), follow_symlinks=False).failed == []


def forbidden_in(step: Callable[..., object], place: Path) -> Callable[..., object]:
    """Deny one path to a function; the superuser, who runs some tests, is denied nothing by the system."""

    def call(path: str, *arguments: object, **keywords: object) -> object:
        if not isinstance(path, int) and os.fspath(path) == str(place):
            raise PermissionError(13, "Permission denied", path)
        return step(path, *arguments, **keywords)

    return call


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "ok", "locked/x", "private", "unknown")
    monkeypatch.setattr(os, "scandir", forbidden_in(os.scandir, tmp_path / "locked"))
    monkeypatch.setattr(os, "lstat", forbidden_in(os.lstat, tmp_path / "unknown"))
    monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith("private"))
    found = scan(tmp_path, ALL, follow_symlinks=False)
    assert names(found) == ["ok"]
    assert found.skipped == []
    assert found.failed == [Skipped(name, "Permission denied") for name in ("locked", "private", "unknown")]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_what_the_system_does_not_let_us_read(tmp_path: Path) -> None:
    make(tmp_path, "ok", "locked/x", "private")
    for name in ("locked", "private"):
        (tmp_path / name).chmod(0)
    found = scan(tmp_path, ALL, follow_symlinks=False)
    (tmp_path / "locked").chmod(0o700)
    assert names(found) == ["ok"]
    assert found.failed == [Skipped(name, "Permission denied") for name in ("locked", "private")]


def test_what_vanishes_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a", "b", "c/x", "d/x", "e")
    listed = os.scandir

    def scandir(path: str) -> object:
        if path == str(tmp_path / "c"):
            os.unlink(tmp_path / "c" / "x")
        entries = listed(path)
        if path == str(tmp_path):
            os.unlink(tmp_path / "a")
            os.unlink(tmp_path / "d" / "x")
            os.rmdir(tmp_path / "d")
        return entries

    def access(path: str, mode: int) -> bool:
        if path.endswith("e"):
            os.unlink(path)
        return os.path.exists(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", access)
    found = scan(tmp_path, ALL, follow_symlinks=False)
    assert (names(found), found.skipped, found.failed) == (["b"], [], [])


@pytest.mark.parametrize("follow_symlinks", [True, False])
@pytest.mark.parametrize("put_back", [True, False])
def test_a_folder_that_is_swapped_for_a_link_is_not_looked_into(
    follow_symlinks: bool, put_back: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "root", "a/x")
    make(tmp_path / "outside", "secret")
    access = os.stat
    seen = []

    def look(path: str, *arguments: object, **keywords: object) -> os.stat_result:
        if os.fspath(path) == str(tmp_path / "root" / "a") and not seen:
            seen.append(path)
            (tmp_path / "root" / "a").rename(tmp_path / "moved")
            if put_back:
                (tmp_path / "root" / "a").symlink_to(tmp_path / "outside")
        return access(path, *arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", look)
    found = scan(tmp_path / "root", ALL, follow_symlinks=follow_symlinks)
    assert seen
    assert found == Scan([], [], [])


def test_a_root_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "locked").mkdir()
    with pytest.raises(FileNotFoundError, match="missing"):
        scan(tmp_path / "missing", ALL, follow_symlinks=False)
    with pytest.raises(NotADirectoryError, match="file"):
        scan(tmp_path / "file", ALL, follow_symlinks=False)
    monkeypatch.setattr(os, "scandir", forbidden_in(os.scandir, tmp_path / "locked"))
    with pytest.raises(PermissionError, match="locked"):
        scan(tmp_path / "locked", ALL, follow_symlinks=False)


def test_a_tree_deeper_than_any_remote_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(530):
        os.mkdir("d")
        os.chdir("d")
    Path("file").touch()
    os.chdir(tmp_path)
    found = scan(Path("d"), ALL, follow_symlinks=False)
    assert names(found) == []
    assert [one.reason for one in found.failed] == ["its name has more than 1024 bytes; shorten it"]
    assert found.failed[0].relative == "d/" * 512 + "d"
