"""Arrays, dependencies, holding, priorities, gangs and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.job import JobRequest, Resources
from tests.slurm.waiting import Gate, until

if TYPE_CHECKING:
    import httpx

    from mock_server import MockServer

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}


def _submit(client: httpx.Client, script: str = "true", **fields: Any) -> str:
    answer = client.post("/v1/jobs", json={"script": script, **fields})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def _job(client: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
    return job


def _ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    return until(lambda: _job(client, job_id), lambda job: job["state"] in ENDED)


def test_the_tasks_of_an_array_are_jobs_of_their_own(s9s: httpx.Client) -> None:
    array = _submit(s9s, "#!/bin/sh\necho task $SLURM_ARRAY_TASK_ID\nexit $((SLURM_ARRAY_TASK_ID == 3))", array="1-3%2")
    assert _ended(s9s, array)["state"] == "FAILED"
    states = [_ended(s9s, f"{array}_{task}")["state"] for task in (1, 2, 3)]
    assert states == ["COMPLETED", "COMPLETED", "FAILED"]
    assert s9s.get(f"/v1/jobs/{array}_2/output").json()["lines"] == ["task 2"]


def test_an_array_is_cancelled_as_a_whole_and_task_by_task(s9s: httpx.Client) -> None:
    array = _submit(s9s, "sleep 100", array="0-5%1")
    until(lambda: _job(s9s, f"{array}_0")["state"], lambda state: state == "RUNNING")
    assert s9s.delete(f"/v1/jobs/{array}_4").status_code == 200
    assert _ended(s9s, f"{array}_4")["state"] == "CANCELLED"
    assert _job(s9s, f"{array}_5")["state"] == "PENDING"
    assert s9s.delete(f"/v1/jobs/{array}").status_code == 200
    assert {_ended(s9s, f"{array}_{task}")["state"] for task in range(6)} == {"CANCELLED"}


def test_tasks_of_an_array_are_held_and_released(s9s: httpx.Client) -> None:
    blocker = _submit(s9s, "sleep 100", nodes=2, cpus_per_node=32)
    until(lambda: _job(s9s, blocker)["state"], lambda state: state == "RUNNING")
    array = _submit(s9s, "true", array="0-2")
    assert s9s.put(f"/v1/jobs/{array}_1/hold").status_code == 200
    assert s9s.put(f"/v1/jobs/{array}/hold").status_code == 200
    assert [_job(s9s, f"{array}_{task}")["reason"] for task in range(3)] == ["JobHeldUser"] * 3
    assert s9s.put(f"/v1/jobs/{array}/release").status_code == 200
    assert s9s.delete(f"/v1/jobs/{blocker}").status_code == 200
    assert {_ended(s9s, f"{array}_{task}")["state"] for task in range(3)} == {"COMPLETED"}


def test_a_job_waits_for_the_one_it_depends_on(s9s: httpx.Client, server: MockServer) -> None:
    gate = Gate.of(server)
    first = _submit(s9s, gate.script)
    second = _submit(s9s, "true", dependencies=[{"type": "afterok", "job_id": first}])
    waiting = until(lambda: _job(s9s, second), lambda job: job["reason"] is not None)
    assert (waiting["state"], waiting["reason"]) == ("PENDING", "Dependency")
    gate.open()
    assert _ended(s9s, second)["start_time"] >= _job(s9s, first)["end_time"]


def test_a_dependency_that_fails_is_never_satisfied(s9s: httpx.Client) -> None:
    first = _submit(s9s, "exit 1")
    second = _submit(s9s, "true", dependencies=[{"type": "afterok", "job_id": first}])
    until(lambda: _job(s9s, second)["reason"], lambda reason: reason == "DependencyNeverSatisfied")
    assert s9s.delete(f"/v1/jobs/{second}").status_code == 200
    assert _job(s9s, second)["state"] == "CANCELLED"


def test_a_held_job_starts_when_it_is_released(s9s: httpx.Client) -> None:
    held = _submit(s9s, "true", hold=True)
    job = until(lambda: _job(s9s, held), lambda job: job["reason"] is not None)
    assert (job["state"], job["reason"]) == ("PENDING", "JobHeldUser")
    assert s9s.put(f"/v1/jobs/{held}/release").status_code == 200
    assert _ended(s9s, held)["state"] == "COMPLETED"
    assert s9s.put(f"/v1/jobs/{held}/hold").status_code == 409


def test_what_waits_is_held_and_given_a_priority(s9s: httpx.Client, server: MockServer) -> None:
    blocker = _submit(s9s, "sleep 100", nodes=2, cpus_per_node=32)
    until(lambda: _job(s9s, blocker)["state"], lambda state: state == "RUNNING")
    waiting = _submit(s9s, "true")
    until(lambda: _job(s9s, waiting)["reason"], lambda reason: reason in {"Resources", "Priority"})
    assert s9s.put(f"/v1/jobs/{waiting}/priority", json={"priority": 4321}).status_code == 200
    assert s9s.put(f"/v1/jobs/{waiting}/hold", json={"reason": "later"}).status_code == 200
    assert _job(s9s, waiting)["reason"] == "JobHeldUser"
    assert s9s.put(f"/v1/jobs/{waiting}/release").status_code == 200
    kinds = [event.kind for event in server.cluster.events() if event.subject == waiting]
    assert [kind for kind in kinds if kind in {"job.priority", "job.held", "job.released"}] == [
        "job.priority",
        "job.held",
        "job.released",
    ]
    assert s9s.delete(f"/v1/jobs/{blocker}").status_code == 200
    assert _ended(s9s, waiting)["state"] == "COMPLETED"


@pytest.mark.parametrize(
    "command",
    ["echo member $SLURM_PROCID", "#!/usr/bin/env python3\nimport os\nprint('member', os.environ['SLURM_PROCID'])"],
)
def test_a_gang_starts_all_its_members(server: MockServer, command: str) -> None:
    job = server.cluster.submit(JobRequest("gang", command, "user_456", resources=Resources(2, 10**9), gang=3))
    until(lambda: server.cluster.job(job.id).state.is_terminal, bool)
    assert sorted(line.text for line in server.cluster.job(job.id).log.lines) == [f"member {n}" for n in range(3)]


def test_a_node_is_drained_and_comes_back(s9s: httpx.Client) -> None:
    assert s9s.put("/v1/nodes/cpu002/drain", json={"reason": "new disk"}).status_code == 200
    node = s9s.get("/v1/nodes/cpu002").json()
    assert (node["state"], node["reason"]) == ("DRAIN", "new disk")
    assert s9s.put("/v1/nodes/cpu002/resume").status_code == 200
    until(lambda: s9s.get("/v1/nodes/cpu002").json()["state"], lambda state: state == "IDLE")
    assert s9s.get("/v1/nodes/nothere").status_code == 404


def test_a_signal_reaches_a_job_and_events_have_no_gaps(s9s: httpx.Client, server: MockServer) -> None:
    job_id = _submit(s9s, "#!/bin/sh\ntrap 'echo caught; exit 0' USR1\necho ready\nwhile :; do sleep 0.1; done")
    until(lambda: s9s.get(f"/v1/jobs/{job_id}/output").json()["lines"], lambda lines: lines == ["ready"])
    assert s9s.delete(f"/v1/jobs/{job_id}", params={"signal": "SIGUSR1"}).status_code == 200
    _ended(s9s, job_id)
    sequence = [event.sequence for event in server.cluster.events()]
    assert sequence == list(range(1, len(sequence) + 1))
