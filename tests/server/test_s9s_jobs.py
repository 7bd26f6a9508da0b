"""Listing, submitting, cancelling, holding and ordering jobs as S9S has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.backend import ClusterError
from mock_server.s9s.job_requests import Signal

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKER = {"job_name": "blocker", "script": "sleep 1000", "partition": "cpu", "nodes": 2, "cpus_per_node": 32}


@pytest.fixture
def empty(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


@pytest.fixture
def alone(empty: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of a server on which nothing runs but what the test submits."""
    client = make_client(empty, key="YOUR_TOKEN")
    client.base_url = httpx.URL(empty.s9s_url)
    return client


def submit(client: httpx.Client, script: str = "sleep 100", **fields: Any) -> str:
    answer = client.post("/v1/jobs", json={"script": script, **fields})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def job(client: httpx.Client, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
    return found


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    refusal = answer.json()["error"]
    return answer.status_code, refusal["code"], refusal["details"].get("field")


def test_the_newest_come_first(s9s: httpx.Client) -> None:
    times = [job["submit_time"] for job in s9s.get("/v1/jobs").json()["jobs"]]
    assert times == sorted(times, reverse=True)
    assert len(times) > 5


def test_jobs_of_all_families_are_there(server: MockServer, s9s: httpx.Client) -> None:
    jobs = {job["job_id"]: job for job in s9s.get("/v1/jobs").json()["jobs"]}
    assert jobs.keys() == server.cluster.jobs.keys()
    assert {"12345", "job_123", "job-12345", "job-abc123"} <= jobs.keys()
    assert {job["state"] for job in jobs.values()} >= {"RUNNING", "COMPLETED", "FAILED"}
    assert (jobs["job_123"]["user"], jobs["job_123"]["nodes"]) == (
        "alice",
        list(server.cluster.job("job_123").node_names),
    )


def test_filters_take_what_they_say(s9s: httpx.Client) -> None:
    everything = s9s.get("/v1/jobs").json()["jobs"]
    for name, value, field in (
        ("state", "running", "state"),
        ("user", "alice", "user"),
        ("partition", "gpu", "partition"),
    ):
        found = s9s.get("/v1/jobs", params={name: value}).json()
        wanted = value.upper() if name == "state" else value
        assert [job["job_id"] for job in found["jobs"]] == [job["job_id"] for job in everything if job[field] == wanted]
        assert 0 < found["total"] == len(found["jobs"])
    for name in ("user", "partition"):
        assert s9s.get("/v1/jobs", params={name: "nothing"}).json()["jobs"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"state": "SLEEPING"},
        {"limit": 0},
        {"limit": "ten"},
        {"offset": -1},
        {"sort": "colour"},
        {"order": "up"},
        {"status": "RUNNING"},
    ],
)
def test_what_makes_no_sense_is_refused(s9s: httpx.Client, query: dict[str, Any]) -> None:
    assert error(s9s.get("/v1/jobs", params=query)) == (400, "VALIDATION_ERROR", next(iter(query)))


@pytest.mark.parametrize("name", ["job_id", "job_name", "user", "state", "priority", "cpu_count", "start_time", "qos"])
def test_any_field_can_be_the_order_and_what_lacks_it_comes_last(s9s: httpx.Client, name: str) -> None:
    for order in ("asc", "desc"):
        jobs = s9s.get("/v1/jobs", params={"sort": name, "order": order}).json()["jobs"]
        values = [job[name] for job in jobs]
        present = [value for value in values if value is not None]
        assert values == present + [None] * (len(values) - len(present))
        if name == "job_id":
            present = [(len(value), value) for value in present]
        if name != "priority":  # of which held jobs show none
            assert present == sorted(present, reverse=order == "desc")


def test_pages_join_without_gap_or_overlap(s9s: httpx.Client) -> None:
    whole = s9s.get("/v1/jobs").json()
    ids, offset, more = list[str](), 0, True
    while more:
        page = s9s.get("/v1/jobs", params={"limit": 2, "offset": offset}).json()
        assert (page["limit"], page["offset"], page["total"]) == (2, offset, whole["total"])
        ids += [job["job_id"] for job in page["jobs"]]
        offset, more = offset + 2, page["has_more"]
    assert ids == [job["job_id"] for job in whole["jobs"]]
    beyond = s9s.get("/v1/jobs", params={"offset": 1000}).json()
    assert (beyond["jobs"], beyond["has_more"]) == ([], False)


def test_a_page_has_a_thousand_jobs_at_most(s9s: httpx.Client) -> None:
    assert s9s.get("/v1/jobs", params={"limit": 5000}).json()["limit"] == 1000


