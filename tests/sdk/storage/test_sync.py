"""What a directory has to move is told beforehand, and what is the same on both sides is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.directories import FILES, count, down, files_of, names, put, stored, up, write
from tests.support.faces import Face


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    write(folder, FILES)
    (folder / "empty").mkdir()
    return folder


async def test_a_plan_changes_nothing(face: Face, server: MockServer, local: Path, tmp_path: Path) -> None:
    put(server, {"a.txt": FILES["a.txt"], "b.csv": b"other"})
    before = stored(server)
    told: list[Any] = []
    options: Any = {"dry_run": True, "progress_callback": lambda *done: told.append(done)}
    report = await up(face, server, local, overwrite=True, **options)
    assert (report.dry_run, names(report.done)) == (True, sorted(FILES))
    report = await up(face, server, local, sync=True, **options)
    assert (names(report.done), names(report.skipped)) == (sorted(set(FILES) - {"a.txt"}), ["a.txt"])
    assert "(dry run)" in str(report)
    assert {record.method for record in server.journal} == {"GET"}
    report = await down(face, server, tmp_path / "copy", **options)
    assert names(report.done) == ["a.txt", "b.csv"]
    assert not (tmp_path / "copy").exists()
    assert count(server, "GET", "/download") == 0
    assert stored(server) == before
    assert all(done < total for done, total in told)


async def test_what_is_the_same_is_left_out(face: Face, server: MockServer, local: Path) -> None:
    await up(face, server, local)
    sent = count(server, "POST", "/files")
    write(local, {"a.txt": b"z" * 100, "sub/c.csv": b"no longer empty"})  # of the same size, and of another
    (local / "b.csv").touch()
    report = await up(face, server, local, sync=True)
    assert names(report.done) == ["a.txt", "sub/c.csv"]
    assert names(report.skipped) == sorted(set(FILES) - {"a.txt", "sub/c.csv"})
    assert {item.reason for item in report.skipped} == {"unchanged"}
    assert count(server, "POST", "/files") == sent + 2
    assert stored(server) == files_of(local)
    report = await up(face, server, local, sync=True)
    assert (report.done, len(report.skipped)) == ((), len(FILES))


async def test_what_is_the_same_is_not_fetched_again(face: Face, server: MockServer, tmp_path: Path) -> None:
    put(server, FILES)
    copy = tmp_path / "copy"
    await down(face, server, copy)
    write(copy, {"a.txt": b"z" * 100, "extra": b"mine"})
    (copy / "b.csv").unlink()
    (copy / "b.csv").symlink_to(tmp_path / "elsewhere")
    before = count(server, "GET", "/download")
    report = await down(face, server, copy, sync=True)
    assert names(report.done) == ["a.txt", "b.csv"]
    assert count(server, "GET", "/download") == before + 2
    assert files_of(copy) == {**FILES, "extra": b"mine"}  # what is only here stays


async def test_a_link_that_is_followed_is_compared_by_what_it_leads_to(
    face: Face, server: MockServer, local: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(b"outside")
    (local / "link").symlink_to(tmp_path / "outside")
    options: Any = {"follow_symlinks": True, "sync": True}
    report = await up(face, server, local, **options)
    assert "link" in names(report.done)
    assert stored(server)["link"] == b"outside"
    report = await up(face, server, local, **options)
    assert (report.done, report.failed) == ((), ())
    (tmp_path / "outside").write_bytes(b"another")
    assert names((await up(face, server, local, **options)).done) == ["link"]
