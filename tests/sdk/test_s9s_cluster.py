"""Nodes, users, partitions, measurements, and what S9S says of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.s9s_uses import BODIES, example
from tests.support.faces import Face
from tests.support.s9s_answers import fault
from tests.support.scripted import Json, Reply, ScriptedServer
from vantage_sdk import AuthenticationError, Duration, ResourceNotFoundError, VantageAPIError

ANSWER = {"node_name": "node001", "state": "DRAIN", "reason": "r", "message": "Node drained successfully"}
NOON = datetime(2023, 12, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("call", "sent", "body"),
    [
        (lambda c: c.nodes.list(), "GET /v1/nodes", None),
        (
            lambda c: c.nodes.list(state="IDLE", partition="gpu", features=["gpu", "cuda"], available=True),
            "GET /v1/nodes?state=IDLE&partition=gpu&features=gpu%2Ccuda&available=true",
            None,
        ),
        (lambda c: c.nodes.list(features="gpu", available=False), "GET /v1/nodes?features=gpu&available=false", None),
        (lambda c: c.nodes.list(features=[]), "GET /v1/nodes", None),
        (lambda c: c.nodes.get("node001"), "GET /v1/nodes/node001", None),
        (lambda c: c.nodes.drain("node001"), "PUT /v1/nodes/node001/drain", {}),
        (
            lambda c: c.nodes.drain("node001", reason="r", timeout=timedelta(hours=2)),
            "PUT /v1/nodes/node001/drain",
            {"reason": "r", "timeout": "2:00:00"},
        ),
        (lambda c: c.nodes.drain("n", timeout=Duration("2h")), "PUT /v1/nodes/n/drain", {"timeout": "2h"}),
        (lambda c: c.nodes.resume("node001"), "PUT /v1/nodes/node001/resume", None),
        (lambda c: c.nodes.set_state("n", "DOWN"), "PUT /v1/nodes/n/state", {"state": "DOWN"}),
        (lambda c: c.users.get("al/ice"), "GET /v1/users/al%2Fice", None),
        (lambda c: c.metrics.performance(), "GET /v1/metrics/performance", None),
        (
            lambda c: c.metrics.performance(start_time=NOON, end_time="2023-12-16T00:00:00Z", interval="5m"),
            "GET /v1/metrics/performance?start_time=2023-12-15T12%3A00%3A00Z&end_time=2023-12-16T00%3A00%3A00Z&interval=5m",
            None,
        ),
        (
            lambda c: c.metrics.performance(metrics=["gpu_utilization", "jobs_submitted"]),
            "GET /v1/metrics/performance?metrics=gpu_utilization%2Cjobs_submitted",
            None,
        ),
        (
            lambda c: c.metrics.efficiency(user="a", metrics=["gpu_utilization", "gpu_utilization"]),
            "GET /v1/metrics/efficiency?user=a&metrics=gpu_utilization",
            None,
        ),
        (lambda c: c.metrics.efficiency(metrics=[]), "GET /v1/metrics/efficiency", None),
        (lambda c: c.metrics.efficiency(), "GET /v1/metrics/efficiency", None),
        (
            lambda c: c.metrics.efficiency(user="alice", partition="gpu", min_runtime=90),
            "GET /v1/metrics/efficiency?user=alice&partition=gpu&min_runtime=0%3A01%3A30",
            None,
        ),
        (lambda c: c.metrics.efficiency(min_runtime="12m 34s"), "GET /v1/metrics/efficiency?min_runtime=12m+34s", None),
        (lambda c: c.search("alice gpu", limit=20), "GET /v1/search?q=alice+gpu&limit=20", None),
        (lambda c: c.search("a", type="jobs"), "GET /v1/search?q=a&type=jobs", None),
        (lambda c: c.openapi(), "GET /v1/openapi.json", None),
    ],
)
async def test_a_call_sends_what_was_given_and_nothing_else(
    face: Face, call: Callable[[Any], Any], sent: str, body: Any
) -> None:
    with ScriptedServer([Json(200, {**ANSWER, "nodes": [], "username": "u"})]) as server:
        async with face.s9s(server.url) as client:
            await call(client)
    [request] = server.requests
    assert f"{request.method} {request.target}" == sent
    assert (request.json() if request.body else None) == body


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda c: c.nodes.get(""), "node_name cannot be ''"),
        (lambda c: c.nodes.drain("n", timeout="soon"), "timeout: a span of time is written like"),
        (lambda c: c.nodes.set_state("n", " "), "state cannot be empty"),
        (lambda c: c.metrics.performance(interval="2h"), "interval is one of 1m, 5m, 1h, 1d"),
        (lambda c: c.metrics.performance(start_time="noon"), "start_time takes ISO 8601 text"),
        (lambda c: c.metrics.performance(end_time=datetime(2023, 1, 1)), "end_time needs a time zone"),
        (lambda c: c.metrics.performance(metrics=["gpu_percent"]), "metrics is one of cpu_utilization, memory_util"),
        (lambda c: c.metrics.efficiency(metrics=["cpu_percent"]), "metrics is one of cpu_efficiency, memory_eff"),
        (lambda c: c.metrics.efficiency(min_runtime="long"), "min_runtime: a span of time"),
        (lambda c: c.search(" "), "q cannot be empty"),
        (lambda c: c.search("a", limit=0), "limit is a number from 1"),
    ],
)
async def test_a_wrong_value_is_refused(face: Face, call: Callable[[Any], Any], problem: str) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=problem):
            await call(client)
        with pytest.raises(TypeError, match="available takes True or False"):
            await client.nodes.list(available="yes")
        with pytest.raises(TypeError, match="metrics takes several names, not int"):
            await client.metrics.efficiency(metrics=1)


async def test_an_action_tells_the_node_its_state_and_why(face: Face) -> None:
    with ScriptedServer([Json(200, ANSWER)]) as server:
        async with face.s9s(server.url) as client:
            node = await client.nodes.drain("node001", reason="r")
    assert (node.id, node.state, node.reason, node.message) == ("node001", "DRAIN", "r", "Node drained successfully")
    assert (node.cpu_total, node.jobs, node.features) == (None, None, None)


async def test_the_samples_are_typed(face: Face) -> None:
    names = {"nodes": "nodes_list", "partitions": "partitions_list", "users": "users_list"}
    with ScriptedServer([Json(200, example(f"{name}.response")) for name in names.values()]) as server:
        async with face.s9s(server.url) as client:
            [node], [partition], [user] = (
                await client.nodes.list(),
                await client.partitions.list(),
                await client.users.list(),
            )
    assert (node.cpu_load, node.memory_free, node.boot_time) == (14.2, "58GB", datetime(2023, 12, 1, 8, 30, tzinfo=UTC))
    assert (node.memory_total > node.memory_allocated > node.memory_free, node.memory_total.value) == (
        True,
        128 * 10**9,
    )
    assert (partition.max_time, partition.default_time) == (timedelta(days=7), timedelta(hours=2))
    assert partition.default_time < partition.max_time
    assert str(user.cpu_time_used) == "1247h"
    assert (user.associations[0].account, user.associations[0].qos) == ("research", ["normal", "high"])


async def test_measurements_are_typed(face: Face) -> None:
    efficiency = {
        "jobs": [{"job_id": "1", "runtime": "2:15:30", "cpu_efficiency": 0.85}],
        "total": 1,
        "averages": {"cpu_efficiency": 0.85},
    }
    answers = [example("metrics_cluster.response"), example("metrics_performance.response"), efficiency]
    with ScriptedServer([Json(200, answer) for answer in answers]) as server:
        async with face.s9s(server.url) as client:
            stats = await client.metrics.cluster()
            series = await client.metrics.performance()
            report = await client.metrics.efficiency()
    assert (stats.job_counts["RUNNING"], stats.node_counts["DRAIN"]) == (1247, 2)
    assert stats.cluster_utilization.gpu_percent == 84.7
    assert stats.queue_stats.avg_wait_time == timedelta(minutes=12, seconds=34)
    assert str(stats.queue_stats.max_wait_time) == "2h 15m"
    assert (series.count, series.interval, series.metrics[0].avg_queue_time) == (24, "1h", 720)
    assert (report.jobs[0].runtime, report.averages["cpu_efficiency"]) == ("2:15:30", 0.85)


async def test_what_is_found_is_a_sequence(face: Face) -> None:
    with ScriptedServer([Json(200, example("search.response")), Json(200, {"results": [], "total": 0})]) as server:
        async with face.s9s(server.url) as client:
            found = await client.search("alice gpu")
            assert [*await client.search("nothing")] == []
    assert [(hit.type, hit.id, hit.score) for hit in found] == [("job", "12345", 0.95), ("node", "gpu001", 0.82)]
    assert (len(found), found[0].url, found.total, found.query_time) == (2, "/v1/jobs/12345", 15, 0.045)


async def test_the_service_tells_of_itself(face: Face) -> None:
    with ScriptedServer([Json(200, BODIES["status"]), Json(200, {"openapi": "3.1.0", "paths": {}})]) as server:
        async with face.s9s(server.url) as client:
            status = await client.status()
            assert await client.openapi() == {"openapi": "3.1.0", "paths": {}}
    assert (status.status, status.slurm) == ("ok", {"connected": True})


@pytest.mark.parametrize("body", [b"[]", b"openapi: 3.1.0\n", b""])
async def test_a_description_that_is_no_object_is_an_error(face: Face, body: bytes) -> None:
    with ScriptedServer([Reply(200, body, {"Content-Type": "application/json"})]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(VantageAPIError, match="the answer is not what this call returns"):
                await client.openapi()


async def test_refusals_are_errors(face: Face) -> None:
    with ScriptedServer([fault(404, "RESOURCE_NOT_FOUND"), fault(401, "AUTHENTICATION_FAILED")]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(ResourceNotFoundError):
                await client.nodes.get("node999")
            with pytest.raises(AuthenticationError):
                await client.status()
