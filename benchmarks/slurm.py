"""What the server costs in front of a real Slurm: python -m benchmarks.slurm [JOBS]

A cluster of its own is started on this machine and removed again.  Rates are of one run after another on the same cluster,
whose nodes are taken meanwhile, so that nothing but submitting goes on.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import httpx

from mock_server import MockServer
from tests.support.slurm import Site, missing
from vantage_sdk import VantageClient

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 200
POLL = 1.0
SUBMISSION: dict[str, Any] = {"environment": {"PATH": "/usr/bin:/bin"}, "standard_output": "/dev/null", "tasks": 1}


def rate(count: int, submit: Callable[[], object]) -> float:
    """Return how many times a second something can be done."""
    begun = time.perf_counter()
    for _ in range(count):
        submit()
    return count / (time.perf_counter() - begun)


class Raw:
    """A caller of slurmrestd who writes everything by hand, and counts calls."""

    def __init__(self, site: Site) -> None:
        token = site.command("scontrol", "token", f"username={site.account}").strip().partition("=")[2]
        headers = {"X-SLURM-USER-NAME": site.account, "X-SLURM-USER-TOKEN": token}
        self._client = httpx.Client(base_url=f"{site.url}/slurm/v0.0.38/", headers=headers, timeout=30)
        self._directory = str(site.directory)
        self.calls = 0

    def submit(self, name: str = "raw") -> int:
        self.calls += 1
        job = {**SUBMISSION, "name": name, "current_working_directory": self._directory}
        answer = self._client.post("job/submit", json={"script": "#!/bin/sh\ntrue\n", "job": job})
        number: int = answer.json()["job_id"]
        return number

    def active(self, numbers: set[int]) -> int:
        """Return how many of these jobs have not ended."""
        self.calls += 1
        jobs = self._client.get("jobs").json()["jobs"]
        return sum(job["job_id"] in numbers and job["job_state"] in {"PENDING", "RUNNING"} for job in jobs)

    def close(self) -> None:
        self._client.close()


def submitting(site: Site, client: VantageClient, raw: Raw, count: int) -> None:
    """Print the rates of three ways to submit."""
    blocker = client.jobs.submit({"name": "blocker", "command": "sleep 3600", "resources": {"cpus": 32}})
    other = client.jobs.submit({"name": "blocker", "command": "sleep 3600", "resources": {"cpus": 32}})
    client.jobs.wait(other.id, until=("running",), timeout=60, poll_interval=0.2)
    job = {"name": "sdk", "command": "true"}
    rates: dict[str, list[float]] = {"raw slurmrestd": [], "SDK and server": [], "sbatch": []}
    for _ in range(3):
        rates["raw slurmrestd"].append(rate(count // 3, raw.submit))
        rates["SDK and server"].append(rate(count // 3, lambda: client.jobs.submit(job)))
        rates["sbatch"].append(
            rate(count // 12, lambda: site.command("sbatch", "-o", "/dev/null", "--wrap", "true", "-J", "sbatch"))
        )
    best = {name: max(values) for name, values in rates.items()}
    for name, value in best.items():
        print(f"submit, {name:<16}{value:8.0f} /s  {value / best['raw slurmrestd']:5.2f} of raw")
    site.command("scancel", "--state=PENDING", "--partition=normal")
    client.jobs.cancel_batch([blocker.id, other.id])


def waiting(server: MockServer, client: VantageClient, raw: Raw, count: int) -> None:
    """Print how many calls it costs Slurm to submit many jobs and to wait for all of them."""
    rest = server.app.state.slurm.rest  # type: ignore[union-attr]
    before, begun = rest.calls, time.perf_counter()
    jobs = client.jobs.submit_many([{"name": "many", "command": "true"}] * count)
    done = client.jobs.wait_all(jobs, timeout=600)
    own, took = rest.calls - before, time.perf_counter() - begun
    assert {job.status for job in done} == {"completed"}, {(job.status, job.reason) for job in done}
    raw.calls, begun = 0, time.perf_counter()
    numbers = {raw.submit("poller") for _ in range(count)}
    while raw.active(numbers):
        time.sleep(POLL)
    by_hand, by_hand_took = raw.calls, time.perf_counter() - begun
    print(f"{count} jobs, submit_many and wait_all: {own} calls of Slurm, {took:.1f} s")
    print(f"{count} jobs, a poller by hand:         {by_hand} calls of Slurm, {by_hand_took:.1f} s")
    print(f"calls compared with the poller: {own / by_hand:.2f}")


def memory(server: MockServer, client: VantageClient, count: int) -> None:
    """Print how many bytes a finished job costs the server."""
    gc.collect()
    tracemalloc.start()
    known = len(server.cluster.jobs)
    client.jobs.wait_all(client.jobs.submit_many([{"name": "kept", "command": "true"}] * count), timeout=600)
    slurm = server.app.state.slurm
    assert slurm is not None
    gc.collect()
    kept = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(True, "*/mock_server/cluster/*"), tracemalloc.Filter(True, "*/mock_server/platform/*")]
    )
    tracemalloc.stop()
    size = sum(each.size for each in kept.statistics("filename"))
    print(
        f"memory for each of {len(server.cluster.jobs) - known} finished jobs: {size / count:.0f} bytes, events included"
    )


def main(count: int) -> int:
    if (reason := missing()) is not None:
        print(f"cannot be measured here: {reason}", file=sys.stderr)
        return 1
    site = Site()
    try:
        site.up()
        raw = Raw(site)
        with (
            MockServer(slurm=site.settings(), world="empty", rate_limits=False) as server,
            VantageClient(base_url=server.url, api_key="your-api-key") as client,
        ):
            submitting(site, client, raw, count)
            waiting(server, client, raw, count)
            memory(server, client, count)
        raw.close()
    finally:
        site.down()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else JOBS))
