"""Parts of Slurm that are away for a while: nothing is lost and nothing runs twice, and what is said is true."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.slurm.conftest import SETTLE
from tests.slurm.waiting import Gate, until
from tests.support.faces import FACES, Face
from tests.support.slurm import Site

SERVICE = {"job_type": "batch", "image": "any", "config": {"command": "true"}}


@pytest.fixture
def server(fragile: Site) -> Iterator[MockServer]:
    with MockServer(
        slurm=fragile.settings(settle=SETTLE, longest_pause=1.0), world="empty", rate_limits=False
    ) as running:
        yield running


@pytest.fixture
def s9s(server: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}, timeout=30) as client:
        yield client


@pytest.fixture
def running(fragile: Site, s9s: httpx.Client) -> Iterator[Callable[[str], str]]:
    """Submit a script and wait until it runs; at the end the cluster is whole again."""

    def run(script: str) -> str:
        job_id = _submitted(s9s, script)
        until(lambda: _job(s9s, job_id)["state"], lambda state: state == "RUNNING")
        return job_id

    try:
        yield run
    finally:
        fragile.up()


def _submitted(s9s: httpx.Client, script: str, name: str = "job") -> str:
    answer = s9s.post("/v1/jobs", json={"script": script, "name": name})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def _job(s9s: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = s9s.get(f"/v1/jobs/{job_id}").json()
    return job


def _completed(site: Site, s9s: httpx.Client, job_id: str) -> dict[str, Any]:
    """Wait for a job; one that Slurm gives back would wait for two minutes before it starts again."""

    waits = False

    def look() -> dict[str, Any]:
        nonlocal waits
        job = _job(s9s, job_id)
        waited, waits = waits, job["reason"] == "BeginTime"
        if waits and not waited:  # else it may have started meanwhile
            site.command("scontrol", "update", f"jobid={job_id}", "starttime=now")
        return job

    return until(look, lambda job: job["state"] == "COMPLETED")


def _kinds(server: MockServer, subject: str) -> list[str]:
    kinds = [event.kind for event in server.cluster.events() if event.subject == subject]
    return [kind for kind in kinds if kind not in {"job.updated", "job.log"}]


def _lines(s9s: httpx.Client, job_id: str) -> list[str]:
    lines: list[str] = s9s.get(f"/v1/jobs/{job_id}/output").json()["lines"]
    return lines


def test_munged_is_away(fragile: Site, server: MockServer, s9s: httpx.Client, running: Callable[[str], str]) -> None:
    gate = Gate(fragile.directory)
    before = running(f"echo begun; {gate.script}; echo ended")
    fragile.end("munged")
    # Whoever has a token is answered; nodes cannot be reached, and commands of the server's own account fail.
    meanwhile = _submitted(s9s, "echo late")
    refused = s9s.put("/v1/nodes/cpu002/drain", json={"reason": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SLURM_ERROR")
    assert "Retry-After" in refused.headers
    assert str(fragile.state) not in refused.text
    gate.open()
    fragile.up()
    assert _completed(fragile, s9s, before)["exit_code"] == 0
    assert _completed(fragile, s9s, meanwhile)["exit_code"] == 0
    assert (_lines(s9s, before), _lines(s9s, meanwhile)) == (["begun", "ended"], ["late"])
    assert _kinds(server, before) == ["job.created", "job.started", "job.completed"]
    assert s9s.put("/v1/nodes/cpu002/drain", json={"reason": "x"}).status_code == 200
    assert s9s.put("/v1/nodes/cpu002/resume").status_code == 200


def test_slurmrestd_is_away(
    fragile: Site, server: MockServer, s9s: httpx.Client, running: Callable[[str], str]
) -> None:
    gate = Gate(fragile.directory)
    before = running(gate.script)
    fragile.end("slurmrestd")
    with httpx.Client(base_url=server.url) as client:
        client.headers["Authorization"] = "Bearer YOUR_API_KEY"
        platform = client.post("/v1/jobs", json={"name": "x", "command": "true"})
        service = client.post("/api/v1/jobs/", json=SERVICE, headers={"Authorization": "Bearer <token>"})
    other = s9s.post("/v1/jobs", json={"script": "true"})
    for answer in (platform, service, other):
        assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1) == (503, True), answer.text
        assert "slurmrestd cannot be reached" in answer.text
    assert platform.json()["error"] == "service_unavailable"
    assert service.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert other.json()["error"]["code"] == "SLURM_ERROR"
    assert _job(s9s, before)["state"] == "RUNNING"
    gate.open()
    until(lambda: fragile.command("squeue", "-h"), lambda text: not text.strip())
    fragile.up()
    assert _completed(fragile, s9s, before)["exit_code"] == 0
    assert _kinds(server, before) == ["job.created", "job.started", "job.completed"]


async def _patient(server: MockServer, face: Face) -> None:
    name = f"patient-{face.name}"
    async with face.s9s(server.s9s_url, max_retries=100, deadline=90.0) as client:
        sent = await client.jobs.submit(script="true", name=name, idempotency_key=name)
        done = await client.jobs.wait(sent.job_id, poll_interval=0.2, timeout=60.0)
        assert done.state == "COMPLETED"


def test_a_controller_is_away_for_longer_than_an_attempt(fragile: Site, server: MockServer) -> None:
    """What the SDK does by itself, given a deadline: it asks again until there is an answer, on all faces at once."""

    def refused() -> set[str | None]:
        return {record.idempotency_key for record in server.journal if record.status == 503}

    names = {f"patient-{name}" for name in FACES}
    fragile.end("slurmctld")
    with ThreadPoolExecutor() as pool:
        try:
            runs = [pool.submit(face.run, partial(_patient, server, face)) for face in map(Face, FACES)]
            until(refused, lambda found: found >= names)
        finally:
            fragile.up()
        for run in runs:
            run.result()
    listed = json.loads(fragile.command("squeue", "-a", "-t", "all", "--json"))["jobs"]
    assert sorted(job["name"] for job in listed if job["name"] in names) == sorted(names)


def test_a_node_is_declared_down_under_its_job(
    fragile: Site, server: MockServer, s9s: httpx.Client, running: Callable[[str], str]
) -> None:
    job_id = running("echo run; [ $SLURM_RESTART_COUNT ] || sleep 60")
    node = server.cluster.job(job_id).node_names[0]
    assert s9s.put(f"/v1/nodes/{node}/state", json={"state": "DOWN", "reason": "burnt"}).status_code == 200
    until(lambda: _job(s9s, job_id)["state"], lambda state: state == "PENDING")
    assert _completed(fragile, s9s, job_id)["exit_code"] == 0
    assert server.cluster.job(job_id).restarts == 1
    kinds = ["job.created", "job.started", "job.requeued", "job.started", "job.completed"]
    assert _kinds(server, job_id) == kinds
    down = [event for event in server.cluster.events() if event.kind == "node.down"]
    assert [(event.subject, event.data["reason"]) for event in down] == [(node, "burnt")]


def test_a_node_that_does_not_answer_gives_its_job_back(
    fragile: Site, server: MockServer, s9s: httpx.Client, running: Callable[[str], str]
) -> None:
    job_id = running("[ $SLURM_RESTART_COUNT ] || sleep 60")
    node = server.cluster.job(job_id).node_names[0]
    fragile.end("slurmd", node)
    until(lambda: _job(s9s, job_id)["state"], lambda state: state == "PENDING")
    until(lambda: s9s.get(f"/v1/nodes/{node}").json()["state"], lambda state: state == "DOWN")
    assert "node.down" in _kinds(server, node)
    fragile.up()
    until(lambda: s9s.get(f"/v1/nodes/{node}").json()["state"], lambda state: state == "IDLE")
    assert _completed(fragile, s9s, job_id)["exit_code"] == 0
    assert _kinds(server, job_id).count("job.requeued") == 1


def test_a_job_that_may_not_run_again_ends_with_its_node(fragile: Site, server: MockServer, s9s: httpx.Client) -> None:
    """Those of the server may; this one came to the cluster past it."""
    job_id = fragile.command("sbatch", "--parsable", "--no-requeue", "-o", "/dev/null", "--wrap", "sleep 60").strip()
    until(lambda: _job(s9s, job_id).get("state"), lambda state: state == "RUNNING")
    node = server.cluster.job(job_id).node_names[0]
    assert s9s.put(f"/v1/nodes/{node}/state", json={"state": "DOWN", "reason": "burnt"}).status_code == 200
    done = until(lambda: _job(s9s, job_id), lambda job: job["state"] != "RUNNING")
    assert (done["state"], done["exit_code"]) == ("NODE_FAIL", None)
    job = server.cluster.job(job_id)
    assert (job.state.value, job.reason) == ("failed", "NodeFail")
    assert _kinds(server, job_id)[-1] == "job.failed"
    until(lambda: s9s.get(f"/v1/nodes/{node}").json()["state"], lambda state: state == "IDLE")
