"""A download ends in its place whole or not at all, and never anywhere else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings, strategies as st

from tests.support.local_files import is_open, mode, put, tree
from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.io.disk import write_at
from vantage_sdk.core.io.folder import Folder

pytestmark = pytest.mark.usefixtures("nothing_stays_open")


def test_a_file_comes_into_its_place(held: bool, tmp_path: Path) -> None:
    with Destination.at(tmp_path / "a.bin") as destination:
        assert destination.path == str(tmp_path / "a.bin")
        assert destination.existing() is None
        assert destination.free() > 0
        name = destination.partial_name()
        fd = destination.create(name)
        assert mode(tmp_path / name) == 0o600
        write_at(fd, b"new", 0)
        assert tree(tmp_path) == {name: b"new"}
        destination.commit(name, fd)
        assert not is_open(fd)
        existing = destination.existing()
        assert existing is not None
        assert existing.st_size == 3
    assert tree(tmp_path) == {"a.bin": b"new"}


def test_a_file_is_on_the_disk_before_it_takes_its_place(
    held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave the new name with nothing in it, in place of the old file."""
    steps: list[str] = []
    flushed, replaced = os.fsync, Folder.replace

    def fsync(fd: int) -> None:
        steps.append("names" if stat.S_ISDIR(os.fstat(fd).st_mode) else f"{os.fstat(fd).st_size} bytes")
        flushed(fd)

    def replace(self: Folder, old: str, new: str) -> None:
        steps.append(f"{'same folder' if (tmp_path / old).exists() else old} to {new}")
        replaced(self, old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Folder, "replace", replace)
    with Destination.at(tmp_path / "a") as destination:
        put(destination, b"new")
    assert steps == ["3 bytes", "same folder to a", *(["names"] if held else [])]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_the_umask_gives(held: bool, umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        with Destination.at(tmp_path / "a") as destination:
            put(destination, b"")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o666 & ~umask
    assert tree(tmp_path) == {"a": b""}


@pytest.mark.parametrize(
    ("old", "new"), [(0o600, 0o600), (0o664, 0o664), (0o755, 0o755), (0o4755, 0o755), (0o444, 0o444)]
)
def test_a_replaced_file_hands_on_its_mode(held: bool, old: int, new: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(old)
    with Destination.at(tmp_path / "a") as destination:
        put(destination, b"new")
    assert mode(tmp_path / "a") == new
    assert tree(tmp_path) == {"a": b"new"}


def test_a_link_is_replaced_and_not_followed(held: bool, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "a").symlink_to("theirs")
    with Destination.at(tmp_path / "a") as destination:
        put(destination, b"new")
    assert tree(tmp_path) == {"a": b"new", "theirs": b"theirs"}
    assert mode(tmp_path / "a") == mode(tmp_path / "theirs")


def test_links_on_the_way_are_the_users_own(held: bool, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with Destination.at(tmp_path / "link" / "a") as destination:
        put(destination, b"new")
    with Destination.below(tmp_path / "link", "x/b") as destination:
        put(destination, b"new")
    assert tree(tmp_path / "real") == {"a": b"new", "x": None, "x/b": b"new"}


def test_a_relative_path_is_one_of_the_working_folder(
    held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Destination.at("a") as destination:
        put(destination, b"new")
    assert tree(tmp_path) == {"a": b"new"}


def test_places_where_no_file_can_be(held: bool, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    for name in ("folder", "folder/", "folder/.", "folder/..", "link", "new/"):
        with pytest.raises(IsADirectoryError, match="add the name that the file shall have"):
            Destination.at(f"{tmp_path}/{name}")
    with pytest.raises(FileNotFoundError, match="missing"):
        Destination.at(tmp_path / "missing" / "a")
    with pytest.raises(NotADirectoryError):
        Destination.at(tmp_path / "file" / "a")
    with pytest.raises(NotADirectoryError):
        Destination.below(tmp_path, "file/a")
    with pytest.raises(FileExistsError):
        Destination.below(tmp_path / "file", "a")
    with pytest.raises(OSError, match="a FIFO is there"):
        Destination.at(tmp_path / "fifo")
    with pytest.raises(OSError, match="a FIFO is there"):
        Destination.below(tmp_path, "fifo")
    with pytest.raises(IsADirectoryError, match="a folder is there"):
        Destination.below(tmp_path, "folder")
    with pytest.raises(TypeError, match="text or a Path, not bytes"):
        Destination.at(b"a")  # type: ignore[arg-type]
    assert set(os.listdir(tmp_path)) == {"folder", "link", "file", "fifo"}


@pytest.mark.parametrize(
    "name", ["../x", "/x", "C:x", "\\\\host\\x", "a/CON", "a.", "a/\0", "\ud800", "x/y?", "", "\x1b[2J/.."]
)
def test_a_refused_name_makes_nothing(held: bool, name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^the remote name '.*' (is|has|begins|contains) ") as caught:
        Destination.below(tmp_path / "root", name)
    assert str(caught.value).isprintable()
    assert tree(tmp_path) == {}


def test_devices_are_not_replaced(held: bool, tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to(os.devnull)
    for path in (os.devnull, tmp_path / "null"):
        with pytest.raises(OSError, match="a device is there, which a download does not replace"):
            Destination.at(path)


def test_a_file_system_that_can_do_less(held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(*_: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def forbidden(*_: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fsync", unable)
    monkeypatch.setattr(os, "fchmod", forbidden)
    with Destination.at(tmp_path / "a") as destination:
        put(destination, b"new")
    assert tree(tmp_path) == {"a": b"new"}


NASTY = [
    "..",
    ".",
    "",
    "C:",
    "CON",
    "nul.txt",
    "a.",
    "a ",
    "\\\\host\\share",
    "\0",
    "link",
    "file",
    "sub",
    "x" * 256,
    "é",
    "~",
]
NAMES = st.lists(st.sampled_from(NASTY) | st.text(max_size=5), max_size=4).map("/".join) | st.text(max_size=12)


@settings(deadline=None)
@given(NAMES, st.booleans())
@example("link/x", True)
@example("sub/link/x", False)
@example("../outside", True)
@example("link", False)
@example("file/x", True)
def test_nothing_ever_lands_outside(relative: str, held: bool) -> None:
    with TemporaryDirectory() as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "HELD", held)
        top = Path(made)
        for folder in ("outside", "root/sub"):
            (top / folder).mkdir(parents=True)
        for link in ("root/link", "root/sub/link"):
            (top / link).symlink_to(top / "outside")
        (top / "root/file").write_bytes(b"file")
        before = tree(top)
        place = f"root/{relative}"
        try:
            with Destination.below(top / "root", relative) as destination:
                put(destination, b"new")
        except (ValueError, OSError):
            assert {name for name, value in tree(top).items() if value is not None or name in before} == {*before}
            return
        after = tree(top)
        assert after.pop(place) == b"new"
        before.pop(place, None)
        assert before.items() <= after.items()
        assert all(after[name] is None and place.startswith(f"{name}/") for name in after.keys() - before.keys())
