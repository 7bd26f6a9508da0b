"""Clients and event loops come and go in any order, without leaks and without noise."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import anyio
import pytest
import trio

from tests.support.scripted import Json, Request, ScriptedServer, Sse, Step, Wait
from vantage_sdk import AsyncVantageClient, VantageClient

Body = Callable[[], Coroutine[Any, Any, None]]
RUNS: dict[str, Callable[[Body], None]] = {"asyncio": lambda body: asyncio.run(body()), "trio": trio.run}


def script(request: Request, connection: int) -> Step:
    return Json(200, {"id": request.path.rpartition("/")[2], "status": "running"})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(script) as running:
        yield running


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[Body], None]]:
    """Run bodies in event loops of their own; afterwards nothing may be left, and no loop may have complained."""
    yield RUNS[request.param]
    gc.collect()
    assert [record for record in caplog.records if record.name in ("asyncio", "trio")] == []


def client_of(server: ScriptedServer, **settings: Any) -> AsyncVantageClient:
    return AsyncVantageClient("your-api-key", server.url, trust_env=False, **settings)


async def use(client: AsyncVantageClient, calls: int = 3) -> None:
    for number in range(calls):
        assert (await client.jobs.get(f"job-{number}")).id == f"job-{number}"


def test_a_client_that_is_never_closed_goes_with_its_loop(run: Any, server: ScriptedServer) -> None:
    for _ in range(3):

        async def body() -> None:
            await use(client_of(server))

        run(body)
        gc.collect()
    assert server.connections == 3


def test_all_connections_go_with_their_loop(run: Any) -> None:
    together = threading.Barrier(6)

    def slow(request: Request, connection: int) -> Step:
        together.wait(60)
        return script(request, connection)

    async def body() -> None:
        client = client_of(server)
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(client.jobs.get, "job-1")
        clients.append(client)

    clients: list[AsyncVantageClient] = []
    with ScriptedServer(slow) as server:
        run(body)
        assert server.connections == 6
        assert not any(carrier.open_connections for carrier in clients[0]._sender.io._carriers.values())
        for thread in list(server._threads):
            thread.join(60)
            assert not thread.is_alive()


def test_one_client_serves_one_loop_after_the_other(run: Any, server: ScriptedServer) -> None:
    client = client_of(server)
    for _ in range(3):
        run(lambda: use(client))
        assert not any(carrier.open_connections for carrier in client._sender.io._carriers.values())
    assert server.connections == 3


def test_one_client_serves_loops_of_both_kinds(server: ScriptedServer) -> None:
    client = client_of(server)
    for run in (*RUNS.values(), *RUNS.values()):
        run(lambda: use(client))


def test_one_client_serves_loops_in_several_threads(run: Any, server: ScriptedServer) -> None:
    client, failed, gate = client_of(server), list[BaseException](), threading.Barrier(8)

    def work() -> None:
        try:
            gate.wait(60)
            for _ in range(5):
                run(lambda: use(client, 2))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    assert failed == []


def test_pools_of_other_threads_appear_while_one_is_looked_up(server: ScriptedServer) -> None:
    """The loops a client knows change under the eyes of a thread that looks for ended ones."""
    client = client_of(server)
    known = client._sender.io._carriers

    class Ended:
        def is_closed(self) -> bool:
            known[other] = known.get(other)
            known.pop(self, None)
            return True

    class Other:
        pass

    other, ended = Other(), Ended()
    known[ended] = None
    asyncio.run(use(client))


def test_a_client_dropped_in_the_middle_takes_its_connections_along(run: Any, server: ScriptedServer) -> None:
    async def body() -> None:
        for _ in range(3):
            client = client_of(server)
            await use(client)
            del client
            gc.collect()
            assert server.connections == len(server._threads)
            await everything_closed(server)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # garbage in the middle of a loop may be mentioned
        run(body)


async def everything_closed(server: ScriptedServer) -> None:
    with anyio.fail_after(60):
        while any(thread.is_alive() for thread in server._threads):  # noqa: ASYNC110  no event tells
            await anyio.sleep(0.005)


def test_calls_under_way_when_a_loop_ends_are_dropped_quietly(server: ScriptedServer) -> None:
    never = threading.Event()

    async def body() -> None:
        client = client_of(slow)
        task = asyncio.create_task(client.jobs.get("job-1"))
        while not slow.requests:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.001)
        del task

    with ScriptedServer(lambda request, connection: [Wait(never)]) as slow:
        asyncio.run(body())
        gc.collect()
        never.set()


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "dropped"])
def test_a_half_read_log_ends_with_its_loop(run: Any, kept: bool) -> None:
    never = threading.Event()
    held: list[Any] = []

    async def body() -> None:
        client = client_of(slow)
        lines = aiter(client.jobs.logs_stream("job-1"))
        assert await anext(lines) == "one"
        if kept:
            held.append(lines)

    with ScriptedServer(lambda request, connection: [Sse(["one"], final=False), Wait(never)]) as slow:
        with warnings.catch_warnings():
            if run is trio.run:  # its own advice to close streams explicitly
                warnings.filterwarnings("ignore", "Async generator .* was garbage collected", ResourceWarning)
            run(body)
            held.clear()
            gc.collect()
        never.set()


def test_a_loop_closed_by_force_is_reported_with_the_place_of_the_client(server: ScriptedServer) -> None:
    loop = asyncio.new_event_loop()
    client: Any = AsyncVantageClient("your-api-key", server.url, trust_env=False)
    line = sys._getframe().f_lineno - 1
    loop.run_until_complete(use(client))
    loop.close()
    with warnings.catch_warnings(record=True) as warned, unraisable() as raised:
        warnings.simplefilter("always")
        del client, loop
        gc.collect()
    ours = [str(warning.message) for warning in warned if "unclosed client" in str(warning.message)]
    assert ours == [f"unclosed client made at {__file__}:{line}"]
    assert not any("Event loop is closed" in text for text in raised)


def test_a_loop_closed_by_force_does_not_keep_the_client_from_another(server: ScriptedServer) -> None:
    client = client_of(server)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(use(client))
    loop.close()
    with warnings.catch_warnings(), unraisable() as raised:
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(use(client))
        del loop
        gc.collect()
    assert raised == []


def test_an_unclosed_blocking_client_is_reported_with_its_place(server: ScriptedServer) -> None:
    client = VantageClient("your-api-key", server.url, trust_env=False)
    line = sys._getframe().f_lineno - 1
    client.jobs.get("job-1")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del client
        gc.collect()
    assert [str(warning.message) for warning in warned] == [f"unclosed client made at {__file__}:{line}"]


def test_a_client_that_was_never_used_needs_no_closing(server: ScriptedServer) -> None:
    for kind in (VantageClient, AsyncVantageClient):
        kind("your-api-key", server.url)
    gc.collect()


def test_a_blocking_client_works_inside_a_running_loop(run: Any, server: ScriptedServer) -> None:
    never = threading.Event()

    def log(request: Request, connection: int) -> Step | list[Step]:
        if request.path.endswith("/logs"):
            return [Sse(["one"], final=False), Wait(never)]
        return script(request, connection)

    async def body() -> None:
        with VantageClient("your-api-key", slow.url, trust_env=False) as client:
            assert client.jobs.get("job-1").id == "job-1"
            lines = client.jobs.logs_stream("job-1")
            assert next(lines) == "one"
            del lines
            gc.collect()
            assert client.jobs.get("job-2").id == "job-2"

    with ScriptedServer(log) as slow:
        run(body)
        never.set()


def test_closing_twice_is_fine(run: Any, server: ScriptedServer) -> None:
    async def body() -> None:
        client = client_of(server)
        await client.aclose()
        await use(client)
        await client.aclose()
        await client.aclose()
        await use(client)

    run(body)


class unraisable:
    """Collect the texts of exceptions that nobody can catch."""

    def __enter__(self) -> list[str]:
        self._usual, self._texts = sys.unraisablehook, list[str]()
        sys.unraisablehook = lambda event: self._texts.append(repr(event.exc_value))
        return self._texts

    def __exit__(self, *exc: object) -> None:
        sys.unraisablehook = self._usual
