"""The command ``vantage-mock``, and the documented command line call."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server import MockServer

DATA = Path(__file__).parent / "data"


@pytest.fixture
def command(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A running command with the options of the test."""
    options: list[str] = getattr(request, "param", [])
    arguments = [sys.executable, "-m", "mock_server", "--port", "0", *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_when_asked(command: subprocess.Popen[str], number: signal.Signals) -> None:
    assert command.stdout is not None
    line = command.stdout.readline()
    assert line.startswith("Listening on http://127.0.0.1:")
    url = line.removeprefix("Listening on ").strip()
    assert httpx.get(url + "/v1/jobs", headers={"Authorization": "Bearer your-key"}).json()["total"] == 10
    with httpx.stream("GET", url + "/v1/jobs/job_123/logs?follow=true", headers={"Authorization": "Bearer your-key"}):
        command.send_signal(number)
        output, errors = command.communicate(timeout=20)
    assert (command.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize(
    "command",
    [["--clock", "manual", "--world", "empty", "--seed", "7", "--no-rate-limits", "--scheduler", "easy"]],
    indirect=True,
)
def test_options(command: subprocess.Popen[str]) -> None:
    assert command.stdout is not None
    info = httpx.get(command.stdout.readline().removeprefix("Listening on ").strip() + "/_mock").json()
    found = tuple(info[name] for name in ("clock", "world", "seed", "rate_limits", "scheduler"))
    assert found == ("manual", "empty", 7, False, "easy")


@pytest.mark.parametrize("command", [["--s9s-port", "0", "--anonymous-s9s"]], indirect=True)
def test_s9s_can_have_a_port_of_its_own(command: subprocess.Popen[str]) -> None:
    assert command.stdout is not None
    first, second = (command.stdout.readline() for _ in range(2))
    assert first.startswith("Listening on http://127.0.0.1:")
    assert second.startswith("S9S on http://127.0.0.1:")
    assert httpx.get(second.removeprefix("S9S on ").strip() + "/v1/status").json()["status"] == "ok"


def test_tls_needs_both_of_its_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--tls-cert", "cert.pem"]) == 1
    assert "--tls-cert and --tls-key need each other" in capsys.readouterr().err
    assert main(["--port", "0", "--client-ca", "ca.pem"]) == 1
    assert "client_ca needs tls" in capsys.readouterr().err
    assert main(["--port", "0", "--tls-cert", "no.pem", "--tls-key", "no.key"]) == 1
    assert "No such file" in capsys.readouterr().err


def test_mistakes_are_reported(capsys: pytest.CaptureFixture[str], server: MockServer) -> None:
    assert main(["--clock", "backwards", "--port", "0"]) == 1
    assert "clock" in capsys.readouterr().err
    assert main(["--port", server.url.rpartition(":")[2]]) == 1
    assert "ddress" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--world", "flat"])


def test_it_says_so_when_other_machines_can_reach_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            signal.raise_signal(signal.SIGTERM)
            return super().wait(timeout)

    monkeypatch.setattr("mock_server.__main__.threading.Event", Interrupted)

    def reachable(_: str) -> bool:
        return False

    monkeypatch.setattr("mock_server.__main__.is_loopback", reachable)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert main(["--port", "0"]) == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("Listening on http://127.0.0.1:")
    assert "control API is off" in second
    assert not rest


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_documented_curl_call(server: MockServer) -> None:
    script = (DATA / "000_jobs_list.sh").read_text()
    script = script.replace("https://api.vantage.omnivector.solutions", server.url).replace("curl ", "curl -sS ", 1)
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    body = json.loads(done.stdout)
    assert (body["total"], body["page"], body["per_page"]) == (6, 1, 10)
    assert {job["status"] for job in body["jobs"]} == {"running"}
