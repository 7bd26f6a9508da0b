"""A partial file belongs to one process, and a later one may go on with it."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from tests.support.local_files import is_open, put, tree
from vantage_sdk.core.io.destination import Destination, TakenOverError
from vantage_sdk.core.io.disk import write_at
from vantage_sdk.core.io.folder import Folder

pytestmark = pytest.mark.usefixtures("nothing_stays_open")


def test_a_partial_file_replaces_nothing(held: bool, tmp_path: Path) -> None:
    (tmp_path / ".x.part").symlink_to("elsewhere")
    with Destination.at(tmp_path / "a") as destination:
        with pytest.raises(FileExistsError, match=str(tmp_path)):
            destination.create(".x.part")
        for name in ("", ".", "..", "../a", "x/a", "\0"):
            with pytest.raises(ValueError, match="is no plain name"):
                destination.create(name)
    assert tree(tmp_path) == {".x.part": "elsewhere"}


@pytest.mark.parametrize("name", ["a", "x" * 255, "é" * 127, "日" * 85, "x" * 231 + "é", "b\udcff"])
def test_partial_names_fit(name: str, tmp_path: Path) -> None:
    with Destination.at(tmp_path / name) as destination:
        names = {destination.partial_name() for _ in range(50)}
        assert len(names) == 50
        for partial in names:
            assert partial.startswith(f".{name[:10]}")
            assert partial.endswith(".part")
            assert len(os.fsencode(partial)) <= 255
        put(destination, b"new")


def test_what_is_discarded_is_gone_and_may_be_gone_already(held: bool, tmp_path: Path) -> None:
    with Destination.at(tmp_path / "a") as destination:
        name = destination.partial_name()
        fd = destination.create(name)
        destination.discard(name, fd)
        assert not is_open(fd)
        other = os.open(tmp_path, os.O_RDONLY)
        destination.discard(name, fd)
        os.fstat(other)  # often has the number that is discarded a second time
        os.close(other)
    assert tree(tmp_path) == {}


def test_closing_keeps_a_partial_file_for_later(held: bool, tmp_path: Path) -> None:
    with Destination.at(tmp_path / "a") as destination:
        name = destination.partial_name()
        fd = destination.create(name)
        write_at(fd, b"half", 0)
    assert not is_open(fd)
    assert tree(tmp_path) == {name: b"half"}
    with Destination.at(tmp_path / "a") as destination:
        fresh = destination.partial_name()
        adopted = destination.adopt(name, fresh)
        assert adopted is not None
        assert tree(tmp_path) == {fresh: b"half"}
        assert destination.adopt(name, destination.partial_name()) is None
        write_at(adopted, b" and half", 4)
        destination.commit(fresh, adopted)
    assert tree(tmp_path) == {"a": b"half and half"}


def test_what_is_not_ours_to_adopt(held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f".a.{number:016x}.part" for number in range(6)]
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / names[0]).symlink_to("precious")
    os.mkfifo(tmp_path / names[1])
    (tmp_path / names[2]).mkdir()
    os.link(tmp_path / "precious", tmp_path / names[3])
    (tmp_path / ".b.0000000000000000.part").write_bytes(b"of another file")
    with Destination.at(tmp_path / "a") as destination:
        for name in [*names, "precious", ".b.0000000000000000.part", "..", "../precious", "", "\0"]:
            assert destination.adopt(name, destination.partial_name()) is None
        (tmp_path / names[5]).write_bytes(b"of someone else")
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        assert destination.adopt(names[5], destination.partial_name()) is None
    assert set(os.listdir(tmp_path)) == {*names} - {names[4]} | {"precious", ".b.0000000000000000.part"}


def test_the_partial_file_of_a_living_process_is_left_to_it(tmp_path: Path) -> None:
    with Destination.at(tmp_path / "a") as one, Destination.at(tmp_path / "a") as other:
        name = one.partial_name()
        fd = one.create(name)
        assert other.adopt(name, other.partial_name()) is None
        one.commit(name, fd)
    assert tree(tmp_path) == {"a": b""}


@pytest.mark.parametrize("locks", ["missing", "without effect"])
def test_what_another_process_took_over_cannot_be_committed(
    locks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(fd: int, operation: int) -> None:
        if locks == "missing":
            raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    with Destination.at(tmp_path / "a") as one, Destination.at(tmp_path / "a") as other:
        name, fresh = one.partial_name(), other.partial_name()
        fd = one.create(name)
        assert other.adopt(name, fresh) is not None
        with pytest.raises(FileNotFoundError, match="another process took the partial file over"):
            one.commit(name, fd)
        one.discard(name, fd)
        assert tree(tmp_path) == {fresh: b""}


def test_a_failed_commit_closes_the_file_and_keeps_it(
    held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Destination.at(tmp_path / "a") as destination:
        name = destination.partial_name()
        fd = destination.create(name)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            destination.commit(name, fd)
        assert not is_open(fd)
        assert tree(tmp_path) == {name: b""}


def test_one_that_knows_the_name_may_be_faster_than_its_maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large download is noted before its file is there."""
    make = Folder.create
    with Destination.at(tmp_path / "a") as one, Destination.at(tmp_path / "a") as other:
        name, fresh = one.partial_name(), other.partial_name()
        taken: list[int | None] = []

        def create(folder: Folder, name: str, mode: int = 0o600) -> int:
            fd = make(folder, name, mode)
            taken.append(other.adopt(name, fresh))
            return fd

        monkeypatch.setattr(Folder, "create", create)
        with pytest.raises(TakenOverError):
            one.create(name)
        monkeypatch.undo()
        assert taken[0] is not None
        other.commit(fresh, taken[0])
    assert tree(tmp_path) == {"a": b""}
