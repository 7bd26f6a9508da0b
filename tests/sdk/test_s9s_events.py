"""Live events as they should be: typed, from the moment the block is entered, on any number of channels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.s9s_uses import example
from tests.support.faces import Face
from tests.support.hub import update
from tests.support.scripted import Json, Request, ScriptedServer, Step
from tests.support.sockets import Peer, sockets
from vantage_sdk import (
    JobUpdate,
    MetricsUpdate,
    NodeUpdate,
    Resynced,
    Update,
)
from vantage_sdk.testing import instant_retries

PRINTED = example("ws.update.response")
SUBSCRIBE = example("ws.subscribe.request")


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


def saying(*frames: Any, channel: str = "jobs") -> Any:
    """Acknowledge, say some objects and close in order."""

    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": channel, "sequence": 0}, *frames)
        peer.close(1000)

    return talk


async def test_the_printed_subscription_brings_the_printed_update(face: Face) -> None:
    said: list[Any] = []

    def talk(peer: Peer) -> None:
        said.append(peer.receive())
        peer.send(PRINTED)
        peer.close(1000)

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe(SUBSCRIBE["channel"], SUBSCRIBE["filter"]) as updates:
                (found,) = [item async for item in updates]
    assert said == [SUBSCRIBE]
    assert isinstance(found, JobUpdate)
    assert json.dumps(found.to_dict()) == json.dumps(PRINTED)
    assert (found.channel, found.action, found.resource_id) == ("jobs", "update", "12345")
    assert found.timestamp == datetime(2023, 12, 15, 14, 35, tzinfo=UTC)
    assert found.data is not None
    assert (found.data.job_id, found.data.state, found.data.exit_code) == ("12345", "COMPLETED", 0)
    assert found.data.succeeded
    assert found.extra == {}


async def test_the_credential_goes_in_a_header_and_nothing_in_the_url(face: Face) -> None:
    with ScriptedServer(sockets(saying())) as server:
        async with face.s9s(server.url, token="s3cret-token-of-alice") as client:
            async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
                assert [item async for item in updates] == []
        (request,) = server.requests
        host = server.url.removeprefix("http://")
    assert request.target == "/v1/ws"
    assert request.header("authorization") == "Bearer s3cret-token-of-alice"
    assert request.values("host") == [host]
    assert request.header("sec-websocket-version") == "13"
    assert request.header("sec-websocket-extensions") is None


@pytest.mark.parametrize(
    ("channel", "kind", "data"),
    [
        ("jobs", JobUpdate, {"job_id": "1", "state": "RUNNING", "color": "red"}),
        ("nodes", NodeUpdate, {"node_name": "node001", "state": "DOWN", "reason": "fire"}),
        ("metrics", MetricsUpdate, {"cluster_utilization": {"cpu_percent": 75.5}}),
        ("queue", Update, {"partition": "gpu", "pending": 3}),
        ("alerts", Update, {"severity": "critical", "message": "hot"}),
    ],
)
async def test_each_channel_has_its_kind_of_update(face: Face, channel: str, kind: type[Update], data: Any) -> None:
    sent = {"channel": channel, "action": "update", "resource_id": "x", "data": data, "node_of_origin": 7}
    with ScriptedServer(sockets(saying(sent, channel=channel))) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe(channel) as updates:
                (found,) = [item async for item in updates]
    assert type(found) is kind
    assert found.to_dict() == sent
    assert found.extra == {"node_of_origin": 7}
    if channel == "nodes":
        assert found.data.reason == "fire"
    if channel == "metrics":
        assert found.data.cluster_utilization.cpu_percent == 75.5


async def test_nothing_is_missed_between_entering_the_block_and_the_first_item(face: Face) -> None:
    """The server acknowledges late, and says something at once: both before the caller asks for anything."""
    order: list[str] = []

    def talk(peer: Peer) -> None:
        peer.receive()
        order.append("subscribed")
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 4})
        peer.send(update(5, sequence=5, previous=0))
        peer.close(1000)

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                order.append("entered")
                assert [item.sequence async for item in updates] == [5]
    assert order == ["subscribed", "entered"]


async def test_without_a_block_it_begins_with_the_first_item(face: Face) -> None:
    with ScriptedServer(sockets(saying(update(1)))) as server:
        async with face.s9s(server.url) as client:
            updates = client.events.subscribe("jobs")
            assert server.connections == 0
            assert [item.resource_id async for item in updates] == ["1"]
            assert updates.ended


async def test_several_channels_share_a_socket(face: Face) -> None:
    greetings: list[Any] = []

    def talk(peer: Peer) -> None:
        greetings.extend(peer.receive() for _ in range(2))
        for greeting in greetings:
            peer.send({"action": "subscribed", "channel": greeting["channel"], "sequence": 7})
        node = {"node_name": "n", "state": "DOWN"}
        peer.send(update(8, sequence=8), update(9, channel="nodes", data=node, sequence=8), update(9, sequence=9))
        peer.close(1000)

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe({"jobs": {"user": "alice"}, "nodes": None}) as updates:
                found = [(item.channel, item.sequence) async for item in updates]
        assert server.connections == 1
    assert greetings == [
        {"action": "subscribe", "channel": "jobs", "filter": {"user": "alice"}},
        {"action": "subscribe", "channel": "nodes"},
    ]
    assert found == [("jobs", 8), ("nodes", 8), ("jobs", 9)]


async def test_what_is_not_known_is_passed_over(face: Face) -> None:
    odd = [
        {"action": "unsubscribed", "channel": "jobs"},
        {"channel": "weather", "action": "update", "data": {"rain": True}},
        {"hello": "world"},
        {"action": "ping", "channel": "jobs"},
    ]
    with ScriptedServer(sockets(saying(*odd, update(1)))) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                assert [item.resource_id async for item in updates] == ["1"]


async def test_one_goes_on_after_an_update_of_another_program(face: Face) -> None:
    greetings: list[Any] = []

    def talk(peer: Peer) -> None:
        greetings.append(peer.receive())
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 44})
        peer.send(update(43, sequence=43, previous=42), update(44, sequence=44, previous=43))
        peer.close(1000)

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", after=42) as updates:
                assert [item.sequence async for item in updates] == [43, 44]
    assert greetings[0]["after"] == 42


async def test_a_poll_gives_what_is_there_and_waits_no_longer_than_it_may(face: Face) -> None:
    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 0}, update(1))
        peer.await_pong()
        peer.send(update(2))
        peer.close(1000)

    def asking(peer: Peer) -> None:
        peer.ping()
        talk(peer)

    with ScriptedServer(sockets(asking)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                assert (await updates.poll(5)).resource_id == "1"
                assert (await updates.poll(5)).resource_id == "2"
                assert await updates.poll(5) is None
                assert updates.ended
                assert await updates.poll() is None


async def test_a_poll_of_a_silent_server_comes_to_nothing(face: Face) -> None:
    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 0})
        peer.ended()

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                assert [await updates.poll(0.01), await updates.poll(), await updates.poll()] == [None] * 3
                assert not updates.ended


@pytest.mark.parametrize(
    ("state", "channel", "filters"),
    [
        ([("job_id", "7")], "jobs", {"user": "alice", "state": "RUNNING", "exit_code": 0}),
        ([("node_name", "n1")], "nodes", {"state": "DOWN"}),
        ([("name", "gpu")], "queue", None),
        ([("timestamp", datetime(2023, 12, 15, tzinfo=UTC))], "metrics", None),
        ([], "alerts", None),
    ],
)
async def test_after_a_gap_the_state_of_the_channel_is_fetched(
    face: Face, channel: str, filters: Any, state: list[Any]
) -> None:
    good = {"user": "alice", "state": "running", "exit_code": 0}
    bodies = {
        "/v1/jobs": {
            "jobs": [
                {"job_id": "7", **good},
                {"job_id": "8", **good, "state": "DONE"},
                {"job_id": "9", **good, "exit_code": 1},
            ]
        },
        "/v1/nodes": {"nodes": [{"node_name": "n1", "state": "DOWN"}, {"node_name": "n2", "state": "IDLE"}]},
        "/v1/partitions": {"partitions": [{"name": "gpu"}]},
        "/v1/metrics/cluster": {"timestamp": "2023-12-15T00:00:00Z"},
    }

    def first(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": channel})

    def rest(request: Request) -> Step:
        return Json(200, bodies[request.path])

    with ScriptedServer(sockets(first, saying(channel=channel), rest=rest)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe(channel, filters) as updates:
                (gap,) = [item async for item in updates]
        asked = [request for request in server.requests if request.path != "/v1/ws"]
    assert isinstance(gap, Resynced)
    assert (gap.channel, gap.since) == (channel, None)
    assert [(name, getattr(item, name)) for item, (name, _) in zip(gap.state, state, strict=True)] == state
    if channel == "jobs":
        assert asked[0].query == {"user": "alice", "state": "RUNNING"}
