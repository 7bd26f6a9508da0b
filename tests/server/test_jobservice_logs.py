"""Logs of the job service: text, and streams of events."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.platform import follow
from tests.server.test_follow import events, until
from tests.server.test_jobservice_jobs import JOBS, created, refused

SLOW = {"command": "echo one; sleep 10; echo two; sleep 10; echo three"}


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key="<token>")


def path(job: dict[str, Any], **query: Any) -> str:
    return str(httpx.URL(f"{JOBS}{job['id']}/logs", params=query)) if query else f"{JOBS}{job['id']}/logs"


def test_the_printed_log(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"model": "resnet50", "batch_size": 32})
    server.advance(6.15)
    answer = client.get(path(job))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == (
        "2024-01-15T10:35:00.100000Z Loading model resnet50...\n"
        "2024-01-15T10:35:05.100000Z Model loaded successfully\n"
        "2024-01-15T10:35:06.100000Z Processing batch 1/100...\n"
    )


def test_training_counts_epochs(server: MockServer, client: httpx.Client) -> None:
    job = created(client, job_type="training", config={"epochs": 2, "duration_seconds": 10})
    server.advance(11)
    assert client.get(path(job, timestamps="false")).text.splitlines() == [
        "Loading model pytorch-inference...",
        "Model loaded successfully",
        "Training epoch 1/2...",
        "Training epoch 2/2...",
        "Trained 2 epochs",
    ]


@pytest.mark.parametrize(("tail", "lines"), [("", 100), ("tail=2", 2), ("tail=0", 0), ("tail=1000", 103)])
def test_the_last_lines(server: MockServer, client: httpx.Client, tail: str, lines: int) -> None:
    job = created(client)
    server.advance(31)
    found = client.get(f"{path(job)}?{tail}").text.splitlines()
    assert len(found) == lines
    if lines:
        assert found[-1].endswith("Processed 100 batches")


def test_a_job_that_has_said_nothing(client: httpx.Client) -> None:
    answer = client.get(path(created(client)))
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("query", ["tail=-1", "tail=x", "follow=yes", "timestamps=1", "since=2024-01-01"])
def test_options_that_cannot_be(client: httpx.Client, query: str) -> None:
    answer = client.get(f"{path(created(client))}?{query}")
    details = refused(answer, 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in details] == [query.partition("=")[0]]


# Streams


def test_lines_come_as_they_are_written(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config=SLOW)
    with client.stream("GET", path(job, follow="true")) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        chunks = response.iter_text()
        server.advance(5)
        assert until(chunks, "one\n\n") == "id: 1\ndata: 2024-01-15T10:35:00.100000Z one\n\n"
        server.advance(60)
        assert until(chunks, "event: end").endswith("three\n\nevent: end\ndata: succeeded\n\n")
        assert next(chunks, None) is None


@pytest.mark.parametrize(("command", "word"), [("true", "succeeded"), ("false", "failed")])
def test_the_last_event_tells_how_it_ended(server: MockServer, client: httpx.Client, command: str, word: str) -> None:
    job = created(client, config={"command": command})
    server.advance(1)
    assert events(client.get(path(job, follow="true")).text) == [{"event": "end", "data": word}]


def test_a_cancelled_job_ends_the_stream(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config=SLOW)
    server.advance(1)
    with client.stream("GET", path(job, follow="true")) as response:
        chunks = response.iter_text()
        until(chunks, "one")
        client.delete(JOBS + job["id"])
        assert events(until(chunks, "event: end"))[-1] == {"event": "end", "data": "cancelled"}


def test_a_stream_begins_with_the_tail(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"command": "seq 1 150"})
    server.advance(10)
    for tail, first in (({}, "51"), ({"tail": "3"}, "148"), ({"tail": "0"}, None)):
        found = events(client.get(path(job, follow="true", timestamps="false", **tail)).text)
        assert found[0].get("id") == first
        assert found[-1] == {"event": "end", "data": "succeeded"}
        assert all(event["data"] == event["id"] for event in found[:-1])


def test_a_stream_can_be_resumed_at_any_line(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config=SLOW)
    server.advance(60)
    whole = events(client.get(path(job, follow="true")).text)
    assert len(whole) == 4
    for number in range(4):
        # What the caller has counts for more than the tail.
        rest = client.get(path(job, follow="true", tail="1"), headers={"Last-Event-ID": str(number)})
        assert events(rest.text) == whole[number:]
    refused(client.get(path(job, follow="true"), headers={"Last-Event-ID": "x"}), 400, "VALIDATION_ERROR")


def test_silence_is_filled_with_comments(
    server: MockServer, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "KEEP_ALIVE", 0.01)
    job = created(client, config={"command": "sleep 1000"})
    with client.stream("GET", path(job, follow="true")) as response:
        until(response.iter_text(), ": keep-alive\n\n: keep-alive\n\n")


def test_every_attempt_is_in_the_log(server: MockServer, client: httpx.Client) -> None:
    job = created(client, config={"command": "echo try; false"}, retry_policy={"max_retries": 2})
    with client.stream("GET", path(job, follow="true", timestamps="false")) as response:
        server.advance(60)
        found = events("".join(response.iter_text()))
    said = [event["data"] for event in found]
    assert [said[0], said[2], said[4], said[5]] == ["try", "try", "try", "failed"]
    assert "Retry 2 of 2" in said[3]


@pytest.fixture
def automatic(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(clock="auto", world="empty")


def test_curl_follows(automatic: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    job = created(make_client(automatic, key="<token>"), config=SLOW)
    url = f"{automatic.url}{path(job, follow='true', timestamps='false')}"
    command = ["curl", "-sN", "--max-time", "30", "-H", f"Authorization: Bearer {automatic.token()}", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [event["data"] for event in events(done.stdout)] == ["one", "two", "three", "succeeded"]
