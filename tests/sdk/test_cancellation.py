"""Calls that are cancelled at any moment leave nothing behind: no held place in the pool, no open socket."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine, Generator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio

from tests.support.faces import Face
from tests.support.scripted import Chunked, Drip, Json, Request, ScriptedServer, Send, Sse, Step, Wait
from vantage_sdk import AsyncVantageClient

LIMIT = 4
JOB = Json(200, {"id": "job-1", "status": "running"})
TEMPLATE = {"name": "n", "command": "true", "environment": {"X": "x" * 200_000}}
MOMENTS = ["queued", "connecting", "sending", "head", "body"]


@pytest.fixture(params=["asyncio", "trio"])
def face(request: pytest.FixtureRequest) -> Face:
    return Face(request.param)


def pool_of(client: AsyncVantageClient) -> Any:
    (pool,) = client._sender.io._carriers.values()
    return pool


def holding(moment: str, release: threading.Event) -> ScriptedServer:
    """Serve ``/held`` so that callers are caught at one moment, and everything else at once."""

    def script(request: Request, connection: int) -> list[Step]:
        if request.path.endswith("/held"):
            if moment == "body":
                return [Send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"), Wait(release), Send(b" " * 999)]
            return [Wait(release), JOB]
        return [JOB]

    return ScriptedServer(script, read_body=lambda request: moment != "sending" or not request.path.endswith("/held"))


async def held(client: AsyncVantageClient, moment: str) -> None:
    if moment == "sending":
        await client.request("POST", "/held", json=TEMPLATE, max_retries=0)
    else:
        await client.request("GET", "/held", max_retries=0)


async def turns(number: int) -> None:
    for _ in range(number):
        await anyio.lowlevel.checkpoint()


async def still_serves(client: AsyncVantageClient, calls: int = 12) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(calls):
            group.start_soon(client.jobs.get, "job-1")
    pool = pool_of(client)
    assert pool.active == 0
    assert pool._gate.value == LIMIT
    assert pool.open_connections <= LIMIT


# how many turns of the event loop a call takes until it is at the moment; queued ones wait behind four others
TURNS = {"queued": 2, "connecting": 1, "sending": 6, "head": 8, "body": 14}


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_storm_of_cancelled_tasks_leaves_the_pool_whole(moment: str, twice: bool) -> None:
    release = threading.Event()

    async def storm(client: AsyncVantageClient) -> None:
        for _ in range(10):
            tasks = [asyncio.create_task(held(client, moment)) for _ in range(25)]
            await turns(TURNS[moment])
            if moment == "body":
                await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            if twice:
                await turns(1)
                for task in tasks:
                    task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, asyncio.CancelledError)
            pool = client._sender.io._carriers and pool_of(client)
            assert not pool or pool.active == 0

    async def body() -> None:
        async with AsyncVantageClient("your-api-key", server.url, max_connections=LIMIT, trust_env=False) as client:
            await storm(client)
            release.set()
            await still_serves(client)

    with holding(moment, release) as server:
        asyncio.run(body())
    gc.collect()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_storm_of_cancelled_scopes_leaves_the_pool_whole(face: Face, moment: str) -> None:
    release = threading.Event()
    with holding(moment, release) as server:
        async with face.client(server.url, max_connections=LIMIT) as client:
            for _ in range(10):
                async with anyio.create_task_group() as group:
                    for _ in range(25):
                        group.start_soon(held, client, moment)
                    await turns(TURNS[moment])
                    if moment == "body":
                        await anyio.sleep(0.01)
                    group.cancel_scope.cancel()
                assert pool_of(client).active == 0
            release.set()
            await still_serves(client)
    gc.collect()


class Cut:
    """Steps a coroutine of this task and cancels the task at the k-th suspension, and at the one after if told so."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], at: int, times: int) -> None:
        self._coroutine = coroutine
        self._points = range(at, at + times)
        self._count = 0

    @property
    def done(self) -> bool:
        return self._count >= self._points.start

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Any = self._coroutine.send
        value: Any = None
        while True:
            try:
                waited = step(value)
            except StopIteration as stop:
                return stop.value
            self._count += 1
            if self._count in self._points:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                step, value = self._coroutine.send, (yield waited)
            except BaseException as error:
                step, value = self._coroutine.throw, error


