"""Single steps on files: whole, at the right place, and nothing but files of this user."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from vantage_sdk.core.io import disk
from vantage_sdk.core.io.disk import open_source, read_at, read_private, remove, same_file, write_at, write_private

pytestmark = pytest.mark.usefixtures("nothing_stays_open")


@pytest.fixture(params=[True, False], ids=["pread", "lseek"])
def positioned(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:
        monkeypatch.delattr(os, "pread")
        monkeypatch.delattr(os, "pwrite")
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


def test_writing_and_reading_at_an_offset(positioned: bool, path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        for data, offset in ((b"ab", 2), (bytearray(b"cd"), 12), (memoryview(b"xefx")[1:3], 8), (b"", 99)):
            write_at(fd, data, offset)
        assert read_at(fd, 100, 0) == b"01ab4567ef\0\0cd"
        assert read_at(fd, 3, 1) == b"1ab"
        assert read_at(fd, 0, 1) == read_at(fd, 3, 50) == b""
    finally:
        os.close(fd)


def test_a_system_that_writes_and_reads_a_little_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite, pread = os.pwrite, os.pread
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: pwrite(fd, data[:3], offset))
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: pread(fd, min(size, 3), offset))
    fd = os.open(path, os.O_RDWR)
    try:
        write_at(fd, b"abcdefgh", 1)
        assert read_at(fd, 9, 0) == b"0abcdefgh"
        monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: 0)
        with pytest.raises(OSError, match="Input/output error"):
            write_at(fd, b"a", 0)
    finally:
        os.close(fd)


def test_many_threads_write_to_one_file(positioned: bool, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fd = os.open(path, os.O_RDWR)
    lseek, alone = os.lseek, []

    def watched(fd: int, offset: int, whence: int) -> int:
        alone.append(disk._seeking.locked())
        return lseek(fd, offset, whence)

    monkeypatch.setattr(os, "lseek", watched)
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        for place in range(number, 800, 8):
            write_at(fd, bytes([number]) * 100, place * 100)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_at(fd, 80_000, 0) == b"".join(bytes([place % 8]) * 100 for place in range(800))
        assert alone == [] if positioned else alone == [True] * 801
    finally:
        os.close(fd)


def test_a_source_is_a_file(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("file")
    for name in (path, link, str(path)):
        fd, found = open_source(name)
        assert read_at(fd, 10, 0) == b"0123456789"
        assert found.st_size == 10
        assert not os.get_inheritable(fd)
        os.close(fd)
    with pytest.raises(OSError, match="this is a symbolic link, not a file: '.*link'"):
        open_source(link, follow_symlinks=False)
    fd, _ = open_source(path, follow_symlinks=False)
    os.close(fd)


def test_what_is_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    os.mkfifo("fifo")
    (tmp_path / "link").symlink_to("fifo")
    with pytest.raises(IsADirectoryError, match="this is a folder, not a file"):
        open_source(tmp_path)
    for name in ("fifo", "link"):
        with pytest.raises(OSError, match="this is a FIFO, not a file"):
            open_source(name)
    with pytest.raises(OSError, match="this is a device, not a file"):
        open_source(os.devnull)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(OSError, match="this is a socket, not a file"):
            open_source("socket")
    with pytest.raises(FileNotFoundError):
        open_source("missing")


def test_a_fifo_that_takes_the_place_of_a_file_stops_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    before = set(os.listdir("/dev/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda *_, **__: found)
        with pytest.raises(OSError, match="this is a FIFO, not a file"):
            open_source(path)
    assert set(os.listdir("/dev/fd")) == before


def test_the_same_file(path: Path) -> None:
    before = os.stat(path)
    assert same_file(before, os.stat(path))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert not same_file(before, os.stat(path))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert same_file(before, os.stat(path))
    path.write_bytes(b"012345678")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not same_file(before, os.stat(path))
    other = path.with_name("other")
    other.write_bytes(b"0123456789")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(other, path)
    assert not same_file(before, os.stat(path))


def test_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "records" / "one.json"
    assert read_private(path, 100) is None
    write_private(path, b"{}")
    write_private(path, b"{1}")
    assert read_private(path, 3) == b"{1}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["one.json"]
    monkeypatch.chdir(tmp_path)
    write_private("here", b"x")
    assert read_private("here", 1) == b"x"


def test_a_private_file_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path, path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    write_private(tmp_path / "link", b"record")
    assert path.read_bytes() == b"0123456789"
    assert read_private(tmp_path / "link", 10) == b"record"


def test_a_private_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "sync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(path, b"new")
    assert path.read_bytes() == b"0123456789"
    assert os.listdir(tmp_path) == ["file"]


def test_what_is_not_read_as_a_private_file(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo", ".", "file/below", "missing"):
        assert read_private(tmp_path / name, 100) is None
    assert read_private(path, 9) is None
    assert read_private(path, 10) == b"0123456789"
    found = os.lstat(path)
    monkeypatch.setattr(os, "lstat", lambda _: found)
    path.unlink()
    assert read_private(path, 10) is None
    os.mkfifo(path)
    assert read_private(path, 10) is None
    path.unlink()
    path.write_bytes(b"0123456789")
    monkeypatch.setattr(os, "geteuid", lambda: found.st_uid + 1)
    assert read_private(path, 10) is None


def test_removing(path: Path) -> None:
    remove(path)
    assert not path.exists()
    remove(path)
