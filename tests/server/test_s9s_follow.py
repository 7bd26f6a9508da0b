"""Following what a job writes over a WebSocket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from mock_server import MockServer
from tests.server.s9s_sockets import TOKEN, peer

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = "echo one; echo oops >&2; sleep 2; echo two; sleep 2; echo three; exit 3"


@pytest.fixture
def job(server: MockServer) -> str:
    """A job that writes three lines of output and one of errors, and fails."""
    answer = httpx.post(f"{server.s9s_url}/v1/jobs", json={"script": SCRIPT, "nodes": 1}, headers=TOKEN)
    job_id: str = answer.json()["job_id"]
    return job_id


def lines(messages: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(message["data"]["line"], message["data"]["text"]) for message in messages if message["action"] == "line"]


def follow(server: MockServer, job: str, stream: str = "output", query: str = "") -> list[dict[str, Any]]:
    with peer(server, f"/v1/jobs/{job}/{stream}?follow=true{query}") as reader:
        messages = reader.rest()
        assert reader.connection.close_code == 1000
        return messages


def test_lines_come_as_they_are_written_and_then_the_end(server: MockServer, job: str) -> None:
    with peer(server, f"/v1/jobs/{job}/output?follow=true") as reader:
        server.advance(1)
        first = reader.next()
        assert first == {
            "channel": "output",
            "action": "line",
            "resource_id": job,
            "timestamp": first["timestamp"],
            "data": {"line": 1, "text": "one"},
        }
        server.advance(10)
        second, third, end = reader.rest()
        assert lines([second, third]) == [(2, "two"), (3, "three")]
        assert (end["action"], end["channel"], end["resource_id"]) == ("end", "output", job)
        assert end["data"] == {"lines": 3, "state": "FAILED", "exit_code": 3}
        assert reader.connection.close_code == 1000


def test_each_stream_counts_its_own_lines(server: MockServer, job: str) -> None:
    server.advance(10)
    assert lines(follow(server, job, "error")) == [(1, "oops")]
    assert {message["channel"] for message in follow(server, job, "error")} == {"error"}


def test_a_reader_goes_on_behind_the_line_it_has(server: MockServer, job: str) -> None:
    server.advance(10)
    whole = follow(server, job)
    for number in range(5):
        assert follow(server, job, query=f"&after={number}") == whole[min(number, 3) :]
    assert lines(follow(server, job, query="&lines=2")) == [(2, "two"), (3, "three")]
    assert lines(follow(server, job, query="&lines=3&after=2")) == [(3, "three")]


def test_a_connection_that_is_cut_at_every_message_loses_nothing(make_server: Callable[..., MockServer]) -> None:
    server = make_server()
    answer = httpx.post(f"{server.s9s_url}/v1/jobs", json={"script": SCRIPT, "nodes": 1}, headers=TOKEN)
    job = answer.json()["job_id"]
    server.advance(10)
    for cut in range(4):
        server.faults.set([{"path": f"/v1/jobs/{job}/output", "cut_socket": cut, "times": 1}])
        with peer(server, f"/v1/jobs/{job}/output?follow=true") as reader:
            before = reader.rest()
            assert len(before) == cut
        rest = follow(server, job, query=f"&after={cut}")
        assert lines(before + rest) == [(1, "one"), (2, "two"), (3, "three")]


def test_an_automatic_clock_moves_while_somebody_follows(make_server: Callable[..., MockServer]) -> None:
    server = make_server(clock="auto")
    script = "echo begun; sleep 100000; echo done"
    answer = httpx.post(f"{server.s9s_url}/v1/jobs", json={"script": script, "nodes": 1}, headers=TOKEN)
    assert lines(follow(server, answer.json()["job_id"])) == [(1, "begun"), (2, "done")]


def test_a_cancelled_job_ends_too(server: MockServer, job: str) -> None:
    with peer(server, f"/v1/jobs/{job}/output?follow=true") as reader:
        server.advance(1)
        reader.next()
        httpx.delete(f"{server.s9s_url}/v1/jobs/{job}?force=true", headers=TOKEN)
        assert reader.rest()[-1]["data"]["state"] == "CANCELLED"


def test_what_a_reader_says_means_nothing(server: MockServer, job: str) -> None:
    with peer(server, f"/v1/jobs/{job}/output?follow=true") as reader:
        reader.say(action="subscribe", channel="jobs")
        reader.connection.send(b"\0")
        server.advance(10)
        assert len(reader.rest()) == 4


def test_many_lines_come_in_order(server: MockServer) -> None:
    log = server.app.state.cluster.jobs["12344"].log
    for number in range(3_000):
        log.append(server.now(), f"line {number}")
    texts = [text for _, text in lines(follow(server, "12344"))]
    assert texts[-3_000:] == [f"line {number}" for number in range(3_000)]


def test_a_reset_ends_it(server: MockServer, job: str) -> None:
    with peer(server, f"/v1/jobs/{job}/output?follow=true") as reader:
        server.advance(1)
        reader.next()
        server.reset()
        assert reader.rest() == []
        assert reader.connection.close_code == 1012


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/v1/jobs/99999/output?follow=true", TOKEN, 404, "RESOURCE_NOT_FOUND"),
        ("/v1/jobs/12345/output?follow=true", {}, 401, "AUTHENTICATION_FAILED"),
        ("/v1/jobs/12345/output?follow=yes", TOKEN, 400, "VALIDATION_ERROR"),
        ("/v1/jobs/12345/output?follow=true&after=-1", TOKEN, 400, "VALIDATION_ERROR"),
    ],
)
def test_what_is_refused_is_refused_before_the_upgrade(
    server: MockServer, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    with pytest.raises(InvalidStatus) as caught, peer(server, path, additional_headers=headers):
        pass
    response = caught.value.response
    assert (response.status_code, json.loads(response.body or b"")["error"]["code"]) == (status, code)


def test_a_handshake_that_does_not_want_to_follow_gets_what_is_there(server: MockServer, job: str) -> None:
    server.advance(10)
    with pytest.raises(InvalidStatus) as caught, peer(server, f"/v1/jobs/{job}/output"):
        pass
    assert json.loads(caught.value.response.body or b"")["lines"] == ["one", "two", "three"]


def test_without_a_socket_a_reader_can_begin_behind_a_line_too(server: MockServer, s9s: httpx.Client, job: str) -> None:
    server.advance(10)
    path = f"/v1/jobs/{job}/output"
    assert s9s.get(f"{path}?after=1").json()["lines"] == ["two", "three"]
    assert s9s.get(f"{path}?after=1&lines=1").json()["lines"] == ["three"]
    assert s9s.get(f"{path}?after=2&follow=true").text == "three\n"
    assert s9s.get(f"{path}?after=9&follow=true").text == ""
