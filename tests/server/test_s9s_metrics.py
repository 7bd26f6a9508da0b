"""Metrics: the site now, over time, and what jobs made of what they had."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.backend import Measure
from mock_server.cluster.simulated import SimulatedCluster
from mock_server.wire import iso

HOUR = 3600.0


def get(s9s: httpx.Client, path: str, **params: Any) -> Any:
    response = s9s.get(f"/v1/metrics/{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def submit(s9s: httpx.Client, **job: Any) -> str:
    response = s9s.post("/v1/jobs", json={"nodes": 1, **job})
    assert response.status_code == 201, response.text
    job_id: str = response.json()["job_id"]
    return job_id


def test_counts_are_those_of_the_lists(s9s: httpx.Client) -> None:
    stats = get(s9s, "cluster")
    jobs = Counter(job["state"] for job in s9s.get("/v1/jobs?limit=1000").json()["jobs"])
    nodes = Counter(node["state"] for node in s9s.get("/v1/nodes").json()["nodes"])
    assert {word: count for word, count in stats["job_counts"].items() if count} == jobs
    assert {word: count for word, count in stats["node_counts"].items() if count} == nodes
    assert set(stats["job_counts"]) >= {"RUNNING", "PENDING", "COMPLETED", "FAILED", "CANCELLED"}
    assert set(stats["node_counts"]) >= {"IDLE", "MIXED", "ALLOCATED", "DOWN", "DRAIN"}


def test_utilization_is_what_the_nodes_have_given(s9s: httpx.Client) -> None:
    nodes = s9s.get("/v1/nodes").json()["nodes"]
    allocated, total = (sum(node[key] for node in nodes) for key in ("cpu_allocated", "cpu_total"))
    assert get(s9s, "cluster")["cluster_utilization"]["cpu_percent"] == round(100 * allocated / total, 2)


def test_a_node_that_is_down_counts_for_nothing(server: MockServer, s9s: httpx.Client) -> None:
    before = get(s9s, "cluster")["cluster_utilization"]["gpu_percent"]
    server.cluster.fail_node("hpc-cluster", "gpu002", "gone")
    stats = get(s9s, "cluster")
    assert stats["cluster_utilization"]["gpu_percent"] > before
    assert stats["node_counts"]["DOWN"] == 1


def test_a_timeout_has_its_own_count(server: MockServer, s9s: httpx.Client) -> None:
    submit(s9s, script="sleep 100", time_limit="0:00:10")
    server.advance(20)
    assert get(s9s, "cluster")["job_counts"]["TIMEOUT"] == 1


def test_the_series_has_24_hours_by_default(server: MockServer, s9s: httpx.Client) -> None:
    series = get(s9s, "performance")
    assert (series["count"], series["interval"], len(series["metrics"])) == (24, "1h", 24)
    assert series["metrics"][0]["timestamp"] == iso(server.now() - 24 * HOUR)


def test_points_are_exact_means_and_add_up(server: MockServer, s9s: httpx.Client) -> None:
    server.advance(10 * HOUR)  # everything that was there has ended, or goes on evenly
    start = server.now()
    submit(s9s, script="sleep 90", partition="cpu", cpus_per_node=32)
    server.advance(180)
    total = sum(node["cpu_total"] for node in s9s.get("/v1/nodes").json()["nodes"])
    base = get(s9s, "performance", start_time=iso(start - 60), end_time=iso(start), interval="1m")["metrics"][0]
    points = get(s9s, "performance", start_time=iso(start), interval="1m")["metrics"]
    extra = [point["cpu_utilization"] - base["cpu_utilization"] for point in points]
    assert sum(extra) * 60 / 100 * total == pytest.approx(90 * 32, rel=0.01)
    assert extra[0] > extra[1] > extra[2] == pytest.approx(0, abs=0.01)
    assert [point["jobs_completed"] for point in points] == [0, 1, 0]


def test_submissions_and_waits_are_counted_where_they_happen(server: MockServer, s9s: httpx.Client) -> None:
    server.advance(1)
    submit(s9s, script="true")
    server.advance(119)
    points = get(s9s, "performance", start_time=iso(server.now() - 120), interval="1m")["metrics"]
    assert [point["jobs_submitted"] for point in points] == [1, 0]
    assert points[0]["avg_queue_time"] == 0


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"start_time": "2024-01-15T10:00:00Z", "end_time": "2024-01-15T10:00:00Z"}, 0),
        ({"start_time": "2024-01-15T10:00:00Z", "end_time": "2024-01-15T10:01:30Z", "interval": "1m"}, 2),
        ({"start_time": "2024-01-15T10:00:00Z", "interval": "5m"}, 7),
        ({"end_time": "2024-01-10T00:00:00Z"}, 24),
        ({"start_time": "2024-01-08", "end_time": "2024-01-15", "interval": "1d"}, 7),
        ({"start_time": "2030-01-01", "end_time": "2030-01-02"}, 0),
    ],
)
def test_how_many_points_a_period_has(s9s: httpx.Client, params: dict[str, str], count: int) -> None:
    series = get(s9s, "performance", **params)
    assert series["count"] == len(series["metrics"]) == count


@pytest.mark.parametrize(
    "params",
    [
        {"interval": "2m"},
        {"start_time": "yesterday"},
        {"start_time": "2024-01-02", "end_time": "2024-01-01"},
        {"start_time": "2020-01-01", "end_time": "2024-01-01", "interval": "1m"},
    ],
)
def test_a_period_that_means_nothing_is_refused(s9s: httpx.Client, params: dict[str, str]) -> None:
    assert s9s.get("/v1/metrics/performance", params=params).status_code == 400


def test_efficiency_is_that_of_the_jobs_and_averaged(server: MockServer, s9s: httpx.Client) -> None:
    server.advance(60)
    reply = get(s9s, "efficiency")
    assert reply["total"] == len(reply["jobs"]) > 1
    for job in reply["jobs"]:
        detail = s9s.get(f"/v1/jobs/{job['job_id']}").json()
        assert job["cpu_efficiency"] == detail["resources"]["cpu_efficiency"]
        assert (job["user"], job["partition"]) == (detail["user"], detail["partition"])
    mean = sum(job["cpu_efficiency"] for job in reply["jobs"]) / reply["total"]
    assert reply["averages"]["cpu_efficiency"] == pytest.approx(mean, abs=1e-3)
    with_gpus = [job["gpu_utilization"] for job in reply["jobs"] if s9s.get(f"/v1/jobs/{job['job_id']}").json()["gpus"]]
    assert reply["averages"]["gpu_utilization"] == pytest.approx(sum(with_gpus) / len(with_gpus), abs=1e-3)


def test_efficiency_can_be_filtered(s9s: httpx.Client) -> None:
    assert {job["job_id"] for job in get(s9s, "efficiency", partition="gpu")["jobs"]} >= {"12345"}
    assert get(s9s, "efficiency", user="nobody") == {
        "jobs": [],
        "total": 0,
        "averages": {"cpu_efficiency": 0.0, "memory_efficiency": 0.0, "gpu_utilization": 0.0},
    }
    long = get(s9s, "efficiency", min_runtime="2h")
    assert {job["job_id"] for job in long["jobs"]} >= {"12345"}
    assert get(s9s, "efficiency", min_runtime="7200") == long == get(s9s, "efficiency", min_runtime="2:00:00")
    assert s9s.get("/v1/metrics/efficiency?min_runtime=long").status_code == 400


def test_efficiency_comes_in_pages(s9s: httpx.Client) -> None:
    whole = get(s9s, "efficiency")
    pages = [get(s9s, "efficiency", limit=1, offset=number) for number in range(whole["total"])]
    assert [page["jobs"][0] for page in pages] == whole["jobs"]
    assert all(page["averages"] == whole["averages"] for page in pages)


def test_only_what_was_chosen_is_in_a_point(s9s: httpx.Client) -> None:
    names = ("gpu_utilization", "jobs_submitted")
    points = get(s9s, "performance", metrics="gpu_utilization,jobs_submitted")["metrics"]
    assert points == [
        {name: point[name] for name in ("timestamp", *names)} for point in get(s9s, "performance")["metrics"]
    ]
    assert get(s9s, "performance", metrics=[*names, names[0]])["metrics"] == points


def test_only_the_chosen_ratios_are_told_of_jobs(server: MockServer, s9s: httpx.Client) -> None:
    server.advance(60)
    whole, chosen = get(s9s, "efficiency"), get(s9s, "efficiency", metrics="gpu_utilization")
    kept = ("job_id", "user", "partition", "runtime", "gpu_utilization")
    assert chosen["jobs"] == [{name: job[name] for name in kept} for job in whole["jobs"]]
    assert chosen["averages"] == {"gpu_utilization": whole["averages"]["gpu_utilization"]}
    assert chosen["total"] == whole["total"]


def test_what_the_backend_does_not_watch_is_refused_by_name_only(
    s9s: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedCluster, "unmeasured", {Measure.GPU: "it has no eyes"})
    answer = s9s.get("/v1/metrics/efficiency?metrics=cpu_efficiency,gpu_utilization")
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NOT_SUPPORTED")
    assert answer.json()["error"]["message"] == "GPU utilisation is not supported by this backend: it has no eyes"
    assert get(s9s, "efficiency", metrics=["cpu_efficiency", "memory_efficiency"])["total"]
    assert "gpu_utilization" in get(s9s, "efficiency")["jobs"][0]
    # Of the cluster it is what has been given to jobs, which every backend knows.
    assert get(s9s, "performance", metrics="gpu_utilization")["count"] == 24


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("performance", "'gpu_utilization', 'jobs_submitted', 'jobs_completed' or 'avg_queue_time'"),
        ("efficiency", "'cpu_efficiency', 'memory_efficiency' or 'gpu_utilization'"),
    ],
)
@pytest.mark.parametrize("query", ["metrics=", "metrics=gpu_percent", "metrics=gpu_utilization,,"])
def test_a_figure_that_there_is_not_is_refused(s9s: httpx.Client, path: str, query: str, allowed: str) -> None:
    answer = s9s.get(f"/v1/metrics/{path}?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert allowed in answer.json()["error"]["message"]


def test_the_timestamp_is_that_of_the_clock(server: MockServer, s9s: httpx.Client) -> None:
    server.advance(5)
    assert datetime.fromisoformat(get(s9s, "cluster")["timestamp"]).timestamp() == server.now()
