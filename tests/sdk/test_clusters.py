"""Clusters against the bundled server."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import ResourceNotFoundError


async def test_list_filters(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        assert {c.name for c in await client.clusters.list()} == {
            "gpu-cluster",
            "hpc-cluster",
            "my-cluster",
            "specific-cluster",
        }
        found = await client.clusters.list(status="running", provider="aws", region="us-west-2")
        assert [c.name for c in found] == ["gpu-cluster"]


async def test_get_takes_a_name_or_an_id(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        by_name = await client.clusters.get("my-cluster")
        assert by_name == await client.clusters.get(by_name.id)
        full = await client.clusters.get("my-cluster", include=["nodes", "metrics"])
        assert len(full.nodes or []) == by_name.node_count
        assert full.metrics is not None
        assert by_name.total_resources is not None
        assert by_name.total_resources.cpus
        with pytest.raises(ResourceNotFoundError):
            await client.clusters.get("no-cluster")


async def test_nodes_come_whole_or_by_page(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        nodes = await client.clusters.nodes("my-cluster")
        assert len(nodes) == nodes.total == 4
        some = await client.clusters.nodes("my-cluster", limit=3)
        assert (len(some), some.total, some.has_next) == (3, 4, True)
        assert len(await client.clusters.nodes("my-cluster", limit=3, offset=3)) == 1


async def test_nodes_that_are_not_embedded_are_fetched(face: Face) -> None:
    answers = [
        Json(200, {"id": "c", "name": "n"}),
        Json(200, {"cluster_id": "c", "nodes": [{"name": "node-1"}], "total": 1}),
    ]
    with ScriptedServer(answers) as server:
        async with face.client(server.url) as client:
            cluster = await client.clusters.get("n", include=["nodes"])
    assert [node.name for node in cluster.nodes or []] == ["node-1"]


async def test_metrics_that_are_not_embedded_are_fetched(face: Face) -> None:
    series = {"cluster_id": "c", "metrics": [{"timestamp": "2024-01-15T10:35:00Z", "cpu_percent": 71.2}]}
    with ScriptedServer([Json(200, {"id": "c", "name": "n"}), Json(200, series)]) as server:
        async with face.client(server.url) as client:
            cluster = await client.clusters.get("n", include=["metrics"])
    assert server.requests[1].path == "/v1/monitoring/clusters/c/metrics"
    assert cluster.to_dict() == {"id": "c", "name": "n", "metrics": series}


async def test_usage_adds_up_what_ran(face: Face) -> None:
    with MockServer(clock="manual", world="empty") as server:
        async with face.client(server.url) as client:
            cluster = (await client.clusters.list())[0]
            before = await client.clusters.usage(cluster.id)
            await client.jobs.submit({"name": "n", "command": "sleep 3600", "resources": {"cpus": 2}})
            server.advance(7200)
            usage = await client.clusters.usage(cluster.id)
    assert before.cpu_hours == 0
    assert usage.cpu_hours == pytest.approx(2, rel=0.01)
    assert usage.jobs_total == 1
    assert usage.utilization.cpu_percent is not None


async def test_scale_to_a_fixed_size_or_a_range(face: Face) -> None:
    with MockServer(clock="manual") as server:
        async with face.client(server.url) as client:
            await client.clusters.scale("my-cluster", nodes=6)
            server.advance(600)
            assert (await client.clusters.get("my-cluster")).node_count == 6
            ranged = await client.clusters.scale("my-cluster", min_nodes=2, max_nodes=20, target_utilization=0.8)
            assert ranged.scaling is not None
            assert (ranged.scaling.min_nodes, ranged.scaling.max_nodes, ranged.scaling.target_utilization) == (
                2,
                20,
                0.8,
            )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "give nodes, or both min_nodes and max_nodes"),
        ({"min_nodes": 1}, "both min_nodes and max_nodes"),
        ({"max_nodes": 1}, "both min_nodes and max_nodes"),
        ({"nodes": 1, "min_nodes": 1}, "nodes sets a fixed size"),
        ({"nodes": 1, "target_utilization": 0.5}, "nodes sets a fixed size"),
        ({"min_nodes": 3, "max_nodes": 2}, r"min_nodes \(3\) is above max_nodes \(2\)"),
        ({"nodes": -1}, "nodes is a number from 0, not -1"),
        ({"nodes": 1.5}, "nodes is a number from 0, not 1.5"),
        ({"nodes": True}, "nodes is a number from 0, not True"),
        ({"min_nodes": 1, "max_nodes": 2, "target_utilization": 1.5}, "target_utilization is above 0 and at most 1"),
        ({"min_nodes": 1, "max_nodes": 2, "target_utilization": 0}, "target_utilization is above 0 and at most 1"),
    ],
)
async def test_contradictory_sizes_are_refused_before_anything_is_sent(
    face: Face, given: dict[str, Any], says: str
) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=says):
            await client.clusters.scale("my-cluster", **given)