def test_a_job_has_what_was_asked_for(s9s: httpx.Client) -> None:
    job_id = submit(
        s9s,
        job_name="my_simulation",
        partition="gpu",
        nodes=2,
        cpus_per_node=4,
        memory="1.5GB",
        gpus=1,
        time_limit="1-00:00:00",
        account="research",
        qos="high",
        working_directory="/home/alice/simulations",
        standard_output="/home/alice/logs/%x-%j.out",
        standard_error="errors/%u.%%.%5j",
        environment={"A": "b"},
        priority=1200,
    )
    found = job(s9s, job_id)
    assert job_id.isdecimal()
    expected = {
        "job_name": "my_simulation",
        "user": "alice",
        "account": "research",
        "partition": "gpu",
        "time_limit": "1-00:00:00",
        "cpu_count": 8,
        "memory": "3GB",
        "gpus": 2,
        "priority": 1200,
        "qos": "high",
        "working_directory": "/home/alice/simulations",
        "standard_output": f"/home/alice/logs/my_simulation-{job_id}.out",
        "standard_error": f"/home/alice/simulations/errors/alice.%.{job_id.zfill(5)}",
        "command": "sleep 100",
        "dependencies": [],
        "array_job_id": None,
        "array_task_id": None,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["environment"]["A"] == "b"


def test_a_job_needs_a_script_only(s9s: httpx.Client) -> None:
    found = job(s9s, submit(s9s, "/home/alice/work/train.sh --fast"))
    assert (found["job_name"], found["partition"], found["node_count"], found["cpu_count"]) == (
        "train.sh",
        "normal",
        1,
        1,
    )
    assert found["working_directory"] == "/home/alice"
    assert found["standard_output"] == f"/home/alice/slurm-{found['job_id']}.out"
    assert found["account"] == "research"


def test_name_is_taken_for_job_name_and_numbers_for_text(s9s: httpx.Client) -> None:
    found = job(
        s9s, submit(s9s, name="n", nodes="1", cpus_per_node=2.0, dependencies=[{"type": "after", "job_id": 12344}])
    )
    assert (found["job_name"], found["cpu_count"]) == ("n", 2)
    assert found["dependencies"] == [{"type": "after", "job_id": "12344"}]
    assert job(s9s, submit(s9s, name="n", job_name="m"))["job_name"] == "m"


@pytest.mark.parametrize("limit", ["1:00:00", "60m", 3600, "3600", "1h", "60:00"])
def test_a_time_limit_may_be_spelled_in_many_ways(s9s: httpx.Client, limit: Any) -> None:
    assert job(s9s, submit(s9s, time_limit=limit))["time_limit"] == "1:00:00"


def test_the_partition_has_a_default_time(s9s: httpx.Client) -> None:
    assert job(s9s, submit(s9s, partition="gpu"))["time_limit"] == "2:00:00"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"script": ""}, "script"),
        ({"script": None}, "script"),
        ({"script": "x", "colour": 1}, "colour"),
        ({"script": "x", "nodes": 0}, "nodes"),
        ({"script": "x", "nodes": "two"}, "nodes"),
        ({"script": "x", "cpus_per_node": 1000}, "cpus_per_node"),
        ({"script": "x", "memory": "1000TB"}, "memory"),
        ({"script": "x", "memory": "much"}, "memory"),
        ({"script": "x", "gpus": -1}, "gpus"),
        ({"script": "x", "time_limit": "soon"}, "time_limit"),
        ({"script": "x", "time_limit": 0}, "time_limit"),
        ({"script": "x", "partition": "nowhere"}, "partition"),
        ({"script": "x", "qos": "none such"}, "qos"),
        ({"script": "x", "qos": "high", "partition": "normal"}, "qos"),
        ({"script": "x", "account": "none such"}, "account"),
        ({"script": "x", "account": "default", "partition": "gpu"}, "account"),
        ({"script": "x", "array": "5-1"}, "array"),
        ({"script": "x", "array": "0-99999999"}, "array"),
        ({"script": "x", "array": "0-20000"}, "array"),
        ({"script": "x", "array": "0-3%0"}, "array"),
        ({"script": "x", "dependencies": [{"type": "afterok", "job_id": "99999"}]}, "dependencies.0.job_id"),
        ({"script": "x", "dependencies": [{"type": "afterok"}]}, "dependencies.0"),
        ({"script": "x", "dependencies": [{"type": "before", "job_id": "12344"}]}, "dependencies.0.type"),
        ({"script": "x", "environment": {"A": 1}}, "environment.A"),
        ({"script": "x" * 100_000}, "script"),
    ],
)
def test_a_bad_field_is_named(s9s: httpx.Client, fields: dict[str, Any], field: str) -> None:
    before = s9s.get("/v1/jobs").json()["total"]
    assert error(s9s.post("/v1/jobs", json=fields)) == (400, "VALIDATION_ERROR", field)
    assert s9s.get("/v1/jobs").json()["total"] == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"'])
def test_a_body_that_cannot_be_read_is_another_mistake(s9s: httpx.Client, content: bytes) -> None:
    answer = s9s.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")


def test_a_repeated_submission_makes_one_job(s9s: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k"}
    first, second = (s9s.post("/v1/jobs", json={"script": "x"}, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    other = s9s.post("/v1/jobs", json={"script": "y"}, headers=headers)
    assert other.json()["error"]["code"] == "RESOURCE_CONFLICT"


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
