"""Transfers whose process is killed, and a server that is killed: another process goes on where they were."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.contract.reference import ROOT
from tests.support.content import LARGE as CONTENT
from tests.support.effort import effort
from tests.support.interrupted import Enough, asked, enough, sent
from vantage_sdk.testing import instant_retries

ROUNDS = effort(7, 200)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    return path


PROGRAM = """
import os, sys
from vantage_sdk import VantageClient
from vantage_sdk.core.io import blocking, partial_file  # what is else imported when it is first used
from vantage_sdk.platform import storage
from vantage_sdk.core.transfer import progress
partial_file.NOTED, progress.INTERVAL = 0.01, 0.0
verb, source, target, url = sys.argv[1:]
def tell(done, total):
    os.write(1, b"%d\\n" % done)  # in one go, as a kill must not halve it
def transfer():
    with VantageClient(api_key="your-api-key", base_url=url, trust_env=False) as client:
        getattr(client.storage, verb)(source, target, resume=True, progress_callback=tell)
    return 0
while sys.stdin.readline():
    if (child := os.fork()) == 0:
        print(os.getpid(), flush=True)
        os._exit(transfer())
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    print("ended", ended.si_code == os.CLD_KILLED, ended.si_status, flush=True)
    sys.stdin.readline()  # the number is nobody else's until it is no longer needed
    os.waitpid(child, 0)
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: so many seconds after a transfer has told of more than so many bytes, -1 as soon as it begins."""

    told: int
    later: float


class Killing:
    """Transfers of one kind that are killed at random moments and go on in the next process.

    The processes are forked from one that has imported the SDK and done nothing with it, as an import takes longer than
    a transfer.
    """

    def __init__(
        self, verb: str, source: Path | str, target: Path | str, url: str, is_over: Callable[[], bool]
    ) -> None:
        self._command = [sys.executable, "-c", PROGRAM, verb, str(source), str(target), url]
        self._is_over = is_over
        self._dice = random.Random(verb)
        self.kills = 0
        self.finished = 0

    def survive(self, check: Callable[[], None]) -> None:
        """Kill ``ROUNDS`` times, then let it get through; ``check`` each transfer that did, and make way for the next one."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as program:
            going = True
            while going:
                last = self.kills == ROUNDS
                killed = self._run(program, None if last else self._moment())
                if self._is_over():
                    self.finished += 1
                    check()
                    going = not last
                else:
                    assert killed
                    self.kills += 1

    def _moment(self) -> Moment:
        dice = self._dice
        if dice.random() < 0.2:
            return Moment(-1, dice.uniform(0, 0.1))  # before the first byte too
        return Moment(dice.randrange(len(CONTENT)), dice.choice([0, dice.uniform(0, 0.03)]))

    def _run(self, program: subprocess.Popen[str], moment: Moment | None) -> bool:
        """Run one transfer, which is killed at a moment unless it is over by then; tell whether it was killed."""
        assert program.stdin is not None
        assert program.stdout is not None
        print("begin", file=program.stdin, flush=True)
        process, told = int(program.stdout.readline()), -1
        while True:
            if moment is not None and told >= moment.told:
                threading.Event().wait(moment.later)
                os.kill(process, signal.SIGKILL)
                moment = None
            word, *rest = program.stdout.readline().split()
            if word == "ended":
                print("next", file=program.stdin, flush=True)
                assert rest in (["False", "0"], ["True", str(int(signal.SIGKILL))])
                return rest[0] == "True"
            told = int(word)


@pytest.mark.slow
def test_an_upload_survives_being_killed(server: MockServer, local: Path, records: Path) -> None:
    server.faults.set([{"method": "PATCH", "delay": 0.02}])
    killing = Killing(
        "upload", local, "/f", server.url, lambda: server.storage.files() != {} and not [*records.glob("*.json")]
    )

    def check() -> None:
        assert server.storage.read("/f") == CONTENT
        assert list(server.storage.files()) == ["/f"]
        server.storage.delete("/f")

    killing.survive(check)
    assert killing.kills == ROUNDS
    assert sum(record.method == "HEAD" for record in server.journal) > 0.2 * ROUNDS  # these went on with an upload
    assert sent(server) <= killing.finished * len(CONTENT)  # no piece was sent twice that the server had


@pytest.mark.slow
def test_a_download_survives_being_killed(server: MockServer, tmp_path: Path, records: Path) -> None:
    server.storage.put("/f", CONTENT)
    target = tmp_path / "target.bin"
    killing = Killing("download", "/f", target, server.url, lambda: target.exists() and not [*records.glob("*.json")])

    def check() -> None:
        assert target.read_bytes() == CONTENT
        left = list(tmp_path.glob(".*.part"))
        assert [
            path for path in left if path.stat().st_size
        ] == []  # an empty one was there to tell the mode of new files
        target.unlink()

    killing.survive(check)
    assert killing.kills == ROUNDS
    assert sum(span != "all" for span in asked(server)) > 0.2 * ROUNDS  # these went on with a partial file


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
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
