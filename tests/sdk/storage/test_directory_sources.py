"""Files that change, vanish or cannot be read while their directory goes up."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.directories import FILES, names, stored, up, write
from tests.support.faces import Face
from vantage_sdk import TransferError, VantageAPIError
from vantage_sdk.core.io import scanning
from vantage_sdk.core.transfer import directories


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    write(folder, FILES)
    (folder / "empty").mkdir()
    return folder


async def test_files_that_cannot_be_read_stop_it_before_anything_is_sent(
    face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = os.access
    monkeypatch.setattr(scanning.os, "access", lambda path, how: not str(path).endswith("b.csv") and usual(path, how))
    (local / "gone").symlink_to("nowhere")
    with pytest.raises(OSError, match="b.csv: Permission denied; nothing was transferred"):
        await up(face, server, local, follow_symlinks=True)
    assert server.journal == []
    report = await up(face, server, local, follow_symlinks=True, continue_on_error=True)
    assert [
        (name, item.reason.split(" that")[0]) for name, item in zip(names(report.failed), report.failed, strict=True)
    ] == [
        ("b.csv", "Permission denied"),
        ("gone", "a symbolic link"),
    ]
    assert stored(server) == {name: content for name, content in FILES.items() if name != "b.csv"}
    with pytest.raises(OSError, match="b.csv: Permission denied"):
        report.raise_if_any_failed()


@pytest.fixture
def after_the_scan(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let something happen between the scan and the first transfer."""

    def plan(action: Any) -> None:
        def then(*args: Any, **options: Any) -> Any:
            found = scanning.scan(*args, **options)
            action()
            return found

        monkeypatch.setattr(directories, "scan", then)

    return plan


async def test_a_file_that_vanishes(face: Face, server: MockServer, local: Path, after_the_scan: Any) -> None:
    after_the_scan(lambda: (local / "b.csv").unlink(missing_ok=True))
    report = await up(face, server, local, continue_on_error=True)
    assert names(report.failed) == ["b.csv"]
    assert isinstance(report.failed[0].error, FileNotFoundError)
    write(local, {"b.csv": b"back"})
    with pytest.raises(FileNotFoundError) as caught:
        await up(face, server, local, overwrite=True)
    assert any("files were transferred" in note for note in caught.value.__notes__)


async def test_a_file_that_grew_before_its_turn_goes_up_as_it_is(
    face: Face, server: MockServer, local: Path, after_the_scan: Any
) -> None:
    after_the_scan(lambda: write(local, {"a.txt": b"longer" * 50_000}))
    told: list[tuple[int, int]] = []
    await up(face, server, local, progress_callback=lambda *done: told.append(done))
    assert stored(server)["a.txt"] == b"longer" * 50_000
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("kind", ["link", "fifo"])
async def test_what_is_no_file_any_more_is_not_read(
    kind: str, face: Face, server: MockServer, local: Path, tmp_path: Path, after_the_scan: Any
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")

    def swap() -> None:
        (local / "b.csv").unlink()
        os.mkfifo(local / "b.csv") if kind == "fifo" else (local / "b.csv").symlink_to(tmp_path / "secret")

    after_the_scan(swap)
    report = await up(face, server, local, continue_on_error=True)
    assert names(report.failed) == ["b.csv"]
    assert isinstance(report.failed[0].error, OSError)
    assert "b.csv" not in stored(server)


@pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced"])
async def test_a_file_that_changes_while_it_is_read_is_named(
    change: str, face: Face, server: MockServer, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vantage_sdk.core.io.sources import FileSource

    usual, path = FileSource.read, local / "sub" / "deep" / "d d.bin"

    def read(self: FileSource, offset: int, size: int) -> bytes:
        data = usual(self, offset, size)
        if self.name == path.name:
            monkeypatch.setattr(FileSource, "read", usual)
            if change == "is replaced":
                path.with_name("other").write_bytes(b"x" * len(data))
                os.replace(path.with_name("other"), path)
                os.utime(path, ns=(0, 0))
            else:
                os.truncate(path, len(data) + (1 if change == "grows" else -1))
        return data

    monkeypatch.setattr(FileSource, "read", read)
    report = await up(face, server, local, continue_on_error=True)
    if change == "is replaced":  # the file that was opened is still there to be read
        assert stored(server)["sub/deep/d d.bin"] == FILES["sub/deep/d d.bin"]
        return
    assert names(report.failed) == ["sub/deep/d d.bin"]
    assert isinstance(report.failed[0].error, TransferError)
    assert "changed while it was read" in report.failed[0].reason


async def test_names_that_no_remote_path_can_have(face: Face, server: MockServer, local: Path) -> None:
    for name in (b"control\x01", b"not\xffunicode"):
        os.close(os.open(os.path.join(os.fsencode(local), name), os.O_CREAT | os.O_WRONLY))
    with pytest.raises(OSError, match="nothing was transferred"):
        await up(face, server, local)
    report = await up(face, server, local, continue_on_error=True)
    assert len(report.failed) == 2
    assert all("its name" in item.reason for item in report.failed)
    assert stored(server) == FILES
    str(report)


async def test_large_files_go_in_pieces_and_are_resumed(face: Face, server: MockServer, tmp_path: Path) -> None:
    large = hashlib.shake_256(b"large").digest(12 << 20)
    write(tmp_path / "local", {"large": large, "small": b"s"})
    server.faults.set("PATCH *: ok, 503*")
    with pytest.raises(VantageAPIError):
        await up(face, server, tmp_path / "local", sync=True)
    server.faults.clear()
    await up(face, server, tmp_path / "local", sync=True, resume=True)
    assert stored(server) == {"large": large, "small": b"s"}
    taken = sum(record.body_size for record in server.journal if record.method == "PATCH" and record.status == 204)
    assert taken == len(large)
