"""What jobs used and who may use what, on a site that keeps accounts; and on one that does not."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.consumption import UNMEASURED
from mock_server.cluster.slurm.rest import Rest
from tests.slurm.conftest import cluster
from tests.slurm.waiting import until
from tests.support.slurm import ACCOUNTED, ACCOUNTING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mock_server.cluster.job import Job
    from mock_server.cluster.slurm.cluster import SlurmCluster
    from tests.support.slurm import Site

BURNER = "#!/bin/sh\n( ulimit -t 2; while :; do :; done )\ntimes\n"
"""A shell is stopped for spending 2 CPU seconds; the outer one prints what both have used."""

SLEEPER = "#!/bin/sh\nsleep 2\n"
HOLDER = "#!/bin/sh\nx=$(head -c 50000000 /dev/zero | tr '\\0' x)\nsleep 3\n"


@pytest.fixture(scope="module")
def accounted() -> Iterator[Site]:
    """A site with slurmdbd, an account, a user of it and two qualities of service."""
    with cluster(*ACCOUNTING, accounting=True) as site:
        site.command("sacctmgr", "-i", "add", "qos", "high", "priority=100", "maxjobsperuser=5", "maxwall=1-0")
        site.command("sacctmgr", "-i", "add", "account", "physics", "fairshare=7")
        site.command("sacctmgr", "-i", "add", "user", site.account, "account=physics", "adminlevel=operator")
        site.command("sacctmgr", "-i", "modify", "user", site.account, "where", "account=physics", "set", "qos+=high")
        yield site


@pytest.fixture
def books(accounted: Site) -> Iterator[MockServer]:
    settings = accounted.settings(users={"user_456": accounted.account})
    with MockServer(slurm=settings, world="empty", rate_limits=False) as running:
        yield running


@pytest.fixture
def s9s(books: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=books.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        yield client


def _submit(client: httpx.Client, script: str, **fields: Any) -> str:
    answer = client.post("/v1/jobs", json={"script": script, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


def _measured(server: MockServer, job_id: str) -> Job:
    return until(
        lambda: server.cluster.job(job_id), lambda job: job.state.is_terminal and job.measured is not UNMEASURED
    )


def test_what_jobs_used(books: MockServer, s9s: httpx.Client) -> None:
    burner, sleeper = _submit(s9s, BURNER), _submit(s9s, SLEEPER, cpus_per_node=4)
    holder = _submit(s9s, HOLDER, memory="500MB")
    jobs = {job_id: _measured(books, job_id) for job_id in (burner, sleeper, holder)}
    said = " ".join(line.text for line in jobs[burner].log.lines if line.stream == "stdout")
    burned = sum(60 * int(minutes) + float(seconds) for minutes, seconds in re.findall(r"(\d+)m([\d.]+)s", said))
    assert burned > 1
    assert jobs[burner].measured.cpu_seconds == pytest.approx(burned, abs=0.2)
    assert (jobs[sleeper].measured.cpu_seconds or 0) < 0.2
    used = s9s.get(f"/v1/jobs/{burner}").json()["resources"]
    elapsed = (jobs[burner].ended_at or 0) - (jobs[burner].started_at or 0)
    assert used["cpu_efficiency"] == pytest.approx(
        min(1.0, (jobs[burner].measured.cpu_seconds or 0) / elapsed), abs=1e-3
    )
    assert s9s.get(f"/v1/jobs/{sleeper}").json()["resources"]["cpu_efficiency"] < 0.05
    held = s9s.get(f"/v1/jobs/{holder}").json()["resources"]
    assert 0.1 <= held["memory_efficiency"] < 0.4
    assert 50e6 <= (jobs[holder].measured.max_memory or 0) < 200e6
    report = s9s.get("/v1/metrics/efficiency").json()
    found = {job["job_id"]: job["cpu_efficiency"] for job in report["jobs"]}
    assert found[burner] == used["cpu_efficiency"] > found[sleeper]
    assert 0 < report["averages"]["cpu_efficiency"] < 1


def test_an_array_is_asked_about_as_one_and_remembered(accounted: Site, tmp_path: Path) -> None:
    settings = accounted.settings()
    with MockServer(slurm=settings, world="empty", rate_limits=False, state=tmp_path) as server:
        with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
            array = _submit(client, SLEEPER, array="0-7")
            tasks = [_measured(server, f"{array}_{task}") for task in range(8)]
        assert all(task.measured.cpu_seconds for task in tasks)
        assert _backend(server).accounting.calls < 3 + len(tasks)
    with MockServer(slurm=settings, world="empty", rate_limits=False, state=tmp_path) as server:
        again = [server.cluster.job(task.id).measured for task in tasks]
    assert again == [task.measured for task in tasks]


def test_what_a_job_used_before_it_was_requeued_counts(accounted: Site, books: MockServer, s9s: httpx.Client) -> None:
    job_id = _submit(s9s, "#!/bin/sh\n( ulimit -t 1; while :; do :; done )\necho burned\nsleep 100\n")
    until(lambda: s9s.get(f"/v1/jobs/{job_id}/output").json()["lines"], lambda lines: "burned" in lines)
    accounted.command("scontrol", "requeue", job_id)
    until(lambda: books.cluster.job(job_id).restarts, lambda restarts: restarts == 1)
    s9s.delete(f"/v1/jobs/{job_id}")
    # Of what ends by force Slurm knows only what it saw when it looked last.
    assert 0.2 < (_measured(books, job_id).measured.cpu_seconds or 0) < 1.5


def test_sacct_says_the_same_where_slurmrestd_does_not(
    accounted: Site, monkeypatch: pytest.MonkeyPatch, books: MockServer, s9s: httpx.Client
) -> None:
    job_id = _submit(s9s, BURNER)
    told = _measured(books, job_id).measured

    async def nothing(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(Rest, "slurmdb", nothing)
    with MockServer(slurm=accounted.settings(), world="empty", rate_limits=False) as other:
        assert _measured(other, job_id).measured == told
        assert list(_backend(other).qos) in (["normal"], ["normal", "high"])  # sacctmgr of 22.05 has no JSON


def test_a_job_that_slurm_has_forgotten_is_found(
    accounted: Site, monkeypatch: pytest.MonkeyPatch, books: MockServer, s9s: httpx.Client
) -> None:
    with httpx.Client(base_url=books.url, headers={"Authorization": "Bearer YOUR_API_KEY"}) as client:
        job_id = client.post("/v1/jobs", json={"name": "old", "command": "exit 3"}).json()["id"]
    array = _submit(s9s, "#!/bin/sh\ntrue\n", array="1-2", job_name="older")
    jobs = {key: _measured(books, key) for key in (job_id, f"{array}_1", f"{array}_2")}

    async def nothing(*_: object) -> list[Any]:
        return []

    monkeypatch.setattr(Rest, "jobs", nothing)
    with MockServer(slurm=accounted.settings(), world="empty", rate_limits=False) as other:
        with httpx.Client(base_url=other.url, headers={"Authorization": "Bearer YOUR_API_KEY"}) as client:
            found = client.get(f"/v1/jobs/{job_id}").json()
            assert (found["name"], found["status"], found["reason"]) == ("old", "failed", "NonZeroExitCode")
            assert found["exit_code"] in {3, None}  # 22.05 does not tell
            assert client.get(f"/v1/jobs/{job_id.removeprefix('job_')}").status_code == 404
            assert client.get("/v1/jobs/job_987654321").status_code == 404
        with httpx.Client(base_url=other.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
            tasks = client.get(f"/v1/jobs/{array}").json()
            assert (tasks["state"], tasks["array_task_id"]) == ("COMPLETED", "1,2")
        for key, job in jobs.items():
            again = _measured(other, key)
            assert again.ended_at == pytest.approx(job.ended_at, abs=1.0)
            assert again.measured == job.measured
            assert again.request.user_id == job.request.user_id
        assert not [event for event in other.cluster.events() if event.subject in jobs]


def test_accounting_that_is_away_is_waited_for(accounted: Site, books: MockServer, s9s: httpx.Client) -> None:
    known = _measured(books, _submit(s9s, "#!/bin/sh\ntrue\n"))
    accounted.end("slurmdbd")
    try:
        job_id = _submit(s9s, "#!/bin/sh\ntrue\n")
        until(lambda: s9s.get(f"/v1/jobs/{job_id}").json()["state"], lambda state: state == "COMPLETED")
        assert s9s.get(f"/v1/jobs/{job_id}").json()["resources"]["max_cpu_time"] is None
        assert s9s.get(f"/v1/jobs/{known.id}").status_code == 200
        unknown = s9s.get("/v1/jobs/987654")  # may have been before
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (503, "SLURM_ERROR")
    finally:
        accounted.up()
    assert _measured(books, job_id).measured.cpu_seconds
    assert s9s.get("/v1/jobs/987654").status_code == 404


def test_who_may_use_what(accounted: Site, books: MockServer, s9s: httpx.Client) -> None:
    backend = _backend(books)
    until(lambda: list(backend.qos), lambda names: names == ["normal", "high"])
    high = backend.qos["high"]
    assert (high.priority, high.max_jobs_per_user, high.max_wall) == (100, 5, 86_400.0)
    assert (backend.accounts["physics"].shares, backend.accounts["physics"].parent) == (7, "root")
    user = s9s.get("/v1/users/alice").json()
    assert (user["default_account"], user["admin_level"]) == ("physics", "operator")
    assert {each["partition"]: sorted(each["qos"]) for each in user["associations"]} == {
        "gpu": ["high", "normal"],
        "normal": ["high", "normal"],
    }
    job_id = _submit(s9s, "#!/bin/sh\ntrue\n", qos="high", account="physics")
    job = _measured(books, job_id)
    listed = json.loads(accounted.command("squeue", "--json", "-t", "all"))["jobs"]
    (record,) = [record for record in listed if str(record["job_id"]) == job_id]
    assert (record["qos"], record["account"]) == ("high", "physics") == (job.qos, job.account)
    unknown = s9s.post("/v1/jobs", json={"script": "true", "qos": "nowhere"})
    assert (unknown.status_code, unknown.json()["error"]["details"]["field"]) == (400, "qos")


def test_the_figures_of_the_cluster_are_those_of_slurm(accounted: Site, books: MockServer, s9s: httpx.Client) -> None:
    for fields in ({"cpus_per_node": 32}, {"cpus_per_node": 4}, {"partition": "gpu", "gpus": 3}, {"cpus_per_node": 32}):
        _submit(s9s, "#!/bin/sh\nsleep 100\n", **fields)
    held = _submit(s9s, "#!/bin/sh\ntrue\n")
    s9s.put(f"/v1/jobs/{held}/hold")
    until(lambda: _jobs(accounted).get("RUNNING", 0), lambda count: count >= 3)
    seen = until(
        lambda: s9s.get("/v1/metrics/cluster").json(),
        lambda seen: {word: count for word, count in seen["job_counts"].items() if count} == _jobs(accounted),
    )
    nodes = _nodes(accounted)
    words = Counter(_word(node["state"]).upper() for node in nodes)
    assert {word: count for word, count in seen["node_counts"].items() if count} == words
    assert seen["cluster_utilization"] == {
        "cpu_percent": round(100 * sum(node["alloc_cpus"] for node in nodes) / (4 * 32), 2),
        "memory_percent": round(100 * sum(node["alloc_memory"] for node in nodes) / (4 * 131072), 2),
        "gpu_percent": 37.5,
    }
    records = json.loads(accounted.command("squeue", "--json", "-t", "all"))["jobs"]
    waits = [_number(record["start_time"]) - _number(record["eligible_time"]) for record in records if record["nodes"]]
    found = _backend(books).statistics(0, 1e12)
    assert (found.started, found.submitted) == (len(waits), len(records))
    assert found.wait.mean == pytest.approx(sum(waits) / len(waits), abs=1.0)
    assert found.wait.max == pytest.approx(max(waits), abs=1.0)
    for record in records:
        s9s.delete(f"/v1/jobs/{record['job_id']}")


@pytest.mark.skipif(ACCOUNTED in os.environ, reason="every cluster has accounting here")
def test_without_accounting_nothing_is_made_up(server: MockServer, platform: httpx.Client) -> None:
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        job_id = _submit(client, "#!/bin/sh\nsleep 1\n", memory="1GB")
        until(lambda: client.get(f"/v1/jobs/{job_id}").json()["state"], lambda state: state == "COMPLETED")
        used = client.get(f"/v1/jobs/{job_id}").json()["resources"]
        assert used == {"gpu_utilization": 0.0, **dict.fromkeys(used.keys() - {"gpu_utilization"})}
        assert set(client.get("/v1/metrics/efficiency").json()["averages"]) <= {"gpu_utilization"}
        points = platform.get(f"/v1/monitoring/jobs/{job_id}/metrics").json()["metrics"]
        assert {point["cpu_percent"] for point in points} == {None}
        user = client.get("/v1/users/alice").json()
        assert (user["default_account"], user["associations"]) == ("default", [])
    until(lambda: _backend(server).accounting.is_there, lambda there: there is False)


def _backend(server: MockServer) -> SlurmCluster:
    slurm = server.app.state.slurm
    assert slurm is not None
    return slurm


def _jobs(site: Site) -> Counter[str]:
    records = json.loads(site.command("squeue", "--json", "-t", "all"))["jobs"]
    return Counter(_word(record["job_state"]) for record in records)


def _nodes(site: Site) -> list[dict[str, Any]]:
    """Return what Slurm says of its nodes; ``sinfo`` does not list them any more from 23.02 on."""
    told = json.loads(site.command("sinfo", "--json"))
    nodes = told.get("nodes") or json.loads(site.command("scontrol", "--json", "show", "nodes"))["nodes"]
    return list(nodes)


def _word(value: str | list[str]) -> str:
    """Return a state as older and newer Slurms write it."""
    return value if isinstance(value, str) else value[0]


def _number(value: int | dict[str, int]) -> int:
    return value["number"] if isinstance(value, dict) else value
