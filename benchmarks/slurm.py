"""What the server costs in front of a real Slurm: python -m benchmarks.slurm [--jobs N] [submit] [wait] [memory]

A cluster of its own is started on this machine and removed again.  The server is a process of its own, as a user has it, and
all ratios are of one run.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.processes import run
from benchmarks.slurm_site import ByHand, Server
from tests.support.slurm import Site, missing
from vantage_sdk import VantageClient

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 1_000
ROUNDS = 5
THREADS = 8
POLL = 1.0
MADE_UP = 20_000


def rate(count: int, submit: Callable[[], object], threads: int = 1) -> float:
    """Return how many times a second something can be done, by so many threads at once."""
    begun = time.perf_counter()
    if threads == 1:
        for _ in range(count):
            submit()
    else:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(submit) for _ in range(count)]:
                done.result()
    return count / (time.perf_counter() - begun)


def submitting(site: Site, client: VantageClient, by_hand: ByHand, count: int) -> None:
    """Print the rates of three ways to submit, to nodes that are taken, so that nothing but submitting goes on."""
    blocker: dict[str, Any] = {"name": "blocker", "command": "sleep 3600", "resources": {"cpus": 32}}
    blockers = [client.jobs.submit(blocker) for _ in range(2)]
    for job in blockers:
        client.jobs.wait(job.id, until=("running",), timeout=60, poll_interval=0.2)
    ways: dict[str, Callable[[], object]] = {
        "slurmrestd by hand": by_hand.submit,
        "SDK and server": lambda: client.jobs.submit({"name": "sdk", "command": "true"}),
        "sbatch": lambda: site.command("sbatch", "-o", "/dev/null", "--wrap", "true", "-J", "sbatch"),
    }
    for threads in (1, THREADS):
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS):
            # Turning the order round keeps a drift of the machine from favouring anyone.
            for name in list(ways) if turn % 2 == 0 else reversed(list(ways)):
                share = count // ROUNDS // (4 if name == "sbatch" else 1)
                rates[name].append(rate(share, ways[name], threads))
            site.command("scancel", "--state=PENDING", "--partition=normal")
        first = rates["slurmrestd by hand"]
        for name, values in rates.items():
            ratios = sorted(value / other for value, other in zip(values, first, strict=True))
            middle = sorted(values)[ROUNDS // 2]
            print(
                f"submit, {threads} threads, {name:<19}{middle:6.0f} /s  {ratios[ROUNDS // 2]:.2f} of by hand",
                flush=True,
            )
    client.jobs.cancel_batch([job.id for job in blockers])


def waiting(site: Site, client: VantageClient, by_hand: ByHand, count: int) -> None:
    """Print how many calls it costs Slurm to submit many jobs and to wait for all of them."""
    before, begun = site.calls(), time.perf_counter()
    numbers = {by_hand.submit("poller") for _ in range(count)}
    while by_hand.active(numbers):
        time.sleep(POLL)
    poller, poller_took = site.calls() - before, time.perf_counter() - begun
    before, begun = site.calls(), time.perf_counter()
    jobs = client.jobs.submit_many([{"name": "many", "command": "true"}] * count)
    done = client.jobs.wait_all(jobs, timeout=600)
    own, took = site.calls() - before, time.perf_counter() - begun
    assert {job.status for job in done} == {"completed"}, {(job.status, job.reason) for job in done}
    print(f"{count} jobs, a poller by hand:         {poller} calls of Slurm, {poller_took:.1f} s")
    print(f"{count} jobs, submit_many and wait_all: {own} calls of Slurm, {took:.1f} s")
    print(f"calls compared with the poller: {own / poller:.2f}", flush=True)


def memory(server: Server, client: VantageClient, count: int) -> None:
    """Print what a finished job costs: many made-up ones in a process of their own, some real ones in the server's."""
    for way in ("traced", "resident"):
        size = float(run([sys.executable, "-m", "benchmarks.slurm_memory", str(MADE_UP), way]))
        print(
            f"memory, {way + ':':<10}{size:6.0f} bytes for each of {MADE_UP} finished jobs, events included", flush=True
        )
    template = {"name": "kept", "command": "true"}
    client.jobs.wait_all(client.jobs.submit_many([template] * (count // 4)), timeout=900)
    before = server.resident()
    client.jobs.wait_all(client.jobs.submit_many([template] * count), timeout=900)
    grown = server.resident() - before
    print(f"memory, server:   {grown / count:6.0f} bytes for each of {count} real ones, and what the last list took")


def main(parts: list[str], count: int) -> int:
    if (reason := missing()) is not None:
        print(f"cannot be measured here: {reason}", file=sys.stderr)
        return 1
    site = Site()
    try:
        site.up()
        by_hand = ByHand(site)
        with Server(site) as server, VantageClient(base_url=server.url, api_key="your-api-key") as client:
            if "submit" in parts:
                submitting(site, client, by_hand, count)
            if "wait" in parts:
                waiting(site, client, by_hand, count)
        if "memory" in parts:
            # Another one, that has no room left over from before.
            with Server(site) as server, VantageClient(base_url=server.url, api_key="your-api-key") as client:
                memory(server, client, 2 * count)
        by_hand.close()
    finally:
        site.down()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slurm", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="submit, wait or memory (default: all)")
    parser.add_argument("--jobs", type=int, default=JOBS, help="how many (default: %(default)s)")
    options = parser.parse_args()
    sys.exit(main(options.parts or ["submit", "wait", "memory"], options.jobs))
