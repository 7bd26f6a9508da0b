"""A cluster that is driven through Slurm's commands: what differs from slurmrestd must not be seen."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from tests.slurm.waiting import Gate, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.slurm.settings import SlurmSettings
    from tests.support.slurm import Site

ENDED = {"completed", "failed", "cancelled"}
FOR_MPI = ("HYDRA_", "I_MPI_", "OMPI_MCA_", "PRTE_MCA_")
"""What newer Slurms tell every job."""

STRANGE = "--uid=0,x='\"\\ $(id) `id`\nB=injected\t;ü"


@pytest.fixture
def platform(site: Site) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer YOUR_API_KEY"}
    with (
        MockServer(slurm=site.without_slurmrestd(timeout=5.0, settle=1.0), world="empty", rate_limits=False) as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=60) as client,
    ):
        yield client


def _submit(client: httpx.Client, key: str | None = None, **fields: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/v1/jobs", json={"name": "commands", **fields}, headers=headers)


def _ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    return until(lambda: client.get(f"/v1/jobs/{job_id}").json(), lambda job: job["status"] in ENDED)


def _listed(site: Site, name: str) -> list[dict[str, Any]]:
    return [
        job for job in json.loads(site.command("squeue", "-a", "--states=all", "--json"))["jobs"] if job["name"] == name
    ]


def test_a_job_gets_exactly_what_was_said(site: Site, platform: httpx.Client) -> None:
    script = '#!/bin/sh\n#SBATCH --job-name=other --hold\n#PBS -N other\nid -un\nprintf %s "$A"; echo; env | sort\n'
    created = _submit(platform, name=STRANGE.replace("\n", " "), command=script, environment={"A": STRANGE, "E": ""})
    assert created.status_code == 201, created.text
    job_id = created.json()["id"]
    assert _ended(platform, job_id)["status"] == "completed"
    lines = platform.get(f"/v1/jobs/{job_id}/logs").json()["lines"]
    assert lines[0] == site.account
    assert "\n".join(lines[1:3]) == STRANGE
    variables = [line for line in lines[3:] if not line.startswith(("SLURM", "A=", "B="))]
    names = {line.partition("=")[0] for line in variables}
    names = {name for name in names if not name.startswith(FOR_MPI)}
    assert names <= {"E", "ENVIRONMENT", "HOSTNAME", "PATH", "PWD", "TMPDIR", "VANTAGE_OUTPUT_DIRECTORY"}
    assert "E=" in variables
    assert f"SLURM_SUBMIT_DIR={site.directory}" in lines
    assert len(_listed(site, STRANGE.replace("\n", " "))) == 1


def _told(settings: SlurmSettings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return nodes and partitions, without what every moment changes."""
    with (
        MockServer(slurm=settings, world="empty", rate_limits=False) as server,
        httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client,
    ):
        nodes = {node["node_name"]: node for node in client.get("/v1/nodes").json()["nodes"]}
        partitions = {each["name"]: each for each in client.get("/v1/partitions").json()["partitions"]}
    for node in nodes.values():
        assert node.pop("cpu_load") >= 0
        assert node.pop("memory_free")
    for partition in partitions.values():
        # Not told by the commands of Slurm 22.05.
        del partition["default_time"], partition["max_time"], partition["priority"]
    return nodes, partitions


def test_both_ways_tell_the_same_of_nodes_and_partitions(site: Site) -> None:
    # Jobs of earlier tests may be on their way out.
    ways = (site.settings(), site.without_slurmrestd())
    first, second = until(lambda: [_told(settings) for settings in ways], lambda told: told[0] == told[1])
    assert first == second
    assert len(first[0]) == 4


def test_a_controller_that_is_away_loses_and_repeats_nothing(site: Site, platform: httpx.Client) -> None:
    gate = Gate(site.directory)
    running = _submit(platform, command=f"{gate.script}; echo there").json()["id"]
    until(lambda: platform.get(f"/v1/jobs/{running}").json()["status"], lambda status: status == "running")
    site.end_controller()
    try:
        refused = _submit(platform, "once", name="away", command="true")
        assert (refused.status_code, refused.json()["error"]) == (503, "service_unavailable")
        assert "Retry-After" in refused.headers
        # An empty list came back, with code 0; nothing follows from it.
        until(lambda: platform.get("/v1/jobs/job_987654").status_code, lambda status: status == 503)
        assert platform.get(f"/v1/jobs/{running}").json()["status"] == "running"
        gate.open()
    finally:
        site.up()
    again = until(lambda: _submit(platform, "once", name="away", command="true"), lambda answer: answer.is_success)
    assert _ended(platform, again.json()["id"])["status"] == "completed"
    assert _ended(platform, running)["status"] == "completed"
    assert len(_listed(site, "away")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act for another account")
def test_an_account_may_not_touch_what_is_another_ones(site: Site) -> None:
    mine = site.without_slurmrestd(users={"user_456": "daemon"}, operator=site.account)
    headers = {"Authorization": "Bearer YOUR_API_KEY"}
    with (
        MockServer(slurm=mine, world="empty") as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=60) as client,
    ):
        job_id = _submit(client, name="of daemon", command="id -un; sleep 100").json()["id"]
        until(lambda: client.get(f"/v1/jobs/{job_id}/logs").json()["lines"], lambda lines: lines == ["daemon"])
        answer = client.delete(f"/v1/jobs/{job_id}")
        assert answer.status_code == 403, answer.text
        site.command("scancel", job_id.removeprefix("job_"))
        assert _ended(client, job_id)["status"] == "cancelled"
