"""The server beside peers: updates to many subscribers, lists and searches among very many jobs, memory of a job.

Run ``python -m benchmarks.services``.  Subscribers live in a process of their own; the peer is a server that does nothing but
``websockets.broadcast`` the same texts to as many.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from websockets.asyncio.server import broadcast, serve

from mock_server import MockServer
from mock_server.cluster.job import JobRequest, Resources

TOKEN = {"Authorization": "Bearer YOUR_TOKEN"}
COUNTS = (1, 100, 1000)
UPDATES = {1: 6000, 100: 600, 1000: 150}


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=100_000)
    options = parser.parse_args()
    for count in COUNTS:
        ours = [fan_out(count, UPDATES[count]) for _ in range(options.rounds)]
        peer = [peer_fan_out(count, UPDATES[count]) for _ in range(options.rounds)]
        line(f"updates/s to {count} subscribers", statistics.median(ours), statistics.median(peer))
    among_many(options.jobs, options.rounds)


def line(what: str, ours: float, peer: float) -> None:
    print(f"{what:<32} {ours:>10,.0f}   websockets.broadcast {peer:>10,.0f}   ratio {ours / peer:.2f}", flush=True)


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


def among_many(count: int, rounds: int) -> None:
    """Print what lists and searches take among so many finished jobs, and what one of these keeps in memory."""
    shape = Resources(64, 256 * 10**9, 8)
    with MockServer(world="documented", rate_limits=False, clock="manual", s9s_port=0) as server:
        server.app.state.cluster.add_cluster(  # type: ignore[attr-defined]
            id="c", name="bench", provider="aws", region="us-west-2", nodes=64, node_shape=shape
        )
        tracemalloc.start()
        for first in range(0, count, 1000):
            for number in range(first, first + 1000):
                server.cluster.submit(JobRequest(f"job {number}", "true", "user_456", cluster_id="c"))
            server.run_until_idle()
            if first == 19_000:
                print(
                    f"memory of a finished job, its events included: {tracemalloc.get_traced_memory()[0] / 20_000:,.0f} bytes"
                )
                tracemalloc.stop()
        with httpx.Client(base_url=server.s9s_url, headers=TOKEN, trust_env=False, timeout=120) as client:
            for what, path in (
                ("list of 100", "/v1/jobs?limit=100"),
                ("list of 100, deep", f"/v1/jobs?limit=100&offset={count // 2}"),
                ("list of 100 by state", "/v1/jobs?limit=100&state=COMPLETED"),
                ("search", "/v1/search?q=alice%20job%20777"),
                ("status, for comparison", "/v1/status"),
            ):
                client.get(path).raise_for_status()
                spent = [timed(client, path) for _ in range(10 * rounds)]
                print(f"{what} among {count:,} jobs: {statistics.median(spent) * 1000:.1f} ms", flush=True)


def timed(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
