"""Queues, clusters and metrics of the job service: what they say is true of the jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.node import ScalePolicy
from tests.server.test_jobservice_jobs import JOBS, created, refused

QUEUES, CLUSTERS, METRICS = "/api/v1/queues/", "/api/v1/clusters/", "/api/v1/metrics/"
ACTIVE = ("pending", "queued", "running")


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty", rate_limits=False)


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key="<token>")


def cores(server: MockServer) -> int:
    """Return the cores of one node."""
    (cluster,) = server.cluster.clusters.values()
    return cluster.node_shape.cpus


def fill(client: httpx.Client, server: MockServer, seconds: int = 100, **fields: Any) -> list[dict[str, Any]]:
    """Take all nodes for so long, each with one job."""
    (cluster,) = server.cluster.clusters.values()
    asked = {"resources": {"cpu": str(cores(server))}, "config": {"command": f"sleep {seconds}"}, **fields}
    jobs = [created(client, **asked) for _ in cluster.nodes]
    server.advance(1)
    return jobs


def queue(client: httpx.Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(QUEUES + name).json()
    listed = next(item for item in client.get(QUEUES).json()["queues"] if item["name"] == name)
    assert {key: found[key] for key in listed} == listed
    return found


def test_queues_that_are_empty(client: httpx.Client) -> None:
    found = client.get(QUEUES).json()
    empty = {"depth": 0, "processing": 0, "oldest_job_age_seconds": None}
    assert [{**item, "max_concurrency": None} for item in found["queues"]] == [
        {"name": name, **empty, "max_concurrency": None} for name in ("default", "high-priority", "external")
    ]
    assert [item["max_concurrency"] for item in found["queues"][:2]] == [100, 50]
    assert (found["total_pending"], found["total_processing"]) == (0, 0)
    assert queue(client, "default")["stats"] == {
        "jobs_processed_1h": 0,
        "avg_wait_time_seconds": 0.0,
        "avg_processing_time_seconds": 0.0,
    }
    refused(client.get(QUEUES + "nothing"), 404, "NOT_FOUND", "nothing")


@pytest.mark.parametrize(
    ("priority", "name"), [(0, "default"), (79, "default"), (80, "high-priority"), (100, "high-priority")]
)
def test_the_priority_chooses_the_queue(client: httpx.Client, priority: int, name: str) -> None:
    assert created(client, priority=priority)["queue_position"] == 1
    depths = {item["name"]: item["depth"] for item in client.get(QUEUES).json()["queues"]}
    assert depths == {"default": 0, "high-priority": 0, "external": 0, name: 1}


def test_who_waits_and_for_how_long(server: MockServer, client: httpx.Client) -> None:
    running = fill(client, server)
    first = created(client, priority=10)
    server.advance(20)
    jobs = [created(client, priority=priority) for priority in (70, 30, 70, 90)]
    server.advance(5)
    assert [job["queue_position"] for job in jobs] == [1, 2, 2, 1]
    found = queue(client, "default")
    assert (found["depth"], found["processing"], found["oldest_job_age_seconds"]) == (4, len(running), 24)
    expected = [jobs[0], jobs[2], jobs[1], first]
    assert [(item["id"], item["priority"]) for item in found["jobs"]] == [
        (job["id"], job["priority"]) for job in expected
    ]
    assert found["jobs"][-1]["queued_at"] == "2024-01-15T10:35:01.100000Z"
    assert [item["id"] for item in queue(client, "high-priority")["jobs"]] == [jobs[3]["id"]]
    total = client.get(QUEUES).json()
    assert (total["total_pending"], total["total_processing"]) == (5, len(running))


def test_jobs_start_in_the_order_of_the_queue(server: MockServer, client: httpx.Client) -> None:
    fill(client, server, seconds=10)
    whole = {"resources": {"cpu": str(cores(server))}, "config": {"command": "sleep 10"}}
    for priority in (20, 60, 40):
        for _ in range(2):
            created(client, priority=priority, **whole)
    server.advance(1)
    order = [item["id"] for item in queue(client, "default")["jobs"]]
    server.run_until_idle()
    started = [job for job in server.cluster.jobs.values() if job.id in order]
    assert [job.id for job in sorted(started, key=lambda job: (job.started_at or 0.0, order.index(job.id)))] == order


def test_a_queue_runs_no_more_than_its_share(server: MockServer, client: httpx.Client) -> None:
    server.cluster.scale("default", ScalePolicy(nodes=100 // cores(server) + 4))
    server.advance(600)
    for number in range(104):
        created(client, priority=60 if number < 100 else 50, config={"command": f"sleep {100 + number}"})
    high = created(client, priority=80, config={"command": "sleep 1"})
    server.advance(1)
    found = queue(client, "default")
    assert (found["processing"], found["max_concurrency"], found["depth"]) == (100, 100, 4)
    assert client.get(JOBS + high["id"]).json()["status"] == "running"
    server.advance(100)
    assert queue(client, "default")["depth"] == 3


def test_jobs_of_other_families_are_in_a_queue_of_their_own(
    server: MockServer, client: httpx.Client, make_client: Callable[..., httpx.Client]
) -> None:
    platform = make_client(server)
    body = {"name": "n", "command": "sleep 30", "priority": 7}
    job = platform.post("/v1/jobs", json=body).json()
    found = queue(client, "external")
    assert (found["depth"], found["jobs"][0]["id"], found["jobs"][0]["priority"]) == (1, job["id"], 7)
    created(client, config={"command": "sleep 10"})
    server.advance(1)
    assert queue(client, "external")["processing"] == 1
    server.advance(60)
    assert queue(client, "external")["stats"] == {
        "jobs_processed_1h": 1,
        "avg_wait_time_seconds": 0.1,
        "avg_processing_time_seconds": 30.0,
    }
    assert queue(client, "default")["stats"]["avg_processing_time_seconds"] == 10.0
    assert queue(client, "external")["max_concurrency"] == cores(server) * len(cluster_of(server).nodes)


def cluster_of(server: MockServer) -> Any:
    (cluster,) = server.cluster.clusters.values()
    return cluster


def test_statistics_are_of_the_last_hour(server: MockServer, client: httpx.Client) -> None:
    for seconds in (10, 30):
        created(client, config={"command": f"sleep {seconds}"})
    created(client, config={"command": "sleep 20; false"})
    cancelled = created(client, config={"command": "sleep 1000"})
    server.advance(60)
    client.delete(JOBS + cancelled["id"])
    assert queue(client, "default")["stats"] == {
        "jobs_processed_1h": 3,
        "avg_wait_time_seconds": 0.1,
        "avg_processing_time_seconds": pytest.approx((10 + 30 + 20 + 59.9) / 4, abs=1e-3),
    }
    server.advance(3600)
    assert queue(client, "default")["stats"]["jobs_processed_1h"] == 0


def test_every_active_job_is_in_one_queue(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(rate_limits=False)
    client = make_client(server, key="<token>")
    for number in range(30):
        created(client, priority=3 * number, config={"command": f"sleep {number}"}, resources={"cpu": "8"})
    for _ in range(10):
        listed = client.get(f"{JOBS}?limit=100").json()
        words = [item["status"] for item in listed["items"]]
        assert len(words) == listed["total"] == len(server.cluster.jobs)
        queues = client.get(QUEUES).json()
        assert queues["total_pending"] + queues["total_processing"] == sum(words.count(word) for word in ACTIVE)
        assert queues["total_processing"] == words.count("running")
        running = sum(cluster["running_jobs"] for cluster in client.get(CLUSTERS).json()["clusters"])
        assert running == words.count("running")
        server.advance(7)


# Clusters


def test_the_documented_cluster(make_server: Callable[..., MockServer], make_client: Callable[..., Any]) -> None:
    server = make_server()
    client = make_client(server, key="<token>")
    listed = {cluster["name"]: cluster for cluster in client.get(CLUSTERS).json()["clusters"]}
    assert list(listed)[:3] == ["my-cluster", "gpu-cluster", "specific-cluster"]
    assert listed["gpu-cluster"] == {
        "name": "gpu-cluster",
        "status": "healthy",
        "total_nodes": 4,
        "available_gpus": 14,
        "total_gpus": 16,
        "running_jobs": 2,
    }
    found = client.get(CLUSTERS + "gpu-cluster").json()
    assert (found["name"], found["status"], len(found["nodes"])) == ("gpu-cluster", "healthy", 4)
    assert found["capacity"] == {"max_jobs": 4 * 32, "current_jobs": 2}
    node = found["nodes"][0]
    assert (node["name"], node["status"], node["gpus"]) == (
        "gpu-node-01",
        "ready",
        {"total": 4, "available": 2, "type": "nvidia-a100"},
    )
    assert node["cpu"] == {"total": "32", "available": "26"}
    assert node["memory"]["total"] == "256GB"
    assert client.get(CLUSTERS + "specific-cluster").json()["nodes"][0]["gpus"] == {
        "total": 0,
        "available": 0,
        "type": None,
    }
    assert client.get(CLUSTERS + "cluster_abc").json() == found
    refused(client.get(CLUSTERS + "nothing"), 404, "NOT_FOUND", "nothing")


def test_nodes_that_are_down(server: MockServer, client: httpx.Client) -> None:
    nodes = list(cluster_of(server).nodes)
    statuses = [client.get(CLUSTERS + "default").json()["status"]]
    for name in nodes:
        server.cluster.fail_node("default", name)
        statuses.append(client.get(CLUSTERS + "default").json()["status"])
    assert statuses == ["healthy", *["degraded"] * (len(nodes) - 1), "unavailable"]
    node = client.get(CLUSTERS + "default").json()["nodes"][0]
    assert (node["status"], node["cpu"]["available"], node["memory"]["available"]) == ("down", "0", "0")
    server.cluster.restore_node("default", nodes[0])
    server.advance(3600)
    assert client.get(CLUSTERS + "default").json()["nodes"][0]["status"] == "ready"


# Metrics


def test_metrics_of_a_service_that_has_done_nothing(client: httpx.Client) -> None:
    assert client.get(METRICS).json() == {
        "jobs": {"total_submitted_24h": 0, "total_completed_24h": 0, "total_failed_24h": 0, "success_rate": 1.0},
        "latency": {
            "dispatch_p50_ms": 0.0,
            "dispatch_p99_ms": 0.0,
            "execution_p50_seconds": 0.0,
            "execution_p99_seconds": 0.0,
        },
        "throughput": {"jobs_per_second": 0.0, "peak_jobs_per_second": 0.0},
    }


def test_metrics_are_worked_out_from_what_happened(server: MockServer, client: httpx.Client) -> None:
    for seconds in (1, 2, 3, 4, 50):
        created(client, config={"command": f"sleep {seconds}"})
    created(client, config={"command": "false"})
    client.delete(JOBS + created(client)["id"])
    server.advance(55)
    created(client, config={"command": "sleep 100"})
    server.advance(2)
    found = client.get(METRICS).json()
    assert found["jobs"] == {
        "total_submitted_24h": 8,
        "total_completed_24h": 5,
        "total_failed_24h": 1,
        "success_rate": 0.625,
    }
    assert found["latency"] == {
        "dispatch_p50_ms": 100.0,
        "dispatch_p99_ms": 100.0,
        "execution_p50_seconds": 2.0,
        "execution_p99_seconds": 50.0,
    }
    assert found["throughput"] == {"jobs_per_second": round(7 / 60, 3), "peak_jobs_per_second": 6.0}
    server.advance(86_400)
    later = client.get(METRICS).json()
    assert later["jobs"] == {
        "total_submitted_24h": 0,
        "total_completed_24h": 1,
        "total_failed_24h": 0,
        "success_rate": 1.0,
    }
