"""A transfer can be cancelled at every place where it waits, once or twice, and a later one goes on with what it left."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.sdk.test_cancellation import Cut
from tests.support.directories import write
from tests.support.leftovers import kept, partials, quiet, settled
from tests.support.local_files import descriptors
from vantage_sdk import AsyncVantageClient
from vantage_sdk.core.transfer import appending, directories, download, outgoing, upload

KIB = 1 << 10
CONTENT = hashlib.shake_256(b"interrupted").digest(300 * KIB + 7)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file of 300 KiB be what one of 300 MiB is."""
    for module, names in {
        upload: ("WHOLE", "APART"),
        directories: ("WHOLE",),
        outgoing: ("WHOLE", "PIECE"),
        download: ("KEPT", "APART", "PART"),
        appending: ("SMALLEST", "FIRST", "LARGEST"),
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, 64 * KIB)
    monkeypatch.setattr(upload, "APART", 1 << 40)
    monkeypatch.setattr(download, "APART", 1 << 40)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    write(tmp_path, {"from/a": CONTENT, "from/b/c": b"small", "to/a": b"old"})
    return tmp_path


CUTS: dict[str, Callable[[AsyncVantageClient, Path], Any]] = {
    "form": lambda client, local: client.storage.upload(local / "from/b/c", "/up/a", overwrite=True),
    "pieces": lambda client, local: client.storage.upload(local / "from/a", "/up/a", overwrite=True, resume=True),
    "stream": lambda client, local: client.storage.upload(iter([CONTENT]), "/up/a", overwrite=True),
    "down": lambda client, local: client.storage.download("/there", local / "to/a", resume=True),
    "directory up": lambda client, local: client.storage.upload_directory(local / "from", "/up", sync=True),
    "directory down": lambda client, local: client.storage.download_directory("/dir", local / "to", sync=True),
}


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("apart", [False, True], ids=["whole", "apart"])
@pytest.mark.parametrize("name", CUTS)
def test_a_transfer_can_be_cancelled_wherever_it_waits(
    name: str, apart: bool, times: int, local: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if apart and name not in ("pieces", "down"):
        pytest.skip("one request")
    if apart:
        monkeypatch.setattr(upload, "APART", 128 * KIB)
        monkeypatch.setattr(download, "APART", 128 * KIB)
    reached = 0

    async def once(at: int) -> bool:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False, timeout=None) as client:
            cut = Cut(CUTS[name](client, local), at, times)
            try:
                await asyncio.ensure_future(_run(cut))
            except asyncio.CancelledError:
                assert cut.done
            else:
                assert not cut.done, "a cancellation was swallowed"
        return cut.done

    with MockServer(world="empty", rate_limits=False) as server:
        server.storage.put("/there", CONTENT)
        server.storage.put("/dir/a", CONTENT)
        server.storage.put("/dir/b/c", b"small")
        asyncio.run(once(1000))  # so that what is made on first use does not count
        gc.collect()
        settled(quiet, threading.enumerate)
        before = len(descriptors())
        for at in range(1, 200):
            (local / "to/a").write_bytes(b"old")
            (local / "to/b/c").unlink(missing_ok=True)
            if not asyncio.run(once(at)):
                break
            reached = at
            assert (local / "to/a").read_bytes() in (b"old", CONTENT)
            assert len(partials(local)) <= len(kept(records))
            settled(lambda: len(descriptors()) <= before, descriptors)
            settled(quiet, threading.enumerate)
        else:
            raise AssertionError("it never got through")
        assert partials(local) == kept(records) == []
        files = server.storage.files()
        assert all(server.storage.read(path) in (CONTENT, b"small") for path in files)
    assert reached >= 3


async def _run(cut: Cut) -> Any:
    return await cut
