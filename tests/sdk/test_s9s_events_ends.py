"""However a subscription ends, the server is told if there is time for it, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.support.faces import Face
from tests.support.hub import Watcher, complete_or_told, update
from tests.support.leftovers import settled
from tests.support.scripted import Json, Request, ScriptedServer, Step
from tests.support.sockets import Peer, sockets
from vantage_sdk import AsyncS9SClient, S9SClient
from vantage_sdk.testing import instant_retries


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


with_tasks = pytest.mark.parametrize("face", ["asyncio", "trio"], indirect=True)


async def test_leaving_the_block_says_goodbye(face: Face) -> None:
    watcher = Watcher(3)
    with ScriptedServer(sockets(watcher.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                assert (await anext(updates)).sequence == 1
            assert updates.ended
            assert [item async for item in updates] == []
            await updates.aclose()
            assert watcher.left.wait(60)
    assert watcher.ends == [(1000, "")]


async def test_closing_before_it_began_sends_nothing(face: Face) -> None:
    with ScriptedServer([]) as server:
        async with face.s9s(server.url) as client:
            updates = client.events.subscribe("jobs")
            await updates.aclose()
            assert [item async for item in updates] == []
        assert server.connections == 0


def test_another_thread_can_close_it(watcher: Watcher) -> None:
    found: list[Any] = []
    with ScriptedServer(sockets(watcher.talk)) as server, S9SClient(server.url, "t", trust_env=False) as client:
        updates = client.events.subscribe("jobs")
        with updates:
            thread = threading.Thread(target=lambda: found.extend(updates))
            thread.start()
            assert watcher.ready.wait(60)
            updates.close()
            thread.join(60)
            assert not thread.is_alive()
        assert watcher.left.wait(60)
        assert client._sender.io._pool.open_connections == 0
    assert found == []


def test_another_thread_can_close_it_while_it_pauses() -> None:
    begun = threading.Event()

    def script(request: Request, connection: int) -> Step:
        begun.set()
        return Json(503, {}, {"Retry-After": "50"})

    with ScriptedServer(script) as server, S9SClient(server.url, "t", trust_env=False) as client:
        updates, found = client.events.subscribe("jobs"), list[Any]()
        thread = threading.Thread(target=lambda: found.extend(updates))
        thread.start()
        assert begun.wait(60)
        updates.close()
        thread.join(60)
        assert not thread.is_alive()
    assert found == []


def test_two_threads_share_what_comes() -> None:
    watcher, found = Watcher(40), list[int]()
    with ScriptedServer(sockets(watcher.talk)) as server, S9SClient(server.url, "t", trust_env=False) as client:
        with client.events.subscribe("jobs") as updates:

            def take() -> None:
                for item in updates:
                    found.append(item.sequence)  # type: ignore[union-attr, arg-type]

            threads = [threading.Thread(target=take) for _ in range(4)]
            for thread in threads:
                thread.start()
            settled(lambda: len(found) == 40, lambda: found)
            updates.close()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
    assert sorted(found) == [*range(1, 41)]


@with_tasks
async def test_another_task_can_close_it(face: Face, watcher: Watcher) -> None:
    found: list[Any] = []

    async def take(updates: Any) -> None:
        found.extend([item async for item in updates])

    with ScriptedServer(sockets(watcher.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                with anyio.fail_after(60):
                    async with anyio.create_task_group() as group:
                        group.start_soon(take, updates)
                        await anyio.sleep(0.05)
                        await updates.aclose()
        assert watcher.left.wait(60)
    assert found == []


@with_tasks
async def test_a_wait_that_is_cancelled_loses_nothing(face: Face) -> None:
    step = threading.Event()

    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 0})
        peer.wait(step)
        peer.send(update(1), update(2))
        peer.ended()

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                for _ in range(5):
                    with anyio.move_on_after(0.01) as scope:
                        await anext(updates)
                    assert scope.cancelled_caught
                step.set()
                assert [(await anext(updates)).resource_id for _ in range(2)] == ["1", "2"]
        assert server.connections == 1


@with_tasks
async def test_waits_that_are_cancelled_at_any_moment_lose_nothing(face: Face) -> None:
    """Also while it connects, fetches a state or answers a ping; on connections that break now and then."""
    total, published = 16, [0]

    def talk(peer: Peer) -> None:
        after = peer.receive().get("after", 0)
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": published[0]})
        for number in range(after + 1, total + 1):
            peer.send(update(number, sequence=number, previous=number - 1))
            published[0] = max(number, published[0])
            peer.ping()
            if number % 7 == 0:
                return
        peer.close(1000)

    found: list[Any] = []
    with ScriptedServer(sockets(talk)) as server, instant_retries():
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", after=0) as updates:
                turn = 0
                while not updates.ended:
                    turn += 1
                    with anyio.move_on_after(0.0005 * (turn % 8)):
                        if (item := await updates.poll(5)) is not None:
                            found.append(item)
    complete_or_told(found, [*range(1, total + 1)])


@with_tasks
@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.05])
async def test_a_task_that_is_cancelled_leaves_nothing_behind(face: Face, after: float) -> None:
    watcher = Watcher(2)

    async def take(client: Any) -> None:
        async with client.events.subscribe("jobs") as updates:
            async for _ in updates:
                pass

    with ScriptedServer(sockets(watcher.talk)) as server:
        async with face.s9s(server.url) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(take, client)
                await anyio.sleep(after)
                group.cancel_scope.cancel()
            settled(lambda: len(watcher.ends) == len(server.requests), lambda: watcher.ends)
            assert [pool.open_connections for pool in client._sender.io._carriers.values()] in ([], [0])
    gc.collect()


@pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")  # trio says so
async def test_one_that_is_forgotten_is_closed(face: Face) -> None:
    watcher = Watcher(2)
    with ScriptedServer(sockets(watcher.talk)) as server:
        async with face.s9s(server.url) as client:
            updates = client.events.subscribe("jobs")
            assert (await anext(updates)).sequence == 1
            del updates
            gc.collect()
            if not face.is_blocking:
                for _ in range(20):
                    await anyio.lowlevel.checkpoint()
            assert watcher.left.wait(60)


def test_an_event_loop_that_ends_closes_what_is_left() -> None:
    watcher = Watcher(2)
    kept: list[Any] = []

    async def main(url: str) -> None:
        client = AsyncS9SClient(url, "t", trust_env=False)
        async for item in client.events.subscribe("jobs"):
            kept.append(item)
            break

    with ScriptedServer(sockets(watcher.talk)) as server:
        asyncio.run(main(server.url))
        assert watcher.left.wait(60)
    gc.collect()
    assert len(kept) == 1


def test_a_blocking_client_works_inside_an_event_loop() -> None:
    """As in a notebook, whose event loop also finalizes what is forgotten there."""
    watcher = Watcher(2)

    async def cell(url: str) -> list[Any]:
        with S9SClient(url, "t", trust_env=False) as client:
            with client.events.subscribe("jobs") as updates:
                found = [next(updates)]
            forgotten = client.events.subscribe("jobs")
            return [*found, next(forgotten)]

    with ScriptedServer(sockets(watcher.talk)) as server:
        assert [item.sequence for item in asyncio.run(cell(server.url))] == [1, 1]
        settled(lambda: len(watcher.ends) == 2, lambda: watcher.ends)


@with_tasks
async def test_another_task_can_close_one_that_does_not_reconnect(face: Face, watcher: Watcher) -> None:
    found: list[Any] = []

    async def take(updates: Any) -> None:
        found.extend([item async for item in updates])
        found.append("ended")

    with ScriptedServer(sockets(watcher.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", reconnect=False, ping_interval=0.01) as updates:
                with anyio.fail_after(60):
                    async with anyio.create_task_group() as group:
                        group.start_soon(take, updates)
                        await anyio.sleep(0.05)
                        await updates.aclose()
    assert found == ["ended"]


def test_a_live_stream_takes_no_place_of_other_calls(watcher: Watcher) -> None:
    """More subscriptions than connections are allowed for calls, and calls beside them."""

    def rest(request: Request) -> Step:
        return Json(200, {"job_id": "1", "state": "X"})

    with ScriptedServer(sockets(watcher.talk, rest=rest)) as server:
        with S9SClient(server.url, "t", trust_env=False, max_connections=2) as client:
            streams = [client.events.subscribe("jobs") for _ in range(5)]
            for stream in streams:
                stream.__enter__()
            assert client.jobs.get("1", timeout=5).job_id == "1"
            for stream in streams:
                stream.close()


@with_tasks
async def test_a_live_stream_takes_no_place_of_other_calls_either(face: Face, watcher: Watcher) -> None:
    def rest(request: Request) -> Step:
        return Json(200, {"job_id": "1", "state": "X"})

    with ScriptedServer(sockets(watcher.talk, rest=rest)) as server:
        async with face.s9s(server.url, max_connections=2) as client:
            streams = [client.events.subscribe("jobs") for _ in range(5)]
            for stream in streams:
                await stream.__aenter__()
            assert (await client.jobs.get("1", timeout=5)).job_id == "1"
            for stream in streams:
                await stream.aclose()
