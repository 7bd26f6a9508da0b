"""Many threads share a client, and make what is made on first use at the same moment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.support.scripted import Json, Request, ScriptedServer, Step, Wait
from vantage_sdk import ServerError, VantageClient, VantageConnectionError

THREADS = 64


def script(request: Request, connection: int) -> Step:
    return Json(200, {"id": request.path.rpartition("/")[2], "status": "running"})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(script) as running:
        yield running


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def together(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Run ``work`` in threads that start at the same moment; return the results or raise the first failure."""
    results: dict[int, Any] = {}
    failed: list[BaseException] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            gate.wait(30)
            results[number] = work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failed:
        raise failed[0]
    return [results[number] for number in range(count)]


def call(client: VantageClient, number: int, calls: int) -> int:
    for turn in range(calls):
        wanted = f"job-{number}-{turn}"
        assert client.jobs.get(wanted).id == wanted
    return calls


@pytest.mark.parametrize("limit", [1, 4, THREADS])
def test_a_client_serves_many_threads(limit: int, server: ScriptedServer) -> None:
    with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0, max_connections=limit) as client:
        assert together(lambda number: call(client, number, 5)) == [5] * THREADS
        assert client._sender.io._pool.open_connections <= limit
        assert client._sender.io._pool._waiting == 0
    assert server.connections <= limit
    assert len({request.path for request in server.requests}) == len(server.requests) == 5 * THREADS


def test_resources_are_made_at_the_same_moment(server: ScriptedServer) -> None:
    for _ in range(5):
        with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0) as client:
            made = together(lambda number: (client.jobs, client.clusters, client.with_raw))
            assert all(jobs.get("job-1").id == "job-1" for jobs, _, _ in made[:3])


def test_clients_are_made_used_and_closed_at_the_same_moment(server: ScriptedServer) -> None:
    def work(number: int) -> int:
        with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0) as client:
            return call(client, number, 2)

    assert sum(together(work)) == 2 * THREADS


def test_copies_share_the_connections(server: ScriptedServer) -> None:
    with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0, max_connections=4) as client:
        together(lambda number: call(client.with_options(timeout=10 + number), number, 2))
    assert server.connections <= 4


def test_a_client_closed_under_way_still_finishes_what_has_begun(server: ScriptedServer) -> None:
    client = VantageClient("your-api-key", server.url, trust_env=False, max_connections=8)

    def work(number: int) -> None:
        for turn in range(5):
            if number == 0:
                client.close()
            call(client, number * 100 + turn, 1)

    together(work, 16)
    client.close()
    assert client._sender.io._pool.open_connections == 0


def test_a_connection_in_use_while_the_client_is_closed_is_closed_when_it_comes_back() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def held(request: Request, connection: int) -> list[Step]:
        asked.set()
        return [Wait(go_on), Json(200, {"id": "job-1", "status": "running"})]

    with ScriptedServer(held) as server:
        client = VantageClient("your-api-key", server.url, trust_env=False)
        call_held = threading.Thread(target=client.jobs.get, args=("job-1",))
        call_held.start()
        asked.wait(60)
        client.close()
        go_on.set()
        call_held.join()
        assert client._sender.io._pool.open_connections == 0


def test_no_connection_is_lost_when_calls_fail() -> None:
    def flaky(request: Request, connection: int) -> Step:
        return Json(200, {"id": "job-1"}, {"Connection": "close"}) if request.number % 3 else Json(500, {"error": "no"})

    with ScriptedServer(flaky, drop=range(0, 1000, 7)) as server:
        client = VantageClient("your-api-key", server.url, trust_env=False, max_retries=0, max_connections=4)

        def work(number: int) -> None:
            for _ in range(4):
                with suppress(VantageConnectionError, ServerError):
                    client.jobs.get("job-1", timeout=30)

        together(work, 32)
        pool = client._sender.io._pool
        assert pool.open_connections == sum(map(len, pool._idle.values()))
        assert pool._waiting == 0
        client.close()
