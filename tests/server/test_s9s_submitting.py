"""Submitting jobs to S9S."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.server.s9s_calls import error, job, submit


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
    found = job(s9s, submit(s9s, "/home/alice/scratch/train.sh --fast"))
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
