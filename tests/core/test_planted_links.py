"""Whatever is planted on a path while a download runs, nothing is written behind it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.local_files import put, tree
from vantage_sdk.core.io import folder
from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.io.folder import Folder

pytestmark = pytest.mark.usefixtures("nothing_stays_open")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def swap(folder: Path, outside: Path) -> None:
    """Move a folder away and put a link in its place."""
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(outside)


def test_a_link_below_the_root_is_named(held: bool, tmp_path: Path, outside: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").symlink_to(outside)
    with pytest.raises(OSError, match="a symbolic link is in the way; .*root/a'"):
        Destination.below(tmp_path / "root", "a/b/c")
    assert tree(outside) == {}


@pytest.mark.parametrize("part", ["a", "a/b"])
def test_a_link_planted_between_two_calls(held: bool, part: str, tmp_path: Path, outside: Path) -> None:
    (outside / "b").mkdir()
    root = tmp_path / "root"
    with Destination.below(root, "a/b/file") as destination:
        swap(root / part, outside)
        if held:
            put(destination, b"new")
            moved = (root / part).with_name("moved")
            assert [path.name for path in moved.rglob("*") if path.is_file()] == ["file"]
        else:
            with pytest.raises(OSError, match="the folder was replaced by another one meanwhile|No such file"):
                put(destination, b"new")
    assert tree(outside) == {"b": None}


def test_a_link_planted_before_the_last_step(held: bool, tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "root"
    (outside / "file").write_bytes(b"theirs")
    with Destination.below(root, "a/file") as destination:
        name = destination.partial_name()
        fd = destination.create(name)
        swap(root / "a", outside)
        if held:
            destination.commit(name, fd)
            assert tree(root) == {"a": str(outside), "moved": None, "moved/file": b""}
        else:
            with pytest.raises(OSError, match="the folder was replaced by another one meanwhile"):
                destination.commit(name, fd)
    assert tree(outside) == {"file": b"theirs"}


def after(step: Callable[..., object], action: Callable[[], None]) -> Callable[..., object]:
    """Do something once, right after the first call of a function."""
    todo = [action]

    def call(*arguments: object, **keywords: object) -> object:
        result = step(*arguments, **keywords)
        if todo:
            todo.pop()()
        return result

    return call


def test_a_link_planted_between_looking_and_opening(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setattr(Folder, "stat", after(Folder.stat, lambda: swap(root / "a", outside)))
    with pytest.raises(OSError, match="root/a"):
        Destination.below(root, "a/file")
    assert tree(root) == {"a": str(outside), "moved": None}


def test_a_link_planted_in_place_of_a_new_folder(
    held: bool, tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir()

    def mkdir(path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        os.symlink(outside, path, dir_fd=dir_fd)
        raise FileExistsError

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", mkdir)
        with pytest.raises(OSError, match="a symbolic link is in the way"):
            Destination.below(root, "a/file")
    assert tree(outside) == {}


@pytest.mark.parametrize("planted", ["a link", "a second name", "nothing", "a FIFO"])
@pytest.mark.parametrize("refuses_links", [True, False])
def test_a_partial_file_swapped_while_it_is_adopted(
    held: bool, planted: str, refuses_links: bool, tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precious = outside / "precious"
    precious.write_bytes(b"precious")
    old = tmp_path / ".a.0123456789abcdef.part"
    old.write_bytes(b"half")

    def plant() -> None:
        old.unlink()
        if planted == "a link":
            old.symlink_to(precious)
        elif planted == "a second name":
            os.link(precious, old)
        elif planted == "a FIFO":
            os.mkfifo(old)

    if not refuses_links:
        monkeypatch.setattr(folder, "NO_LINK", 0)
    with Destination.at(tmp_path / "a") as destination:
        monkeypatch.setattr(Folder, "stat", after(Folder.stat, plant))
        assert destination.adopt(old.name, destination.partial_name()) is None
    assert (planted != "nothing") is os.path.lexists(old)
    assert tree(outside) == {"precious": b"precious"}
