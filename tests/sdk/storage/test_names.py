"""A server that names its files so that they would land elsewhere, or on each other, gets nothing written at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.depot import Answer, Depot, ranged
from tests.support.directories import files_of
from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer
from vantage_sdk import VantageAPIError

GOOD = ["good", "sub/good"]


class Shelf:
    """The script of a server that lists files under whatever paths, all with the same content."""

    def __init__(self, *paths: str) -> None:
        self._paths = paths
        self._depot = Depot(b"content")
        self.downloads = 0

    def __call__(self, request: Request, connection: int) -> Answer:
        if request.path == "/v1/storage/files":
            files = [{**self._depot.file(path), "id": f"file_{n}"} for n, path in enumerate(self._paths)]
            return Json(200, {"files": files, "total": len(files), "page": 1, "per_page": 100})
        assert request.path.endswith("/download")
        self.downloads += 1
        return ranged(self._depot, request, b"content")


async def fetch(face: Face, shelf: Shelf, target: Path, **options: Any) -> Any:
    with ScriptedServer(shelf) as server:
        async with face.client(server.url, max_retries=0) as client:
            return await client.storage.download_directory("/d", target, **options)


HOSTILE = {
    "../evil": "leads elsewhere",
    "a/../../../evil": "leads elsewhere",
    "./a": "leads elsewhere",
    "/etc/evil": "is an absolute path",
    "a//b": "has an empty segment",
    "a/": "has an empty segment",
    "..\\evil": "contains a backslash",
    "\\\\host\\share": "contains a backslash",
    "C:evil": "begins with a drive",
    "file:stream": "contains :",
    "con": "is a device on Windows",
    "sub/LPT1.txt": "is a device on Windows",
    "dot.": "ends with a dot or a space",
    "space ": "ends with a dot or a space",
    "new\nline": "contains a control character",
    "\x1b]0;evil\x07": "contains a control character",
    "nul\0byte": "contains a control character",
    "x" * 256: "more than 255 bytes",
    "/".join(["y" * 200] * 21): "more than 4096 bytes",
    "GOOD": "only in case or Unicode form",
    "good/file": "is a file where other names need the folder",
    "SUB/other": "differs from 'sub' only in case",
}


@pytest.mark.parametrize("name", HOSTILE, ids=[ascii(name)[:30] for name in HOSTILE])
async def test_one_bad_name_and_nothing_is_written(name: str, face: Face, tmp_path: Path) -> None:
    shelf = Shelf(*(f"/d/{good}" for good in GOOD), f"/d/{name}")
    with pytest.raises(ValueError, match="remote names that cannot become files") as caught:
        await fetch(face, shelf, tmp_path / "inner" / "copy", continue_on_error=True)
    assert HOSTILE[name] in str(caught.value)
    assert str(caught.value).isprintable()
    assert shelf.downloads == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "exclude", "left"),
    [
        ("../evil", "../evil", GOOD),
        ("a/../../../evil", "evil", GOOD),
        ("/etc/evil", "evil", GOOD),
        ("a//b", "a/", GOOD),
        ("..\\evil", "*evil", GOOD),
        ("con", "con", GOOD),
        ("dot.", "*.", GOOD),
        ("new\nline", "new?line", GOOD),
        ("x" * 256, "x*", GOOD),
        ("GOOD", "/GOOD", GOOD),
        ("GOOD", ["/good", "/GOOD"], ["sub/good"]),
        ("good/file", "good/", ["good", "sub/good"]),
        ("SUB/other", "SUB/**", GOOD),
    ],
)
async def test_exclude_is_a_way_out(name: str, exclude: Any, left: list[str], face: Face, tmp_path: Path) -> None:
    shelf = Shelf(*(f"/d/{good}" for good in GOOD), f"/d/{name}")
    await fetch(face, shelf, tmp_path / "copy", exclude=exclude)
    assert sorted(files_of(tmp_path)) == [f"copy/{name}" for name in left]


async def test_a_name_that_is_no_text_is_no_list_of_files(face: Face, tmp_path: Path) -> None:
    with pytest.raises(VantageAPIError, match="not what this call returns"):
        await fetch(face, Shelf("/d/good", "/d/\ud800"), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/other/evil", "/dd/evil", "/", "d/evil", "/d/"])
async def test_a_file_that_is_not_below_the_directory_is_refused(path: str, face: Face, tmp_path: Path) -> None:
    shelf = Shelf("/d/good", path)
    with pytest.raises(ValueError, match="is not below /d"):
        await fetch(face, shelf, tmp_path / "copy")
    assert shelf.downloads == 0
    assert list(tmp_path.iterdir()) == []


async def test_a_file_is_no_directory(face: Face, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="/d is a file; download takes it"):
        await fetch(face, Shelf("/d"), tmp_path / "copy")
    with pytest.raises(VantageAPIError, match="a file with an odd path"):
        await fetch(face, Shelf("/d/good", ""), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


async def test_many_bad_names_are_counted(face: Face, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'\.\./0' .*'\.\./12' .*; and 95 more; exclude= leaves them out$"):
        await fetch(face, Shelf(*(f"/d/../{number}" for number in range(100))), tmp_path / "copy")


async def test_a_folder_of_the_user_may_be_a_link(face: Face, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "copy").symlink_to("real")
    await fetch(face, Shelf("/d/good"), tmp_path / "copy")
    assert files_of(tmp_path / "real") == {"good": b"content"}
