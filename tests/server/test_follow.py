"""Following a log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from mock_server.platform import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLLOW = "/v1/jobs/{}/logs?follow=true"
AUTH = {"Authorization": "Bearer YOUR_API_KEY"}


def events(text: str) -> list[dict[str, str]]:
    """Split a stream into its events, comments left out."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def until(chunks: Iterator[str], wanted: str) -> str:
    """Read until ``wanted`` has come."""
    received = ""
    while wanted not in received:
        received += next(chunks)
    return received


def test_a_finished_job_gives_its_lines_and_ends(client: httpx.Client) -> None:
    response = client.get(FOLLOW.format("job_121"))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert events(response.text) == [
        {"id": "1", "data": "reading 12 files"},
        {"id": "2", "data": "wrote table.csv"},
        {"event": "end", "data": "completed"},
    ]


def test_lines_come_as_they_are_written(server: MockServer, client: httpx.Client) -> None:
    with client.stream("GET", FOLLOW.format("job-12345")) as response:
        chunks = response.iter_text()
        assert "epoch" not in until(chunks, "loading dataset\n\n")
        server.advance(2)
        assert "epoch 2" not in until(chunks, "epoch 1/3 loss 0.71\n\n")
        server.advance(60)
        assert until(chunks, "event: end").endswith("event: end\ndata: completed\n\n")
        assert next(chunks, None) is None


def test_a_stream_can_be_resumed(server: MockServer, client: httpx.Client) -> None:
    server.run_until_idle()
    whole = events(client.get(FOLLOW.format("job-12345")).text)
    for number in range(len(whole) + 1):
        rest = client.get(FOLLOW.format("job-12345"), headers={"Last-Event-ID": str(number)})
        assert events(rest.text) == (whole[number:] or whole[-1:])


@pytest.mark.parametrize("value", ["-1", "x", "", "1.5"])
def test_an_event_id_that_is_none(client: httpx.Client, value: str) -> None:
    response = client.get(FOLLOW.format("job_121"), headers={"Last-Event-ID": value})
    assert (response.status_code, response.json()["details"]["field"]) == (400, "Last-Event-ID")


@pytest.mark.parametrize(
    ("options", "ids"),
    [("tail=1", ["2"]), ("tail=0", []), ("since=2024-01-15T08:41:00Z", ["2"]), ("since=2025-01-01", [])],
)
def test_a_stream_can_begin_later(client: httpx.Client, options: str, ids: list[str]) -> None:
    found = events(client.get(FOLLOW.format("job_121") + "&" + options).text)
    assert [event["id"] for event in found if "id" in event] == ids
    assert found[-1]["event"] == "end"


def test_timestamps(client: httpx.Client) -> None:
    found = events(client.get(FOLLOW.format("job_121") + "&timestamps=true").text)
    assert found[0]["data"] == "2024-01-15T08:35:11Z reading 12 files"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_job_that_is_stopped_ends_the_stream(client: httpx.Client, method: str) -> None:
    with client.stream("GET", FOLLOW.format("job_123")) as response:
        chunks = response.iter_text()
        until(chunks, "step 1000")
        client.request(method, "/v1/jobs/job_123", json={"status": "cancelled"})
        assert events(until(chunks, "event: end"))[-1] == {"event": "end", "data": "cancelled"}


def test_a_job_is_followed_from_before_its_start(client: httpx.Client, server: MockServer) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "echo hi; sleep 1; false"}).json()
    with client.stream("GET", FOLLOW.format(job["id"])) as response:
        server.advance(60)
        found = events("".join(response.iter_text()))
    assert found == [{"id": "1", "data": "hi"}, {"event": "end", "data": "failed"}]


def test_line_breaks_within_a_line_stay_one_event(server: MockServer, client: httpx.Client) -> None:
    job = server.cluster.job("job_121")
    job.log.append(server.now(), "50%\r100%")
    assert "id: 3\ndata: 50%\ndata: 100%\n\n" in client.get(FOLLOW.format("job_121")).text


def test_silence_is_filled_with_comments(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "KEEP_ALIVE", 0.01)
    with client.stream("GET", FOLLOW.format("job_123")) as response:
        until(response.iter_text(), ": keep-alive\n\n: keep-alive\n\n")


def test_on_an_automatic_clock_nobody_waits(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(clock="auto")
    client = make_client(server)
    job = client.post("/v1/jobs", json={"name": "n", "command": "echo a; sleep 604800; echo b"}).json()
    found = events(client.get(FOLLOW.format(job["id"])).text)
    assert [event["data"] for event in found] == ["a", "b", "completed"]


def test_on_a_fast_clock_the_stream_ends_by_itself(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    client = make_client(make_server(clock="x10000"))
    assert events(client.get(FOLLOW.format("job-67890")).text)[-1] == {"event": "end", "data": "completed"}


def test_a_job_submitted_while_others_are_followed_moves_the_timer(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(clock="x10", world="empty")
    client = make_client(server)
    long = client.post("/v1/jobs", json={"name": "n", "command": "sleep 999999"}).json()
    with client.stream("GET", FOLLOW.format(long["id"])):
        short = client.post("/v1/jobs", json={"name": "n", "command": "echo hi"}).json()
        assert events(client.get(FOLLOW.format(short["id"])).text)[0]["data"] == "hi"


def test_something_that_becomes_due_while_nothing_was_sets_the_timer(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(clock="x1000", world="empty")
    (cluster,) = server.cluster.clusters.values()
    for name in list(cluster.nodes):
        server.cluster.fail_node(cluster.id, name)
    client = make_client(server)
    job = client.post("/v1/jobs", json={"name": "n", "command": "sleep 5; echo hi"}).json()
    with client.stream("GET", FOLLOW.format(job["id"])) as response:
        server.cluster.restore_node(cluster.id, next(iter(cluster.nodes)))
        assert "data: completed" in "".join(response.iter_text())


def test_reset_ends_the_streams(server: MockServer, client: httpx.Client) -> None:
    with client.stream("GET", FOLLOW.format("job_123")) as response:
        chunks = response.iter_text()
        until(chunks, "step 1000")
        server.reset()
        assert "event: end" not in "".join(chunks)


def test_stop_ends_the_streams(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server()
    with make_client(server).stream("GET", FOLLOW.format("job_123")) as response:
        chunks = response.iter_text()
        until(chunks, "step 1000")
        server.stop()
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            next(chunks)


def test_a_follower_who_leaves_is_forgotten(server: MockServer, client: httpx.Client) -> None:
    with client.stream("GET", FOLLOW.format("job_123")) as response:
        until(response.iter_text(), "step 1000")
    time = server.app.state.time
    for _ in range(10_000):
        if not time.watched:
            break
        server.now()
    assert not time.watched


def test_a_thousand_followers_without_a_socket() -> None:
    server = MockServer(clock="manual", rate_limits=False)

    async def follow_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=AUTH) as client:
            streams = [asyncio.ensure_future(client.get(FOLLOW.format("job-12345"))) for _ in range(1000)]
            while server.app.state.time.watched < 1000:  # noqa: ASYNC110 - the server has no event for this
                await asyncio.sleep(0)
            server.advance(60)
            return await asyncio.gather(*streams)

    texts = {response.text for response in asyncio.run(follow_all())}
    assert len(texts) == 1
    assert events(texts.pop())[-1] == {"event": "end", "data": "completed"}
