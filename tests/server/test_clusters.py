"""Clusters over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from mock_server import MockServer


def test_list_and_filters(client: httpx.Client) -> None:
    everything = client.get("/v1/clusters?sort=name").json()
    assert [cluster["name"] for cluster in everything["clusters"]] == [
        "gpu-cluster",
        "hpc-cluster",
        "my-cluster",
        "specific-cluster",
    ]
    assert (everything["total"], everything["page"], everything["per_page"]) == (4, 1, 50)
    aws = client.get("/v1/clusters?status=running&provider=aws&region=us-west-2").json()
    assert [cluster["id"] for cluster in aws["clusters"]] == ["cluster_abc"]
    assert client.get("/v1/clusters?status=stopped").json()["total"] == 0


@pytest.mark.parametrize("key", ["cluster_abc", "gpu-cluster"])
def test_get_by_id_or_name(client: httpx.Client, key: str) -> None:
    cluster = client.get(f"/v1/clusters/{key}").json()
    assert cluster["id"] == "cluster_abc"
    assert cluster["node_count"] == 4
    assert cluster["total_resources"] == {"cpus": 128, "memory": "1024GB", "gpus": 16}
    assert cluster["created_at"] == "2024-01-01T00:00:00Z"
    assert not {"nodes", "metrics"} & cluster.keys()


def test_include_embeds_what_the_dedicated_call_shows(client: httpx.Client) -> None:
    cluster = client.get("/v1/clusters/my-cluster?include=metrics,nodes").json()
    assert cluster["nodes"] == client.get("/v1/clusters/my-cluster/nodes").json()["nodes"]
    assert cluster["metrics"]["cluster_id"] == "cluster_123"
    assert cluster["metrics"] == client.get("/v1/monitoring/clusters/my-cluster/metrics").json()
    assert len(cluster["metrics"]["metrics"]) == 13
    assert client.get("/v1/clusters/my-cluster?include=jobs").status_code == 400


def test_a_cluster_without_gpus_has_no_gpu_load(client: httpx.Client) -> None:
    metrics = client.get("/v1/clusters/cluster_456?include=metrics").json()["metrics"]["metrics"]
    assert {point["gpu_percent"] for point in metrics} == {None}


def test_nodes_are_paged(client: httpx.Client) -> None:
    first = client.get("/v1/clusters/gpu-cluster/nodes?limit=3").json()
    rest = client.get("/v1/clusters/gpu-cluster/nodes?limit=3&page=2").json()
    assert (first["total"], len(first["nodes"]), len(rest["nodes"])) == (4, 3, 1)
    assert sum(node["running_jobs"] for node in first["nodes"] + rest["nodes"]) == 2
    node = first["nodes"][0]
    assert (node["status"], node["cpus"], node["memory"], node["gpus"]) == ("ready", 32, "256GB", 4)


def test_usage_adds_up_what_ran(server: MockServer, client: httpx.Client) -> None:
    server.advance(3600)
    usage = client.get("/v1/clusters/gpu-cluster/usage").json()
    assert usage["period_start"] == "2024-01-01T00:00:00Z"
    assert usage["period_end"] == "2024-01-15T11:35:00Z"
    assert usage["jobs_total"] == 2
    assert usage["gpu_hours"] == pytest.approx((240 + 3600 + 1495 + 3600) / 3600)
    assert usage["cpu_hours"] == pytest.approx((4 * (240 + 3600) + 2 * (1495 + 3600)) / 3600)


def test_usage_of_a_period(server: MockServer, client: httpx.Client) -> None:
    server.advance(3600)
    query = "created_after=2024-01-15T11:00:00Z&created_before=2024-01-15T11:30:00Z"
    usage = client.get(f"/v1/clusters/gpu-cluster/usage?{query}").json()
    assert (usage["period_start"], usage["period_end"]) == ("2024-01-15T11:00:00Z", "2024-01-15T11:30:00Z")
    assert usage["cpu_hours"] == pytest.approx(3)
    assert usage["utilization"]["cpu_percent"] == pytest.approx(100 * 6 / 128, abs=1e-3)
    empty = client.get("/v1/clusters/gpu-cluster/usage?created_before=2020-01-01&created_after=2021-01-01").json()
    assert (empty["period_start"], empty["period_end"], empty["cpu_hours"]) == (*["2021-01-01T00:00:00Z"] * 2, 0)


def test_scale_to_a_size(server: MockServer, client: httpx.Client) -> None:
    cluster = client.post("/v1/clusters/my-cluster/scale", json={"nodes": 10})
    assert cluster.status_code == 200
    assert cluster.json()["scaling"] == {"nodes": 10}
    server.run_until_idle()
    assert client.get("/v1/clusters/my-cluster").json()["node_count"] == 10


def test_scale_to_a_range(client: httpx.Client) -> None:
    policy = {"min_nodes": 2, "max_nodes": 20, "target_utilization": 0.8}
    assert client.post("/v1/clusters/cluster_123/scale", json=policy).json()["scaling"] == policy
    assert client.get("/v1/clusters/cluster_123").json()["scaling"] == policy


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"nodes": 3, "min_nodes": 1, "max_nodes": 4},
        {"nodes": 3, "target_utilization": 0.5},
        {"min_nodes": 1},
        {"max_nodes": 1},
        {"target_utilization": 0.5},
        {"min_nodes": 5, "max_nodes": 4},
        {"nodes": -1},
        {"nodes": 1_000_000_000},
        {"nodes": "3"},
        {"nodes": None},
        {"nodes": True},
        {"min_nodes": 1, "max_nodes": 2, "target_utilization": 1.5},
        {"count": 3},
    ],
)
def test_scale_refuses_what_is_no_policy(client: httpx.Client, body: dict[str, Any]) -> None:
    assert client.post("/v1/clusters/my-cluster/scale", json=body).status_code == 400
    assert client.get("/v1/clusters/my-cluster").json()["scaling"] == {"nodes": 4}


@pytest.mark.parametrize("path", ["", "/usage", "/nodes"])
def test_an_unknown_cluster_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(f"/v1/clusters/unheard-of{path}")
    assert response.status_code == 404
    assert response.json()["details"] == {"resource": "cluster", "id": "unheard-of"}


def test_a_failed_node_is_shown(server: MockServer, client: httpx.Client) -> None:
    server.cluster.fail_node("cluster_abc", "gpu-node-01")
    assert client.get("/v1/clusters/cluster_abc/nodes").json()["nodes"][0]["status"] == "down"
    server.cluster.restore_node("cluster_abc", "gpu-node-01")
    server.run_until_idle()
    assert client.get("/v1/clusters/cluster_abc/nodes").json()["nodes"][0]["status"] == "ready"
