"""What jobs write: as JSON, as text, and as it comes."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from tests.server.s9s_calls import submit

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = "echo one; echo bad >&2; echo two; sleep 10; echo three; echo worse >&2"


def follow(server: MockServer, job_id: str, stream: str = "output", query: str = "") -> str:
    url = f"{server.s9s_url}/v1/jobs/{job_id}/{stream}?follow=true{query}"
    return httpx.get(url, headers={"Authorization": "Bearer TOKEN"}, timeout=20).text


@pytest.fixture
def auto(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(clock="auto", world="empty")


def test_the_two_streams_are_apart(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(s9s, SCRIPT, partition="cpu")
    server.advance(1)
    answer = s9s.get(f"/v1/jobs/{job_id}/output").json()
    assert answer == {"job_id": job_id, "stream": "output", "lines": ["one", "two"], "total_lines": 2}
    server.advance(10)
    assert s9s.get(f"/v1/jobs/{job_id}/output").json()["lines"] == ["one", "two", "three"]
    error = s9s.get(f"/v1/jobs/{job_id}/error").json()
    assert error == {"job_id": job_id, "stream": "error", "lines": ["bad", "worse"], "total_lines": 2}


def test_the_last_lines_are_enough(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(s9s, SCRIPT, partition="cpu")
    server.advance(20)
    answer = s9s.get(f"/v1/jobs/{job_id}/output", params={"lines": 2}).json()
    assert (answer["lines"], answer["total_lines"]) == (["two", "three"], 3)
    assert s9s.get(f"/v1/jobs/{job_id}/output", params={"lines": 9}).json()["lines"] == ["one", "two", "three"]
    for bad in ("0", "-1", "all"):
        assert s9s.get(f"/v1/jobs/{job_id}/output", params={"lines": bad}).status_code == 400


def test_text_is_there_for_the_asking(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(s9s, SCRIPT, partition="cpu")
    server.advance(20)
    answer = s9s.get(f"/v1/jobs/{job_id}/output", headers={"Accept": "text/plain"}, params={"lines": 2})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "two\nthree\n"
    both = s9s.get(f"/v1/jobs/{job_id}/output", headers={"Accept": "text/plain, application/json"})
    assert both.json()["stream"] == "output"


def test_jobs_of_other_families_can_be_read(s9s: httpx.Client) -> None:
    assert s9s.get("/v1/jobs/job_121/output").json()["lines"] == ["reading 12 files", "wrote table.csv"]
    answer = s9s.get("/v1/jobs/none/output")
    assert (answer.status_code, answer.json()["error"]["details"]["resource_id"]) == (404, "none")


def test_following_ends_with_the_job(auto: MockServer) -> None:
    def add() -> str:
        answer = httpx.post(f"{auto.s9s_url}/v1/jobs", json={"script": SCRIPT}, headers={"X-API-Key": "TOKEN"})
        job_id: str = answer.json()["job_id"]
        return job_id

    assert follow(auto, add()) == "one\ntwo\nthree\n"
    assert follow(auto, add(), "error") == "bad\nworse\n"
    job_id = add()
    auto.run_until_idle()
    assert follow(auto, job_id) == "one\ntwo\nthree\n"
    assert follow(auto, job_id, query="&lines=1") == "three\n"
    assert follow(auto, job_id, "error", "&lines=5") == "bad\nworse\n"


def test_a_follower_of_the_last_lines_begins_with_them(auto: MockServer) -> None:
    answer = httpx.post(f"{auto.s9s_url}/v1/jobs", json={"script": SCRIPT}, headers={"X-API-Key": "TOKEN"})
    auto.advance(1)
    assert follow(auto, answer.json()["job_id"], query="&lines=1") == "two\nthree\n"


def test_a_job_that_is_gone_ends_it(auto: MockServer) -> None:
    answer = httpx.post(f"{auto.s9s_url}/v1/jobs", json={"script": "exit 1"}, headers={"X-API-Key": "TOKEN"})
    assert follow(auto, answer.json()["job_id"]) == ""


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_follows(auto: MockServer) -> None:
    answer = httpx.post(f"{auto.s9s_url}/v1/jobs", json={"script": SCRIPT}, headers={"X-API-Key": "TOKEN"})
    url = f"{auto.s9s_url}/v1/jobs/{answer.json()['job_id']}/output?follow=true"
    command = ["curl", "-sSN", "-H", "X-API-Key: TOKEN", url]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("#!/bin/bash\n#SBATCH --nodes=1\n# a comment\necho first\n\necho second # and more\n", ["first", "second"]),
        ("/bin/echo here", ["here"]),
        ("/usr/bin/env true && echo done", ["env: started", "done"]),
    ],
)
def test_scripts_run_as_they_are_written(server: MockServer, s9s: httpx.Client, script: str, lines: list[str]) -> None:
    job_id = submit(s9s, script, partition="cpu")
    server.advance(3600)
    found = s9s.get(f"/v1/jobs/{job_id}/output").json()["lines"]
    assert [line for line in found if line in lines] == lines


def test_a_script_that_nobody_knows_takes_its_time_and_says_so(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(s9s, "/home/alice/test.sh", partition="cpu")
    server.advance(3600)
    lines = s9s.get(f"/v1/jobs/{job_id}/output").json()["lines"]
    assert lines[0] == "test.sh: started"
    assert len(lines) > 3
    again = MockServer(clock="manual")
    with again:
        client = httpx.Client(base_url=again.s9s_url, headers={"X-API-Key": "TOKEN"})
        with client:
            same = submit(client, "/home/alice/test.sh", partition="cpu")
            again.advance(3600)
            assert client.get(f"/v1/jobs/{same}/output").json()["lines"] == lines