async def everything(client: AsyncVantageClient) -> list[str]:
    async with client.jobs.logs_stream("job-1", max_retries=0) as lines:
        return [line async for line in lines]


CALLS = {
    "a result": (JOB, lambda client: client.jobs.get("job-1")),
    "a slow result": (Drip(JOB, size=60, interval=0.001), lambda client: client.jobs.get("job-1")),
    "a submission": (JOB, lambda client: client.jobs.submit(TEMPLATE)),
    "a retry": (
        Json(503, {"error": "busy"}, {"Retry-After": "0"}),
        lambda client: client.jobs.get("job-1", max_retries=2),
    ),
    "a log": (Chunked([b"one\n", b"two\n"]), everything),
}


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_can_be_cancelled_wherever_it_waits(name: str, times: int) -> None:
    reply, call = CALLS[name]
    points = 0

    def script(request: Request, connection: int) -> Step:
        return (
            reply
            if request.path != "/v1/jobs/job-1" or name != "a log"
            else Json(200, {"id": "x", "status": "completed"})
        )

    async def body() -> None:
        nonlocal points
        async with AsyncVantageClient("your-api-key", server.url, max_connections=1, trust_env=False) as client:
            for at in range(1, 200):
                cut = Cut(call(client), at, times)
                try:
                    await asyncio.wait_for(asyncio.ensure_future(_run(cut)), 10)
                except asyncio.CancelledError:
                    assert cut.done
                except Exception:
                    assert not cut.done  # what the call itself comes to
                else:
                    assert not cut.done, "a cancellation was swallowed"
                assert pool_of(client).active == 0
                assert pool_of(client)._gate.value == 1
                if not cut.done:
                    return
                points += 1

    with ScriptedServer(script) as server:
        asyncio.run(body())
    gc.collect()
    assert points >= 3


async def _run(cut: Cut) -> Any:
    return await cut


def test_a_call_can_be_cancelled_at_every_checkpoint_of_trio() -> None:
    reached = 0

    class Countdown(trio.abc.Instrument):
        def __init__(self, scope: trio.CancelScope, task: Any, left: int) -> None:
            self.scope, self.task, self.left = scope, task, left

        def before_task_step(self, task: Any) -> None:
            if task is self.task:
                self.left -= 1
                if self.left == 0:
                    self.scope.cancel()

    async def body() -> None:
        nonlocal reached
        client = AsyncVantageClient("your-api-key", server.url, max_connections=1, trust_env=False)
        async with client:
            for at in range(1, 200):
                with trio.CancelScope() as scope:
                    counter = Countdown(scope, trio.lowlevel.current_task(), at)
                    trio.lowlevel.add_instrument(counter)
                    try:
                        await client.jobs.submit(TEMPLATE)
                    finally:
                        trio.lowlevel.remove_instrument(counter)
                assert not client._sender.io._carriers or pool_of(client).active == 0
                if counter.left > 0:
                    break
                reached = at
            assert pool_of(client)._gate.value == 1

    with ScriptedServer(lambda request, connection: JOB) as server:
        trio.run(body)
    gc.collect()
    assert reached >= 3


async def test_closing_a_client_while_a_call_is_on_its_way_leaves_no_socket_open(face: Face) -> None:
    release = threading.Event()
    with holding("head", release) as server:
        client = face.client(server.url, max_connections=LIMIT)
        async with anyio.create_task_group() as group:
            group.start_soon(held, client, "head")
            while not server.requests:  # noqa: ASYNC110  no event tells
                await anyio.sleep(0.001)
            await client.aclose()
            release.set()
    gc.collect()


async def test_a_stream_left_half_read_gives_its_connection_back(face: Face) -> None:
    go = threading.Event()
    with ScriptedServer(lambda request, connection: [Sse(["one", "two"], final=False), Wait(go)]) as server:
        async with face.client(server.url, max_connections=1) as client:
            for _ in range(5):
                async with client.jobs.logs_stream("job-1") as lines:
                    assert await anext(lines) == "one"
                assert pool_of(client).active == 0
        go.set()
