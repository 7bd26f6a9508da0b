"""Sixteen processes that download to one place at the same time: the file is whole, and nothing is left over."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.support.forked import Forked
from tests.support.interrupted import Enough, asked, enough
from vantage_sdk import VantageClient
from vantage_sdk.core.transfer import progress

PROCESSES = 16
CONTENT = hashlib.shake_256(b"racing").digest((14 << 20) + 7)
PROGRAM = """
from vantage_sdk import VantageClient
with VantageClient(api_key="your-api-key", trust_env=False) as client:
    client.storage.download  # imports what it takes
def act(url, target, resume):
    with VantageClient(api_key="your-api-key", base_url=url, trust_env=False) as client:
        storage = client.storage
        begin()
        storage.download("/f", target, resume=resume)
"""


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", world="empty", rate_limits=False) as running:
        running.storage.put("/f", CONTENT)
        yield running


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes by forking")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("resume", "begun"), [(False, False), (True, False), (True, True)], ids=["anew", "nothing to resume", "resumed"]
)
def test_sixteen_processes(
    resume: bool, begun: bool, server: MockServer, tmp_path: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    folder = tmp_path / "folder"
    folder.mkdir()
    if begun:
        with VantageClient("your-api-key", server.url, trust_env=False) as client, pytest.raises(Enough):
            client.storage.download("/f", folder / "target", progress_callback=enough(0.7))
        assert len(list(folder.iterdir())) == 1
    before = len(asked(server))
    with Forked(PROGRAM) as processes:
        codes = processes.run(*[(server.url, str(folder / "target"), resume)] * PROCESSES)
    assert codes == [0] * PROCESSES
    assert [path.name for path in folder.iterdir()] == ["target"]
    assert (folder / "target").read_bytes() == CONTENT
    assert list(records.glob("*.json")) == []
    heirs = [span for span in asked(server)[before:] if span != "all"]
    assert len(heirs) == begun
