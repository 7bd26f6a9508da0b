"""A download that is killed at each step it takes on the disk: the next one goes on, and nothing is left over."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.forked import Forked
from tests.support.intake import shrink
from tests.support.interrupted import Enough, asked, enough
from tests.support.leftovers import partials
from vantage_sdk import VantageClient
from vantage_sdk.core.transfer import progress

CONTENT = hashlib.shake_256(b"killed").digest(1 << 20)
PROGRAM = """
import signal
from vantage_sdk import VantageClient
from vantage_sdk.core.io.folder import Folder
from vantage_sdk.core.transfer import download
download.KEPT = download.PART = 64 << 10
def step():
    global steps
    if steps == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    steps -= 1
def around(name):
    usual = getattr(Folder, name)
    def act(*args):
        if len(args) > 2 and name == "create":  # the empty file that tells the mode of new ones
            return usual(*args)
        step()
        found = usual(*args)
        step()
        return found
    setattr(Folder, name, act)
around("create"), around("replace")
with VantageClient(api_key="your-api-key", trust_env=False) as client:
    client.storage.download  # imports what it takes
def act(url, target, resume, count):
    global steps
    steps = count
    with VantageClient(api_key="your-api-key", base_url=url, trust_env=False) as client:
        client.storage.download("/f", target, resume=resume)
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", world="empty", rate_limits=False) as running:
        running.storage.put("/f", CONTENT)
        yield running


@pytest.fixture
def processes(records: Path) -> Iterator[Forked]:
    with Forked(PROGRAM) as parent:
        yield parent


def killed(processes: Forked, server: MockServer, target: Path, steps: int, *, resume: bool) -> bool:
    """Download in a process that is killed after so many steps; tell whether it got that far."""
    (code,) = processes.run((server.url, str(target), resume, steps))
    assert code in (0, -signal.SIGKILL)
    return code != 0


def download(server: MockServer, target: Path, **options: Any) -> None:
    with VantageClient("your-api-key", server.url, trust_env=False) as client:
        client.storage.download("/f", target, **options)


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True], ids=["a new one", "one that goes on"])
def test_killed_at_each_step(begun: bool, server: MockServer, tmp_path: Path, records: Path, processes: Forked) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    target, steps = folder / "target", 0
    while True:
        if begun:
            with pytest.raises(Enough):
                download(server, target, progress_callback=enough(0.2))
            assert len(partials(folder)) == 1
        struck, done = killed(processes, server, target, steps, resume=begun), target.exists()
        before = len(asked(server))
        download(server, target, resume=True)
        assert target.read_bytes() == CONTENT
        assert partials(folder) == [], steps
        assert list(records.glob("*.json")) == []
        if begun and not done:
            assert all(span != "all" for span in asked(server)[before:]), steps
        if not struck:
            break
        target.unlink()
        steps += 1
    assert steps >= 8
