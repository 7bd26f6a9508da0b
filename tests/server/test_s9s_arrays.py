"""Arrays of jobs, and jobs that depend on others."""

from __future__ import annotations

import httpx
import pytest

from mock_server import MockServer
from tests.server.s9s_calls import job, submit


def states(client: httpx.Client, job_ids: list[str]) -> list[str]:
    return [job(client, job_id)["state"] for job_id in job_ids]


def test_an_array_has_an_id_and_so_has_each_task(empty: MockServer, alone: httpx.Client) -> None:
    array = submit(alone, "sleep 10", array="0-5:2%2", job_name="sweep", standard_output="%x/%A_%a.out")
    tasks = [f"{array}_{number}" for number in (0, 2, 4)]
    empty.advance(1)
    assert states(alone, tasks) == ["RUNNING", "RUNNING", "PENDING"]
    last = job(alone, tasks[2])
    assert (last["array_job_id"], last["array_task_id"], last["reason"]) == (array, "4", "JobArrayTaskLimit")
    assert last["standard_output"] == f"/home/alice/sweep/{array}_4.out"
    whole = job(alone, array)
    assert (whole["job_id"], whole["array_task_id"], whole["state"]) == (array, "0-5:2%2", "RUNNING")
    assert {found["job_id"] for found in alone.get("/v1/jobs").json()["jobs"]} == set(tasks)
    empty.run_until_idle()
    assert states(alone, [*tasks, array]) == ["COMPLETED"] * 4


def test_what_is_done_to_an_array_is_done_to_its_tasks(empty: MockServer, alone: httpx.Client) -> None:
    array = submit(alone, "sleep 10", array="1,2", hold=True)
    tasks = [f"{array}_1", f"{array}_2"]
    alone.put(f"/v1/jobs/{array}/priority", json={"priority": 7}).raise_for_status()
    alone.put(f"/v1/jobs/{tasks[0]}/release").raise_for_status()
    empty.advance(1)
    assert states(alone, tasks) == ["RUNNING", "PENDING"]
    alone.put(f"/v1/jobs/{array}/release").raise_for_status()
    empty.advance(1)
    assert [job(alone, task)["priority"] for task in tasks] == [7, 7]
    assert alone.delete(f"/v1/jobs/{array}").json()["state"] == "CANCELLED"
    assert states(alone, [*tasks, array]) == ["CANCELLED"] * 3
    assert alone.delete(f"/v1/jobs/{array}").status_code == 200
    assert alone.put(f"/v1/jobs/{array}/hold").status_code == 409


@pytest.mark.parametrize(
    ("kind", "script", "runs"),
    [
        ("afterok", "true", True),
        ("afterok", "false", False),
        ("afternotok", "true", False),
        ("afternotok", "false", True),
        ("afterany", "false", True),
    ],
)
def test_a_job_starts_when_another_has_ended_as_it_should(
    empty: MockServer, alone: httpx.Client, kind: str, script: str, runs: bool
) -> None:
    first = submit(alone, f"sleep 10; {script}")
    second = submit(alone, "sleep 10", dependencies=[{"type": kind, "job_id": first}])
    empty.advance(5)
    assert [job(alone, second)[name] for name in ("state", "reason")] == ["PENDING", "Dependency"]
    empty.advance(10)
    found = job(alone, second)
    expected = ["RUNNING", None] if runs else ["PENDING", "DependencyNeverSatisfied"]
    assert [found["state"], found["reason"]] == expected
    assert found["dependencies"] == [{"type": kind, "job_id": first}]


def test_after_waits_for_the_start_only_and_singleton_for_the_name(empty: MockServer, alone: httpx.Client) -> None:
    first = submit(alone, "sleep 50", job_name="same")
    after = submit(alone, "sleep 50", dependencies=[{"type": "after", "job_id": first}])
    single = submit(alone, "sleep 50", job_name="same", dependencies=[{"type": "singleton"}])
    empty.advance(10)
    assert states(alone, [first, after, single]) == ["RUNNING", "RUNNING", "PENDING"]
    assert job(alone, single)["dependencies"] == [{"type": "singleton"}]
    empty.advance(45)
    assert job(alone, single)["state"] == "RUNNING"


def test_an_array_can_be_waited_for(empty: MockServer, alone: httpx.Client) -> None:
    array = submit(alone, "sleep 10", array="0-1%1")
    waiting = submit(alone, "true", dependencies=[{"type": "afterok", "job_id": array}])
    empty.advance(15)
    assert job(alone, waiting)["state"] == "PENDING"
    empty.run_until_idle()
    assert job(alone, waiting)["state"] == "COMPLETED"
