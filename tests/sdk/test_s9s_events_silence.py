"""Servers of live events that fall silent, and states that cannot be had for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.faces import Face
from tests.support.hub import update
from tests.support.scripted import Json, Request, ScriptedServer, Step
from tests.support.sockets import Peer, sockets
from tests.support.tale import Tale, told
from vantage_sdk import AuthorizationError, DeadlineExceeded, Resynced
from vantage_sdk.core.io.asynchronous import AnyIO
from vantage_sdk.core.io.blocking import BlockingIO
from vantage_sdk.testing import instant_retries

SLEEPS = {port: port.sleep for port in (BlockingIO, AnyIO)}


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


@contextmanager
def patched_back() -> Iterator[None]:
    """Let pauses take their time again."""
    with patch.object(BlockingIO, "sleep", SLEEPS[BlockingIO]), patch.object(AnyIO, "sleep", SLEEPS[AnyIO]):
        yield


async def test_a_dead_peer_is_noticed_and_replaced(face: Face) -> None:
    """It neither answers pings nor closes anything; only the silence tells."""
    tale = Tale(lambda peer: peer.wait_until_dropped())
    # With the pauses of the defaults it would be noticed after the deadline only.
    assert await told(face, sockets(tale.talk), ping_interval=0.05, ping_timeout=0.05, deadline=25) == [1, 2]
    assert len(tale.greetings) == 2


async def test_a_silent_peer_that_answers_pings_lives(face: Face) -> None:
    def quiet(peer: Peer) -> None:
        for _ in range(4):
            peer.await_ping()
        peer.close(1000)

    tale = Tale(quiet)
    assert await told(face, sockets(tale.talk), ping_interval=0.02, ping_timeout=5) == [1]
    assert len(tale.greetings) == 1


async def test_a_peer_that_was_asked_seldom_is_not_condemned_for_it(face: Face) -> None:
    """Polls far apart: only the time that was waited counts."""

    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 0})
        peer.await_ping()
        peer.await_ping()
        peer.send(update(1))
        peer.ended()

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", ping_interval=0.03, ping_timeout=5) as updates:
                while (found := await updates.poll(0.01)) is None:
                    pass
                assert found.resource_id == "1"
        assert server.connections == 1


async def test_a_deadline_ends_it(face: Face) -> None:
    tale = Tale(Peer.ended)
    with pytest.raises(DeadlineExceeded, match="deadline of 0.2 s"):
        await told(face, sockets(tale.talk), deadline=0.2)


async def test_nothing_is_a_deadline_of_its_own(face: Face) -> None:
    """Neither the time limit of a call nor that of its head limits what comes over the socket."""
    tale = Tale(lambda peer: [peer.await_ping() for _ in range(6)] and peer.close(1000))
    assert await told(face, sockets(tale.talk), timeout=0.3, ping_interval=0.1) == [1]


async def test_a_state_that_cannot_be_had_for_a_while_is_waited_for(face: Face) -> None:
    answers: list[Any] = [Json(503, {})] * 7
    greetings: list[Any] = []

    def talk(peer: Peer) -> None:
        greetings.append(peer.receive())
        peer.send({"action": "subscribed", "channel": "jobs"})
        if len(greetings) > 1 and not answers:
            peer.send(update(1))
            peer.close(1000)

    def rest(request: Request) -> Step:
        return answers.pop() if answers else Json(200, {"jobs": [{"job_id": "5", "state": "X"}]})

    found = await told(face, sockets(talk, rest=rest), max_retries=1)
    assert isinstance(found[0], Resynced)
    assert [job.job_id for job in found[0].state] == ["5"]


async def test_a_state_that_cannot_be_had_is_not_asked_for_again_and_again(face: Face) -> None:
    asked: list[Any] = []

    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs"})
        if not asked:
            return
        peer.ended()

    def rest(request: Request) -> Step:
        asked.append(request)
        return Json(503, {}, {"Retry-After": "50"})

    with ScriptedServer(sockets(talk, rest=rest)) as server:
        async with face.s9s(server.url, max_retries=0) as client:
            async with client.events.subscribe("jobs") as updates:
                with patched_back(), patch("random.random", lambda: 0.0):
                    for _ in range(20):
                        assert await updates.poll(0.01) is None
    assert len(asked) == 1


async def test_a_state_that_one_may_not_see_is_an_error(face: Face) -> None:
    with pytest.raises(AuthorizationError):
        await told(
            face,
            sockets(
                lambda peer: (peer.receive(), peer.send({"action": "subscribed", "channel": "jobs"})),
                rest=lambda request: Json(403, {"error": {"code": "PERMISSION_DENIED"}}),
            ),
        )


async def test_what_comes_while_the_state_is_fetched_is_kept_and_comes_after(face: Face) -> None:
    peers: list[Any] = []
    first = threading.Event()

    def talk(peer: Peer) -> None:
        peer.receive()
        peers.append(peer)
        peer.send({"action": "subscribed", "channel": "jobs"})
        if len(peers) > 1:
            peer.send(update(1, sequence=1))
            first.set()
            peer.ended()

    def rest(request: Request) -> Step:
        assert first.wait(30)
        peers[-1].send(update(2, sequence=2))  # on the socket, while the list is being asked for
        peers[-1].say_goodbye(1000)
        return Json(200, {"jobs": []})

    found = await told(face, sockets(talk, rest=rest))
    assert [item if isinstance(item, int) else "state" for item in found] == ["state", 1, 2]
