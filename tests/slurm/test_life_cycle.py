"""Jobs that really run, through the platform and S9S."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.slurm import cluster as slurm_cluster
from tests.slurm.waiting import until

if TYPE_CHECKING:
    from tests.support.slurm import Site

ENDED = {"completed", "failed", "cancelled"}


def _submit(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/jobs", json={"name": "life", **fields})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def _ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    return until(lambda: client.get(f"/v1/jobs/{job_id}").json(), lambda job: job["status"] in ENDED)


def test_a_job_runs_and_its_output_is_read(platform: httpx.Client) -> None:
    job = _submit(platform, command="echo hello $WORD; echo bad >&2; id -u", environment={"WORD": "a 'b' \"c\""})
    done = _ended(platform, job["id"])
    assert (done["status"], done["exit_code"], done["reason"]) == ("completed", 0, None)
    assert done["created_at"] <= done["started_at"] <= done["completed_at"]
    lines = platform.get(f"/v1/jobs/{job['id']}/logs").json()["lines"]
    assert lines[0] == "hello a 'b' \"c\""
    assert sorted(lines[1:])[1] == "bad"


def test_an_exit_code_is_a_failure(platform: httpx.Client) -> None:
    done = _ended(platform, _submit(platform, command="echo so far; exit 3")["id"])
    assert (done["status"], done["exit_code"], done["reason"]) == ("failed", 3, "NonZeroExitCode")


def test_output_is_followed_while_it_is_written(platform: httpx.Client) -> None:
    job = _submit(platform, command="echo one; sleep 1; echo two")
    with platform.stream("GET", f"/v1/jobs/{job['id']}/logs", params={"follow": "true"}) as answer:
        told = [line for line in answer.iter_lines() if line.startswith(("data", "event"))]
    assert told == ["data: one", "data: two", "event: end", "data: completed"]


def test_a_running_job_is_cancelled(s9s: httpx.Client) -> None:
    job_id = s9s.post("/v1/jobs", json={"script": "#!/bin/sh\necho up\nsleep 100"}).json()["job_id"]
    until(lambda: s9s.get(f"/v1/jobs/{job_id}").json(), lambda job: job["state"] == "RUNNING")
    until(lambda: s9s.get(f"/v1/jobs/{job_id}/output").json(), lambda output: output["lines"] == ["up"])
    assert s9s.delete(f"/v1/jobs/{job_id}").status_code == 200
    job = until(lambda: s9s.get(f"/v1/jobs/{job_id}").json(), lambda job: job["state"] != "RUNNING")
    assert job["state"] == "CANCELLED"


def test_a_finished_job_is_not_cancelled(s9s: httpx.Client) -> None:
    job_id = s9s.post("/v1/jobs", json={"script": "true"}).json()["job_id"]
    until(lambda: s9s.get(f"/v1/jobs/{job_id}").json(), lambda job: job["state"] == "COMPLETED")
    answer = s9s.delete(f"/v1/jobs/{job_id}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "RESOURCE_CONFLICT")


@pytest.mark.parametrize("way", ["slurmrestd", "commands"])
def test_a_job_that_has_ended_since_the_last_look_is_not_cancelled(
    way: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_cluster, "PATIENCE", 30.0)
    make = site.settings if way == "slurmrestd" else site.without_slurmrestd
    with (
        MockServer(slurm=make(shortest_pause=3.0), world="empty", rate_limits=False) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": "Bearer YOUR_API_KEY"}, timeout=60) as client,
    ):
        job = _submit(client, command="echo done")
        number = job["id"].removeprefix("job_")
        until(lambda: site.command("scontrol", "show", "job", number), lambda text: "JobState=COMPLETED" in text)
        answer = client.patch(f"/v1/jobs/{job['id']}", json={"status": "cancelled", "reason": "enough"})
        assert (answer.status_code, answer.json()["error"]) == (409, "resource_conflict"), answer.text
        done = client.get(f"/v1/jobs/{job['id']}").json()
        assert (done["status"], done["exit_code"], done.get("cancel_reason")) == ("completed", 0, None)
        assert client.get(f"/v1/jobs/{job['id']}/logs").json()["lines"] == ["done"]


def test_unknown_jobs_and_partitions_and_impossible_requests(platform: httpx.Client, s9s: httpx.Client) -> None:
    assert platform.get("/v1/jobs/job_999999").status_code == 404
    assert s9s.get("/v1/jobs/999999").json()["error"]["code"] == "RESOURCE_NOT_FOUND"
    unknown = s9s.post("/v1/jobs", json={"script": "true", "partition": "nowhere"})
    assert (unknown.status_code, unknown.json()["error"]["details"]["field"]) == (400, "partition")
    large = s9s.post("/v1/jobs", json={"script": "true", "cpus_per_node": 999})
    assert (large.status_code, large.json()["error"]["details"]["field"]) == (400, "cpus_per_node")
    # As in the simulation: the partition may change, so it is taken in, and its reason tells.
    many = s9s.post("/v1/jobs", json={"script": "true", "nodes": 99})
    assert many.status_code == 201, many.text
    job_id = many.json()["job_id"]
    job = until(lambda: s9s.get(f"/v1/jobs/{job_id}").json(), lambda job: job["reason"] is not None)
    assert (job["state"], job["reason"]) == ("PENDING", "PartitionConfig")
    assert s9s.delete(f"/v1/jobs/{job_id}").status_code == 200


def test_what_cannot_be_had_is_said(platform: httpx.Client) -> None:
    answer = platform.post("/v1/jobs", json={"name": "image", "spec": {"image": "python:3.12"}})
    assert (answer.status_code, answer.json()["error"]) == (501, "not_supported")
    assert answer.json()["message"].startswith("Not supported by this backend")


def test_every_family_sees_the_same_job(platform: httpx.Client, s9s: httpx.Client) -> None:
    job = _submit(platform, command="true")
    assert s9s.get(f"/v1/jobs/{job['id']}").json()["job_name"] == "life"


def test_gpus_go_where_there_are_some(platform: httpx.Client) -> None:
    job = _submit(platform, command="echo $CUDA_VISIBLE_DEVICES", resources={"gpus": 2})
    assert _ended(platform, job["id"])["status"] == "completed"
    assert platform.get(f"/v1/jobs/{job['id']}/logs").json()["lines"] == ["0,1"]
