"""Thousands of calls leave as many descriptors, threads, tasks and bytes as a few."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from tests.support.effort import effort
from vantage_sdk import AsyncVantageClient, VantageAPIError, VantageClient

CALLS = effort(2_500, 5_000)
GROWTH = effort(12, 24) << 20
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what /proc lists")


@contextmanager
def fast_server(status: bytes = b"200 OK") -> Iterator[str]:
    """Answer every request with the same few bytes, on threads of this process that end with their connections."""
    body = b'{"id":"job-1","status":"running"}'
    reply = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threads: list[threading.Thread] = []

    def answer(sock: socket.socket) -> None:
        with sock:
            while data := sock.recv(1 << 16):
                sock.sendall(reply * data.count(b"\r\n\r\n"))

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=answer, args=(sock,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(60)


def counts() -> tuple[int, int]:
    gc.collect()
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def assert_no_more_than(before: tuple[int, int]) -> None:
    descriptors, threads = counts()
    assert descriptors == before[0]
    assert threads <= before[1]  # idle ones of earlier tests may end meanwhile


def memory() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def flat(some: Callable[[int], Any], total: int) -> None:
    """Do a part of the work, and check that the rest of it leaves nothing behind."""
    some(total // 10)
    before, used = counts(), memory()
    some(total - total // 10)
    assert_no_more_than(before)
    assert memory() - used < GROWTH


def test_blocking_calls_leave_nothing_behind() -> None:
    with fast_server() as url, VantageClient("your-api-key", url, trust_env=False) as client:

        def calls(number: int) -> None:
            for _ in range(number):
                client.jobs.get("job-1")

        flat(calls, CALLS)


def test_failed_calls_leave_nothing_behind() -> None:
    with fast_server(b"500 Oh No") as url, VantageClient("your-api-key", url, trust_env=False, max_retries=0) as client:

        def calls(number: int) -> None:
            for _ in range(number):
                with pytest.raises(VantageAPIError):
                    client.jobs.get("job-1")

        flat(calls, CALLS // 5)


def test_asynchronous_calls_leave_nothing_behind() -> None:
    async def body(url: str) -> None:
        async with AsyncVantageClient("your-api-key", url, trust_env=False) as client:

            async def calls(number: int) -> None:
                for _ in range(number // 50):
                    await asyncio.gather(*(client.jobs.get("job-1") for _ in range(50)))

            await calls(CALLS // 20)
            before, used = counts(), memory()
            await calls(CALLS // 2)
            assert len(asyncio.all_tasks()) == 1
            assert_no_more_than(before)
            assert memory() - used < GROWTH

    with fast_server() as url:
        asyncio.run(body(url))


def test_copies_of_a_client_leave_nothing_behind() -> None:
    with fast_server() as url, VantageClient("your-api-key", url, trust_env=False) as client:
        client.jobs.get("job-1")

        def copies(number: int) -> None:
            for turn in range(number):
                copy = client.with_options(timeout=turn + 1)
                assert copy._sender.io is client._sender.io
                if turn % 50 == 0:
                    copy.jobs.get("job-1")

        flat(copies, 5000)


def test_clients_made_and_closed_leave_nothing_behind() -> None:
    pools = WeakSet[Any]()
    with fast_server() as url:

        def clients(number: int) -> None:
            for _ in range(number):
                with VantageClient("your-api-key", url, trust_env=False) as client:
                    client.jobs.get("job-1")
                    pools.add(client._sender.io._pool)

        clients(5)
        gc.collect()
        used, descriptors = memory(), len(os.listdir("/proc/self/fd"))
        clients(300)
        gc.collect()
        assert len(pools) == 0
        assert memory() - used < GROWTH
        settle(descriptors)


def settle(descriptors: int) -> None:
    """Wait until the threads of the server have seen that their connections are closed."""
    for _ in range(500):
        if len(os.listdir("/proc/self/fd")) <= descriptors + 5:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{len(os.listdir('/proc/self/fd'))} descriptors are open, {descriptors} were before")


def test_a_crew_and_a_page_ahead_end_their_threads() -> None:
    with fast_server() as url, VantageClient("your-api-key", url, trust_env=False) as client:
        client.jobs.submit_many([{"name": "n", "command": "true"}] * 40)
        before = counts()
        for _ in range(20):
            client.jobs.submit_many([{"name": "n", "command": "true"}] * 40)
        assert counts()[1] <= before[1]
