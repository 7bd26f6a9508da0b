"""Callers that are slower than the server: what waits for them is bounded, and what is dropped is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.hub import complete_or_told, update
from tests.support.scripted import Json, Request, ScriptedServer, Step
from tests.support.sockets import Peer, sockets
from vantage_sdk import Resynced, StreamInterrupted
from vantage_sdk.s9s import subscription
from vantage_sdk.s9s.subscription import Subscription
from vantage_sdk.testing import instant_retries

COUNT, QUEUE = 60, 10


@pytest.fixture(autouse=True)
def _always_late(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every call finds that the connection was not looked at for too long."""
    monkeypatch.setattr(subscription, "LOOK", -1.0)
    with instant_retries():
        yield


def source_of(updates: Any) -> Subscription:
    found: Subscription = getattr(updates, "blocking", updates)._source
    return found


class Flood:
    """Sends ``COUNT`` updates at once, then waits for the answer to a ping, and ends."""

    def __init__(self, count: int = COUNT) -> None:
        self.sent, self.answered = threading.Event(), threading.Event()
        self.count = count
        self.states = 0

    def talk(self, peer: Peer) -> None:
        greeting = peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": greeting.get("after", 0)})
        for number in range(1 + greeting.get("after", 0), self.count + 1):
            peer.send(update(number, sequence=number, previous=number - 1))
        peer.ping()
        self.sent.set()
        peer.await_pong()
        self.answered.set()
        peer.close(1000)

    def rest(self, request: Request) -> Step:
        self.states += 1
        return Json(200, {"jobs": [{"job_id": "0", "state": "X"}], "total": 1})


async def test_with_the_usual_policy_all_arrive_and_few_wait(face: Face) -> None:
    flood, waiting, numbers = Flood(), [0], []
    with ScriptedServer(sockets(flood.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", queue=QUEUE) as updates:
                assert flood.sent.wait(60)
                async for item in updates:
                    numbers.append(item.sequence)
                    waiting.append(len(source_of(updates)._waiting))
        assert server.connections == 1
    assert numbers == [*range(1, COUNT + 1)]
    assert 0 < max(waiting) <= QUEUE


async def test_the_server_is_answered_while_the_caller_works_through_what_waits(face: Face) -> None:
    flood = Flood(5)
    with ScriptedServer(sockets(flood.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                assert flood.sent.wait(60)
                assert (await anext(updates)).sequence == 1
                assert flood.answered.wait(60), "the ping was not answered"
                assert [item.sequence async for item in updates] == [2, 3, 4, 5]


async def test_a_caller_who_prefers_news_loses_the_oldest_and_is_told(face: Face) -> None:
    flood = Flood()
    with ScriptedServer(sockets(flood.talk, rest=flood.rest)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", queue=QUEUE, overflow="drop_oldest") as updates:
                assert flood.sent.wait(60)
                items = [item async for item in updates]
    complete_or_told(items, [*range(1, COUNT + 1)])
    gaps = [item for item in items if isinstance(item, Resynced)]
    assert gaps[0].since == 0
    assert "too many waited" in gaps[0].reason
    assert [job.job_id for job in gaps[0].state] == ["0"]
    assert items[-1].sequence == COUNT
    assert len(items) < COUNT
    assert flood.states == len(gaps) < 5


async def test_a_caller_who_wants_an_error_gets_one(face: Face) -> None:
    flood = Flood()
    with ScriptedServer(sockets(flood.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", queue=QUEUE, overflow="error") as updates:
                assert flood.sent.wait(60)
                with pytest.raises(StreamInterrupted, match="more than 10 updates wait"):
                    async for _ in updates:
                        pass
                assert updates.ended


async def test_a_slow_caller_whom_the_server_leaves_goes_on_where_it_was(face: Face) -> None:
    """What has been read is not asked for again, and what was not is."""
    greetings: list[Any] = []

    def leaving(peer: Peer) -> None:
        greeting = peer.receive()
        greetings.append(greeting)
        after = greeting.get("after", 0)
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 9})
        for number in range(after + 1, min(after + 4, 10)):
            peer.send(update(number, sequence=number, previous=number - 1))
        if after + 4 > 9:
            peer.close(1000)

    with ScriptedServer(sockets(leaving)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", after=0, queue=2) as updates:
                assert [item.sequence async for item in updates] == [*range(1, 10)]
    assert [greeting["after"] for greeting in greetings] == [0, 3, 6]


async def test_a_server_that_never_pauses_does_not_keep_the_caller(face: Face) -> None:
    stop = threading.Event()

    def endless(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 0})
        number = 0
        while not stop.is_set():
            number += 1
            peer.send(update(number, sequence=number, previous=number - 1))

    with ScriptedServer(sockets(endless, rest=Flood().rest)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", queue=QUEUE, overflow="drop_oldest") as updates:
                found = [await anext(updates) for _ in range(5)]
                stop.set()
    numbers = [item.sequence for item in found if not isinstance(item, Resynced)]
    assert numbers == sorted(numbers)


async def test_what_waits_is_delivered_before_the_end(face: Face) -> None:
    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 0}, update(1), update(2), update(3))
        peer.close(1000)

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                assert (await anext(updates)).resource_id == "1"
                assert not updates.ended
                assert [item.resource_id async for item in updates] == ["2", "3"]
                assert updates.ended
