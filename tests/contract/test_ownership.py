"""The warning about other distributions that install a package of the same name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.reference import ROOT
from vantage_sdk import _ownership
from vantage_sdk._ownership import OURS, other_owners

RIVAL = ["vantage_sdk/__init__.py", "vantage_sdk/client.py", "rival_sdk-1.0.dist-info/RECORD"]
OURS_INSTALLED = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / OURS).rglob("*.py"))]


def install(folder: Path, name: str, version: str, files: list[str]) -> None:
    """Leave what an installer leaves behind: a package folder and the list of a distribution's files.

    The folder is there whoever owns it: where a list without it is looked at, the package of ours is installed beside.
    """
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (folder / OURS).mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{file},sha256=abc,1\n" for file in files))


def importing(*folders: Path, script: str = "import vantage_sdk") -> subprocess.CompletedProcess[str]:
    """Import the package in a fresh interpreter that finds ``folders`` on its path."""
    path = os.pathsep.join([str(ROOT), *map(str, folders)])
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_another_owner_is_named(tmp_path: Path) -> None:
    install(tmp_path, "rival_sdk", "1.0", RIVAL)
    said = importing(tmp_path).stderr
    assert "RuntimeWarning" in said
    assert "provide the package 'vantage_sdk': rival_sdk 1.0;" in said
    assert "uninstall them" in said


def test_all_other_owners_are_named_once(tmp_path: Path) -> None:
    for number in (1, 2):
        install(tmp_path / "a", f"rival_{number}", "1.0", RIVAL)
    said = importing(tmp_path / "a", tmp_path / "a").stderr
    assert said.count("RuntimeWarning") == 1
    assert "rival_1 1.0, rival_2 1.0;" in said


def test_the_warning_points_at_the_import(tmp_path: Path) -> None:
    install(tmp_path, "rival_sdk", "1.0", RIVAL)
    (tmp_path / "user_code.py").write_text("import json\nimport vantage_sdk\n")
    assert f"{tmp_path / 'user_code.py'}:2: RuntimeWarning" in importing(tmp_path, script="import user_code").stderr


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("vantage_sdk", [*OURS_INSTALLED, "vantage_sdk-0.1.0.dist-info/RECORD"]),
        ("vantage_sdk", ["_vantage_sdk.pth", "vantage_sdk-0.1.0.dist-info/RECORD"]),
        ("rival_sdk", ["rival_sdk/__init__.py", "rival_sdk-1.0.dist-info/RECORD"]),
        ("rival_sdk", ["vantage_sdk_extras/__init__.py"]),
    ],
    ids=["our wheel", "our editable install", "another package", "a longer name"],
)
def test_nothing_is_said_without_another_owner(tmp_path: Path, name: str, files: list[str]) -> None:
    install(tmp_path, name, "0.1.0", files)
    assert importing(tmp_path).stderr == ""


def test_nothing_is_said_on_an_ordinary_path(tmp_path: Path) -> None:
    assert importing(tmp_path / "missing").stderr == ""


@pytest.mark.parametrize("file", ["pytest_vantage_sdk/__init__.py", "other/vantage_sdk/__init__.py"])
def test_a_folder_whose_name_only_ends_alike_is_no_owner(tmp_path: Path, file: str) -> None:
    install(tmp_path, "plugin", "1.0", [file])
    assert other_owners([str(tmp_path)]) == set()


def test_a_list_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "odd-1.0.dist-info").mkdir()
    (tmp_path / "flat-1.0.dist-info").write_text("not a folder")
    install(tmp_path, "rival_sdk", "1.0", RIVAL)
    assert other_owners([str(tmp_path), str(tmp_path / "missing"), str(tmp_path / "flat-1.0.dist-info")]) == {
        "rival_sdk 1.0"
    }


def test_a_folder_that_may_not_be_listed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str) -> list[str]:
        raise PermissionError(folder)

    install(tmp_path, "rival_sdk", "1.0", RIVAL)
    monkeypatch.setattr("os.listdir", refuse)
    assert other_owners([str(tmp_path)]) == set()


def test_the_working_folder_counts_where_the_path_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "rival_sdk", "1.0", RIVAL)
    monkeypatch.chdir(tmp_path)
    assert other_owners([""]) == {"rival_sdk 1.0"}
    assert other_owners([]) == set()


def test_the_mark_of_our_own_files_is_a_file_of_ours() -> None:
    assert _ownership._MARK.decode() in OURS_INSTALLED
