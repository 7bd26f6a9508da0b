"""What is large: an array of ten thousand tasks, and a log of a gigabyte."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.slurm.conftest import cluster
from tests.slurm.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mock_server import MockServer
    from tests.support.slurm import Site

ENDED = {"COMPLETED", "FAILED", "CANCELLED"}
TASKS = 10_000
GIGABYTE = 10**9


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A cluster that remembers ten thousand tasks; others would have to list them time and again."""
    with cluster() as running:
        yield running


def _job(client: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
    return job


def test_an_array_of_ten_thousand(s9s: httpx.Client, server: MockServer, site: Site) -> None:
    before = site.calls()
    sent = {"script": "true", "array": f"0-{TASKS - 1}", "hold": True}
    answer = s9s.post("/v1/jobs", json=sent, timeout=60)
    assert answer.status_code == 201, answer.text
    array = answer.json()["job_id"]
    assert len(server.cluster.jobs) >= TASKS
    until(lambda: _job(s9s, f"{array}_{TASKS - 1}")["reason"], lambda reason: reason == "JobHeldUser")
    assert _job(s9s, f"{array}_5000")["state"] == "PENDING"
    assert _job(s9s, f"{array}_{TASKS}").get("state") is None
    assert s9s.put(f"/v1/jobs/{array}/release", timeout=60).status_code == 200
    until(lambda: _job(s9s, f"{array}_{TASKS - 1}")["reason"], lambda reason: reason != "JobHeldUser")
    assert s9s.put(f"/v1/jobs/{array}/hold", timeout=60).status_code == 200
    assert s9s.delete(f"/v1/jobs/{array}", timeout=60).status_code == 200
    until(lambda: {job.state.value for job in server.cluster.jobs.values()}, lambda states: "running" not in states)
    # The answer waits for the end that Slurm shows, but not for ever.
    for task in (5000, TASKS - 1):
        until(lambda task=task: _job(s9s, f"{array}_{task}")["state"], lambda state: state == "CANCELLED")
    assert "CANCELLED" in site.command("scontrol", "show", "job", array)
    assert site.calls() - before < 400


def test_an_array_that_slurm_does_not_take(s9s: httpx.Client) -> None:
    answer = s9s.post("/v1/jobs", json={"script": "true", "array": "10000-10001"})
    assert answer.status_code in {400, 422}
    assert "array" in answer.text
    assert "MaxArraySize" in answer.text


@pytest.mark.parametrize("server", ["slurmrestd"], indirect=True)  # a log is a file, whoever tells of the job
def test_a_log_of_a_gigabyte(platform: httpx.Client, server: MockServer, site: Site) -> None:
    if shutil.disk_usage(site.directory).free < 3 * GIGABYTE:
        pytest.skip("there is no room for a log of a gigabyte")
    line = "x" * 99
    command = f"yes {line} | head -c {GIGABYTE}; echo the end; sleep 1; echo really"
    job = platform.post("/v1/jobs", json={"name": "large", "command": command}).json()["id"]
    file = Path(site.directory) / f"{job.removeprefix('job_')}.out"
    try:
        until(lambda: platform.get(f"/v1/jobs/{job}").json()["status"], lambda status: status == "completed", 300)
        lines = platform.get(f"/v1/jobs/{job}/logs", params={"tail": 2}, timeout=60).json()["lines"]
        assert lines == ["the end", "really"]
        log = server.cluster.jobs[job].log
        assert log.after(5_000_000)[0] == (5_000_001, log.after(5_000_000)[0].at, line, "stdout")
        assert log.lines[-1].number == GIGABYTE // 100 + 2
    finally:
        file.unlink(missing_ok=True)
