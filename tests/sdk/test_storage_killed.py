"""Transfers whose process is killed, and a server that is killed: another process goes on where they were."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.contract.reference import ROOT
from tests.support.interrupted import CONTENT, Enough, enough, sent
from vantage_sdk.testing import instant_retries

ROUNDS = 10


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VANTAGE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "transfers"


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", world="empty", rate_limits=False) as running:
        yield running


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    return path


PROGRAM = """
import sys
from vantage_sdk import VantageClient
verb, source, target, url = sys.argv[1:]
def tell(done, total):
    print(done, flush=True)
with VantageClient(api_key="your-api-key", base_url=url, trust_env=False) as client:
    getattr(client.storage, verb)(source, target, resume=True, progress_callback=tell)
print("done", flush=True)
"""


def killed(verb: str, source: str, target: str, url: str, after: int | None) -> bool:
    """Run a transfer in a process of its own, killed once it has told of more bytes; tell whether it finished."""
    command = [sys.executable, "-c", PROGRAM, verb, source, target, url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if line.strip() == "done":
                return run.wait(30) == 0
            if after is not None and int(line) > after:
                run.send_signal(signal.SIGKILL)
                break
    return False


def survive(verb: str, source: str, target: str, url: str, size: int) -> int:
    """Kill a transfer at places that grow, until it gets through; return how often it was killed."""
    dice = random.Random(verb)
    for kills in range(ROUNDS):
        if killed(
            verb, source, target, url, None if kills == ROUNDS - 1 else dice.randrange(kills * size // ROUNDS + 1)
        ):
            return kills
    raise AssertionError("it never got through")


@pytest.mark.slow
def test_an_upload_survives_being_killed(server: MockServer, local: Path, records: Path) -> None:
    server.faults.set([{"method": "PATCH", "delay": 0.02}])
    kills = survive("upload", str(local), "/f", server.url, len(CONTENT))
    assert kills > 0
    assert server.storage.read("/f") == CONTENT
    assert sent(server) <= len(CONTENT)
    assert os.listdir(records) == []


@pytest.mark.slow
def test_a_download_survives_being_killed(server: MockServer, tmp_path: Path, records: Path) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    kills = survive("download", "/f", str(target), server.url, len(CONTENT))
    assert kills > 0
    assert target.read_bytes() == CONTENT
    assert os.listdir(records) == []
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.slow
def test_a_server_that_is_killed_goes_on_with_the_upload(tmp_path: Path, local: Path) -> None:
    from vantage_sdk import VantageClient

    state = tmp_path / "server"
    with serving(state) as first:
        with VantageClient(api_key="your-api-key", base_url=first.url, trust_env=False) as client:
            with pytest.raises(Enough):
                client.storage.upload(local, "/f", progress_callback=enough(0.1))
        port = first.port
    with serving(state, port) as second, instant_retries():
        with VantageClient(api_key="your-api-key", base_url=second.url, trust_env=False) as client:
            told: list[int] = []
            client.storage.upload(local, "/f", resume=True, progress_callback=lambda done, _: told.append(done))
            assert told[0] > 0.1 * len(CONTENT)
            assert client.storage.download_to_bytes("/f") == CONTENT


class serving:
    """A server in a process of its own, which ends by being killed."""

    def __init__(self, state: Path, port: int = 0) -> None:
        command = [sys.executable, "-m", "mock_server", "--port", str(port), "--state", str(state), "--world", "empty"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        self.port = int(self.url.rpartition(":")[2])

    def __enter__(self) -> serving:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
