"""Whatever names a server gives its files: nothing outside the directory changes, and inside there is what was allowed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from tests.sdk.storage.test_names import Shelf
from tests.support.effort import effort
from tests.support.local_files import tree
from tests.support.scripted import ScriptedServer
from vantage_sdk import TransferReport, VantageAPIError, VantageClient

SEGMENTS = [
    "..",
    ".",
    "",
    "a",
    "b",
    "A",
    "é",
    "e\u0301",
    "sub",
    "old",
    "out",
    "file",
    "secret",
    "C:",
    "nul",
    "COM1.txt",
]
SEGMENTS += ["\\\\host\\share", "..\\secret", "zero\0byte", "\ud800", "x" * 255, "x" * 256, " ", "dot."]
PATHS = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=5).map("/".join)
PLAIN = st.lists(st.sampled_from(["a", "b", "sub", "old", "out", "file", "x" * 255]), min_size=1, max_size=3)
NAMES = PLAIN.map("/".join) | PATHS | st.text(max_size=6) | st.just("/".join(["y" * 200] * 21))
FOLDERS = st.sampled_from(["/d/", "/d/", "/d/", "/", ""])
OPTIONS = st.fixed_dictionaries({name: st.booleans() for name in ("continue_on_error", "sync", "resume", "dry_run")})
EXCLUDED = st.sampled_from([None, "a", "out/", "**/secret", "[!a]*"])


def plant(root: Path) -> Path:
    """Make a directory with links that lead out of it, and what is there not to be touched; return it."""
    (root / "outside").mkdir()
    (root / "outside" / "secret").write_bytes(b"secret")
    (root / "secret").write_bytes(b"secret")
    target = root / "target"
    (target / "sub").mkdir(parents=True)
    (target / "old").write_bytes(b"old")
    (target / "out").symlink_to("../outside")
    (target / "sub" / "out").symlink_to(root / "outside")
    (target / "file").symlink_to("../outside/secret")
    return target


def fetch(paths: list[str], target: Path, options: dict[str, Any]) -> TransferReport | Exception:
    with (
        ScriptedServer(Shelf(*paths)) as server,
        VantageClient("your-api-key", server.url, trust_env=False, max_retries=0) as client,
    ):
        try:
            return client.storage.download_directory("/d", target, **options)
        except (ValueError, OSError, VantageAPIError) as error:
            return error


@pytest.mark.slow
@settings(deadline=None, max_examples=effort(100, 1000))
@given(st.lists(st.builds("{}{}".format, FOLDERS, NAMES), min_size=1, max_size=4), OPTIONS, EXCLUDED)
@example(["/d/out/secret", "/d/a"], {"continue_on_error": True}, None)
@example(["/d/sub/out/new", "/d/a"], {"continue_on_error": True}, None)
@example(["/d/file", "/d/sub/a"], {}, None)
@example(["/d/../secret", "/d/a"], {"continue_on_error": True}, "a")
def test_nothing_outside_changes(paths: list[str], options: dict[str, Any], exclude: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        target = plant(root)
        before = tree(root)
        found = fetch(paths, target, {**options, **({} if exclude is None else {"exclude": exclude})})
        after = tree(root)
    changed = {name for name in before.keys() | after.keys() if before.get(name, ...) != after.get(name, ...)}
    files = {name for name in changed if after.get(name) is not None}
    assert all(name.startswith("target/") for name in changed)
    assert all(after[name] == b"content" for name in files)
    assert {name.removeprefix("target/") for name in files} <= {path.removeprefix("/d/") for path in paths}
    folders = {name for name in changed - files if name in after}
    assert changed == files | folders  # nothing was removed
    if isinstance(found, ValueError) or options.get("dry_run"):
        assert changed == set()
    if isinstance(found, TransferReport) and not options.get("dry_run"):
        done = {item.remote_path.removeprefix("/d/") for item in found.done}
        assert {name.removeprefix("target/") for name in files} == done
        assert folders <= {
            f"target/{part}" for item in [*found.done, *found.failed] for part in above(item.remote_path)
        }
        assert not any(name.startswith(("out/", "sub/out/")) for name in done)


def above(path: str) -> list[str]:
    """Return the folders of a remote path, without the one that is downloaded."""
    parts = path.removeprefix("/d/").split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
