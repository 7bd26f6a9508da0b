"""What becomes of jobs of S9S, and what can be done to them."""

from __future__ import annotations

from typing import Any, get_args

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.backend import ClusterError
from mock_server.s9s.job_requests import Signal
from tests.server.s9s_calls import error, job, submit


def test_a_job_runs_and_ends(empty: MockServer, alone: httpx.Client) -> None:
    job_id = submit(alone, "echo hello; sleep 90; exit 3", cpus_per_node=2)
    empty.advance(1)
    empty.advance(60)
    found = job(alone, job_id)
    assert (found["state"], found["elapsed_time"], found["node_count"]) == ("RUNNING", "0:01:00", 1)
    assert found["end_time"] is found["exit_code"] is found["reason"] is None
    empty.run_until_idle()
    found = job(alone, job_id)
    assert (found["state"], found["elapsed_time"], found["exit_code"]) == ("FAILED", "0:01:30", 3)
    assert found["reason"] == "NonZeroExitCode"


def test_a_time_limit_has_a_state_of_its_own(empty: MockServer, alone: httpx.Client) -> None:
    job_id = submit(alone, "sleep 900", time_limit="10m")
    empty.run_until_idle()
    found = job(alone, job_id)
    assert (found["state"], found["reason"], found["elapsed_time"]) == ("TIMEOUT", "TimeLimit", "0:10:00")
    assert alone.get("/v1/jobs", params={"state": "timeout"}).json()["total"] == 1
    assert alone.get("/v1/jobs", params={"state": "failed"}).json()["total"] == 0


def test_cancelling_twice_is_fine_and_after_the_end_it_is_not(empty: MockServer, alone: httpx.Client) -> None:
    job_id, other = submit(alone), submit(alone, "true")
    for _ in range(2):
        answer = alone.delete(f"/v1/jobs/{job_id}")
        assert answer.json() == {"job_id": job_id, "state": "CANCELLED", "message": "Job cancelled successfully"}
        assert job(alone, job_id)["state"] == "CANCELLED"
    empty.run_until_idle()
    refused = alone.delete(f"/v1/jobs/{other}")
    assert error(refused) == (409, "RESOURCE_CONFLICT", None)
    assert refused.json()["error"]["message"] == "Job already completed"


def test_a_job_that_catches_the_signal_has_half_a_minute_unless_it_is_forced(
    empty: MockServer, alone: httpx.Client
) -> None:
    script = "#!/bin/sh\ntrap 'sleep 20; echo bye' TERM\nsleep 1000\n"
    patient, forced, killed = (submit(alone, script) for _ in range(3))
    empty.advance(1)
    alone.delete(f"/v1/jobs/{patient}")
    alone.delete(f"/v1/jobs/{forced}", params={"force": "true"})
    alone.delete(f"/v1/jobs/{killed}", params={"signal": "SIGKILL"})
    assert [job(alone, job_id)["state"] for job_id in (patient, forced, killed)] == [
        "RUNNING",
        "CANCELLED",
        "CANCELLED",
    ]
    empty.advance(30)
    assert job(alone, patient)["state"] == "CANCELLED"
    assert alone.get(f"/v1/jobs/{patient}/output").json()["lines"] == ["bye"]
    assert alone.get(f"/v1/jobs/{forced}/output").json()["lines"] == []


@pytest.mark.parametrize("query", [{"signal": "SIGWINK"}, {"signal": "9"}, {"force": "maybe"}, {"reason": "x"}])
def test_a_cancellation_has_known_words(s9s: httpx.Client, query: dict[str, str]) -> None:
    assert error(s9s.delete("/v1/jobs/12345", params=query)) == (400, "VALIDATION_ERROR", next(iter(query)))


def test_a_held_job_waits_until_it_is_released(empty: MockServer, alone: httpx.Client) -> None:
    job_id = submit(alone, hold=True, priority=10)
    empty.advance(10)
    assert [job(alone, job_id)[name] for name in ("state", "reason", "priority")] == ["PENDING", "JobHeldUser", 0]
    answer = alone.put(f"/v1/jobs/{job_id}/release").json()
    assert (answer["job_id"], answer["message"]) == (job_id, "Job released successfully")
    empty.advance(10)
    assert [job(alone, job_id)[name] for name in ("state", "priority")] == ["RUNNING", 10]
    held = alone.put(f"/v1/jobs/{job_id}/hold", json={"reason": "Debugging required"}).json()
    assert held == {
        "job_id": job_id,
        "state": "RUNNING",
        "message": "Job held successfully",
        "reason": "Debugging required",
    }
    assert alone.put(f"/v1/jobs/{job_id}/hold").json()["reason"] is None


def test_priority_puts_a_job_in_front(empty: MockServer, alone: httpx.Client) -> None:
    submit(alone, nodes=4, cpus_per_node=16)
    empty.advance(2)
    first, second = (
        submit(alone, "sleep 5", nodes=4, cpus_per_node=16),
        submit(alone, "sleep 5", nodes=4, cpus_per_node=16),
    )
    answer = alone.put(f"/v1/jobs/{second}/priority", json={"priority": 1500})
    assert answer.json() == {
        "job_id": second,
        "state": "PENDING",
        "message": "Job priority updated successfully",
        "priority": 1500,
    }
    empty.advance(5)
    assert [job(alone, job_id)["reason"] for job_id in (second, first)] == ["Resources", "Priority"]
    empty.run_until_idle()
    assert job(alone, second)["start_time"] < job(alone, first)["start_time"]


@pytest.mark.parametrize("action", ["hold", "release", "priority"])
def test_nothing_can_be_done_to_a_job_that_has_ended(s9s: httpx.Client, action: str) -> None:
    body = {"priority": 1} if action == "priority" else {}
    answer = s9s.put(f"/v1/jobs/12344/{action}", json=body)
    assert error(answer) == (409, "RESOURCE_CONFLICT", None)
    assert answer.json()["error"]["message"] == "Job already completed"
    assert error(s9s.put(f"/v1/jobs/99999/{action}", json=body))[:2] == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("body", [{}, {"priority": -1}, {"priority": "high"}, {"priority": 1.5}, {"priority": True}])
def test_a_priority_is_a_number_from_zero(s9s: httpx.Client, body: dict[str, Any]) -> None:
    assert error(s9s.put("/v1/jobs/12345/priority", json=body)) == (400, "VALIDATION_ERROR", "priority")


def test_a_fault_of_the_scheduler_has_a_word_of_its_own(
    server: MockServer, s9s: httpx.Client, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise ClusterError("Unable to contact slurm controller")

    monkeypatch.setattr(type(server.app.state.cluster), "submit", fail)
    answer = s9s.post("/v1/jobs", json={"script": "true"})
    assert error(answer) == (500, "SLURM_ERROR", None)
    assert answer.json()["error"]["message"] == "Unable to contact slurm controller"
    assert client.post("/v1/jobs", json={"name": "n", "command": "true"}).json()["error"] == "internal_error"
    server.faults.set("GET /v1/jobs: 500, 503")
    url = f"{server.s9s_url}/v1/jobs"
    assert [httpx.get(url).json()["error"]["code"] for _ in range(2)] == ["INTERNAL_ERROR", "SERVICE_UNAVAILABLE"]


@pytest.mark.parametrize("signal", get_args(Signal))
def test_every_signal_answers_cancelled(s9s: httpx.Client, signal: str) -> None:
    answer = s9s.delete("/v1/jobs/12345", params={"signal": signal})
    assert (answer.status_code, answer.json()["state"]) == (200, "CANCELLED")
