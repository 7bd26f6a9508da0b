"""Nodes, partitions and users as S9S shows them, and what can be done to nodes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.s9s.durations import parse_duration
from tests.server.s9s_calls import error, job, submit


def node(client: httpx.Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/nodes/{name}").json()
    return found


def names(client: httpx.Client, **query: Any) -> list[str]:
    answer = client.get("/v1/nodes", params=query).json()
    assert answer["total"] == len(answer["nodes"])
    return [found["node_name"] for found in answer["nodes"]]


def partition(client: httpx.Client, name: str) -> dict[str, Any]:
    return next(found for found in client.get("/v1/partitions").json()["partitions"] if found["name"] == name)


def test_all_nodes_of_all_clusters_are_there(server: MockServer, s9s: httpx.Client) -> None:
    expected = {name for cluster in server.cluster.clusters.values() for name in cluster.nodes}
    assert set(names(s9s)) == expected
    assert {"node001", "node002", "gpu001", "gpu-node-01"} <= expected


def test_one_node_is_as_in_the_list(s9s: httpx.Client) -> None:
    for found in s9s.get("/v1/nodes").json()["nodes"]:
        assert node(s9s, found["node_name"]) == found
    answer = s9s.get("/v1/nodes/node999")
    assert answer.json()["error"]["details"] == {"resource_type": "node", "resource_id": "node999"}
    assert answer.json()["error"]["message"] == "Node node999 not found"


def test_filters(s9s: httpx.Client) -> None:
    assert names(s9s, partition="cpu") == ["node005", "node006"]
    assert names(s9s, partition="none") == []
    assert "node001" in names(s9s, state="mixed")
    assert set(names(s9s, available="true")) == set(names(s9s, state="IDLE")) | set(names(s9s, state="MIXED"))
    assert "node001" in names(s9s, features="gpu,cuda")
    assert names(s9s, features="gpu,telepathy") == []
    for name, value in (("state", "TIRED"), ("available", "perhaps"), ("colour", "red")):
        assert error(s9s.get("/v1/nodes", params={name: value})) == (400, "VALIDATION_ERROR", name)


def test_a_node_shows_what_is_taken(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(s9s, partition="cpu", cpus_per_node=32, memory="100GB", required_nodes=["node005"])
    server.advance(5)
    found = node(s9s, "node005")
    assert (found["state"], found["cpu_allocated"], found["memory_allocated"]) == ("ALLOCATED", 32, "100GB")
    assert job_id in found["jobs"]
    assert found["last_busy"] == "2024-01-15T10:35:05Z"
    assert node(s9s, "node006")["state"] == "IDLE"
    view = partition(s9s, "cpu")
    counts = [view[name] for name in ("nodes_total", "nodes_idle", "nodes_allocated", "nodes_mixed")]
    assert (counts, view["cpus_total"], view["cpus_allocated"]) == ([2, 1, 1, 0], 64, 32)


def test_an_idle_node_is_drained_at_once_and_comes_back(server: MockServer, s9s: httpx.Client) -> None:
    answer = s9s.put("/v1/nodes/node006/drain", json={"reason": "Hardware maintenance", "timeout": "2h"}).json()
    assert answer == {
        "node_name": "node006",
        "state": "DRAIN",
        "reason": "Hardware maintenance",
        "message": "Node drained successfully",
    }
    assert [node(s9s, "node006")[name] for name in ("state", "reason")] == ["DRAIN", "Hardware maintenance"]
    waiting = submit(s9s, partition="cpu", nodes=2)
    server.advance(10)
    assert job(s9s, waiting)["state"] == "PENDING"
    resumed = s9s.put("/v1/nodes/node006/resume").json()
    assert (resumed["node_name"], resumed["reason"], resumed["message"]) == (
        "node006",
        None,
        "Node resumed successfully",
    )
    server.advance(10)
    assert job(s9s, waiting)["state"] == "RUNNING"


def test_a_busy_node_drains_until_its_jobs_have_ended(server: MockServer, s9s: httpx.Client) -> None:
    submit(s9s, "sleep 100", partition="cpu", required_nodes=["node005"])
    server.advance(5)
    assert s9s.put("/v1/nodes/node005/drain", json={}).json()["state"] == "DRAIN"
    assert [node(s9s, "node005")[name] for name in ("state", "reason")] == ["DRAINING", "drained by alice"]
    server.advance(100)
    assert node(s9s, "node005")["state"] == "DRAIN"


def test_a_drain_with_a_timeout_sends_away_what_still_runs(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(s9s, "sleep 9000", partition="cpu", required_nodes=["node005"])
    server.advance(5)
    s9s.put("/v1/nodes/node005/drain", json={"timeout": "10m"}).raise_for_status()
    server.advance(590)
    assert job(s9s, job_id)["state"] == "RUNNING"
    server.advance(20)
    assert job(s9s, job_id)["state"] == "PENDING"
    assert node(s9s, "node005")["state"] == "DRAIN"


def test_a_node_that_goes_down_gives_its_jobs_back(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(s9s, "sleep 900", partition="cpu", required_nodes=["node005"])
    server.advance(5)
    answer = s9s.put("/v1/nodes/node005/state", json={"state": "DOWN", "reason": "Hardware failure"}).json()
    assert (answer["state"], answer["reason"], answer["message"]) == (
        "DOWN",
        "Hardware failure",
        "Node state updated successfully",
    )
    assert job(s9s, job_id)["state"] == "PENDING"
    server.advance(60)
    assert job(s9s, job_id)["reason"] == "ReqNodeNotAvail, UnavailableNodes:node005"
    assert s9s.put("/v1/nodes/node005/state", json={"state": "RESUME"}).json()["state"] in ("IDLE", "MIXED")
    server.advance(60)
    assert job(s9s, job_id)["state"] == "RUNNING"


@pytest.mark.parametrize("state", ["IDLE", "MIXED", "ALLOCATED", "DOWN", "DRAIN", "RESUME"])
def test_the_printed_states_can_be_asked_for(s9s: httpx.Client, state: str) -> None:
    answer = s9s.put("/v1/nodes/node006/state", json={"state": state}).json()
    assert answer["state"] == (state if state in ("DOWN", "DRAIN") else "IDLE")


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("state", {"state": "PLANNED"}, "state"),
        ("state", {}, "state"),
        ("state", {"state": "down"}, "state"),
        ("drain", {"timeout": "later"}, "timeout"),
        ("drain", {"why": "x"}, "why"),
    ],
)
def test_nothing_else_can(s9s: httpx.Client, action: str, body: dict[str, Any], field: str) -> None:
    assert error(s9s.put(f"/v1/nodes/node006/{action}", json=body)) == (400, "VALIDATION_ERROR", field)
    assert s9s.put(f"/v1/nodes/none/{action}", json={"state": "DOWN"} if action == "state" else {}).status_code == 404


def test_users(server: MockServer, s9s: httpx.Client) -> None:
    before = s9s.get("/v1/users/alice").json()
    submit(s9s, "sleep 9000", partition="cpu", cpus_per_node=4)
    held = submit(s9s, partition="cpu")
    s9s.put(f"/v1/jobs/{held}/hold").raise_for_status()
    server.advance(2)
    after = s9s.get("/v1/users/alice").json()
    assert after["jobs_running"] == before["jobs_running"] + 1
    assert after["jobs_pending"] == before["jobs_pending"] + 1
    server.advance(3600)
    assert s9s.get("/v1/users/alice").json() in s9s.get("/v1/users").json()["users"]
    assert float(s9s.get("/v1/users/alice").json()["cpu_time_used"][:-1]) > float(after["cpu_time_used"][:-1])
    answer = s9s.get("/v1/users/mallory")
    assert answer.json()["error"]["message"] == "User mallory not found"


def test_efficiency_is_a_share_of_what_the_job_was_given(server: MockServer, s9s: httpx.Client) -> None:
    waiting = submit(s9s, "/home/alice/train.sh", hold=True)
    assert job(s9s, waiting)["resources"] == {
        "cpu_efficiency": 0,
        "memory_efficiency": 0,
        "gpu_utilization": 0,
        "max_memory_used": "0B",
        "max_cpu_time": "0h",
    }
    found = job(s9s, "12345")
    used, hours = found["resources"], parse_duration(found["elapsed_time"]) / 3600
    assert all(0 < used[name] <= 1 for name in ("cpu_efficiency", "memory_efficiency", "gpu_utilization"))
    cpu_hours = float(used["max_cpu_time"].removesuffix("h"))
    assert cpu_hours == pytest.approx(used["cpu_efficiency"] * found["cpu_count"] * hours, abs=0.06)
    assert float(used["max_memory_used"].removesuffix("GB")) == pytest.approx(used["memory_efficiency"] * 128, abs=0.02)
    server.advance(600)
    assert float(job(s9s, "12345")["resources"]["max_cpu_time"].removesuffix("h")) > cpu_hours
