"""The server beside peers: updates to many subscribers, lists and searches among very many jobs, memory of a job.

Subscribers live in a process of their own; the peer is a server that does nothing but
``websockets.broadcast`` the same texts to as many.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from websockets.asyncio.server import broadcast, serve

from benchmarks.report import Beside
from mock_server import MockServer
from mock_server.cluster.job import JobRequest, Resources

TOKEN = {"Authorization": "Bearer YOUR_TOKEN"}
UPDATES = {1: 6000, 100: 600, 1000: 150}
JOBS = 100_000
KEPT = 20_000
MOST = 3
"""Rounds that are worth their time."""


def measured(rounds: int, scale: float) -> list[Beside]:
    """Return the lines of the table."""
    rounds = min(rounds, MOST)
    lines: list[Beside] = []
    for count, updates in UPDATES.items():
        few = max(3, round(updates * scale) // 3 * 3)
        pairs = [(fan_out(count, few), peer_fan_out(count, few)) for _ in range(rounds)]
        name = f"updates to {count} subscriber{'s' if count > 1 else ''}, each"
        ours, theirs = zip(*pairs, strict=True)
        lines.append(Beside(name, "/s", ours, "websockets.broadcast", theirs, least=True))
    return lines + among_many(max(KEPT, round(JOBS * scale)), rounds)


@contextmanager
def subscribers(url: str, count: int, messages: int, subscription: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process in which so many sockets wait for so many messages each; it says when they listen and when they have them."""
    command = [sys.executable, "-m", "benchmarks.services_listener", url, str(count), str(messages), subscription]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield process


def fan_out(count: int, updates: int) -> float:
    """Return how many updates a second reach their subscribers, each counted for each of them."""
    with MockServer(world="empty", rate_limits=False, clock="manual", s9s_port=0) as server:
        url = server.s9s_url.replace("http", "ws") + "/v1/ws"
        asked = json.dumps({"action": "subscribe", "channel": "jobs"})
        with subscribers(url, count, updates, asked) as process:
            began = time.perf_counter()
            jobs = [server.cluster.submit(JobRequest("n", "true", "user_456")) for _ in range(updates // 3)]
            server.run_until_idle()  # each job is created, starts and ends
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
            assert len(jobs) * 3 == updates
            return count * updates / (time.perf_counter() - began)


def peer_fan_out(count: int, updates: int) -> float:
    """Return the same for a server that only sends."""

    async def run() -> float:
        text = json.dumps(
            {
                "channel": "jobs",
                "action": "update",
                "resource_id": "12345",
                "timestamp": "2023-12-15T14:35:00Z",
                "data": {"job_id": "12345", "state": "COMPLETED", "end_time": "2023-12-15T14:34:45Z", "exit_code": 0},
                "sequence": 1,
                "previous": 0,
            }
        )
        connections = set()

        async def handle(connection: object) -> None:
            connections.add(connection)
            await connection.recv()  # type: ignore[attr-defined]
            await connection.send(json.dumps({"action": "subscribed"}))  # type: ignore[attr-defined]
            await connection.wait_closed()  # type: ignore[attr-defined]

        async with serve(handle, "127.0.0.1", 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            context = subscribers(f"ws://127.0.0.1:{port}", count, updates, "{}")
            process = await asyncio.to_thread(context.__enter__)
            began = time.perf_counter()
            for number in range(updates):
                broadcast(connections, text)  # type: ignore[arg-type]
                if number % 20 == 0:
                    await asyncio.sleep(0)
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "done\n"
            spent = time.perf_counter() - began
            await asyncio.to_thread(context.__exit__, None, None, None)
        return count * updates / spent

    return asyncio.run(run())


def among_many(count: int, rounds: int) -> list[Beside]:
    """Return what lists and searches take among so many finished jobs, and what one of these keeps in memory."""
    shape = Resources(64, 256 * 10**9, 8)
    with MockServer(world="documented", rate_limits=False, clock="manual", s9s_port=0) as server:
        server.app.state.cluster.add_cluster(  # type: ignore[attr-defined]
            id="c", name="bench", provider="aws", region="us-west-2", nodes=64, node_shape=shape
        )
        size = filled(server, count)
        with httpx.Client(base_url=server.s9s_url, headers=TOKEN, trust_env=False, timeout=120) as client:
            lines = [
                Beside(f"{what} among {count:,} jobs", "ms", timed(client, path, 10 * rounds), goal=goal)
                for what, path, goal in (
                    ("list of 100", "/v1/jobs?limit=100", 10.0),
                    ("list of 100, deep", f"/v1/jobs?limit=100&offset={count // 2}", None),
                    ("list of 100 by state", "/v1/jobs?limit=100&state=COMPLETED", None),
                    ("search", "/v1/search?q=alice%20job%20777", None),
                    ("status, for comparison", "/v1/status", None),
                )
            ]
    return [*lines, Beside("memory of a finished job with its events", "bytes", [size])]


def filled(server: MockServer, count: int) -> float:
    """Let so many jobs run, and return how many bytes one of the first ``KEPT`` takes."""
    size = 0.0
    tracemalloc.start()
    for first in range(0, count, 1000):
        for number in range(first, first + 1000):
            server.cluster.submit(JobRequest(f"job {number}", "true", "user_456", cluster_id="c"))
        server.run_until_idle()
        if first + 1000 == KEPT:
            size = tracemalloc.get_traced_memory()[0] / KEPT
            tracemalloc.stop()
    return size


def timed(client: httpx.Client, path: str, times: int) -> list[float]:
    """Return what some requests took, in milliseconds; the first one is not counted."""
    client.get(path).raise_for_status()
    found: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        found.append(1000 * (time.perf_counter() - began))
    return found
