"""What type checkers infer for users of the client of S9S; checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import Signals
from typing import Any, assert_type

from vantage_sdk import (
    AsyncLiveStream,
    AsyncS9SClient,
    AsyncStream,
    BulkOutcome,
    BulkResult,
    ClusterStats,
    Dependency,
    Duration,
    EfficiencyReport,
    Export,
    JobUpdate,
    LiveStream,
    Logs,
    NodeUpdate,
    Page,
    PerformanceSeries,
    Phase,
    Quantity,
    RawResponse,
    Report,
    Resynced,
    S9SClient,
    S9SJob,
    S9SNode,
    S9SPartition,
    S9SStatus,
    S9SUser,
    SearchHit,
    SearchResults,
    Stream,
    Update,
)

client = S9SClient("https://s9s.example.com", "token")


def jobs() -> None:
    assert_type(client.jobs.list(state="RUNNING", user="alice", order="asc"), Page[S9SJob])
    assert_type(client.jobs.list_all(page_size=10, partition="gpu"), Stream[S9SJob])
    assert_type(client.jobs.list_paginated(), Stream[Page[S9SJob]])
    job = client.jobs.get(12345)
    assert_type(job, S9SJob)
    assert_type(job.phase, Phase)
    assert_type(job.elapsed_time, Duration | None)
    assert_type(job.nodes, list[str] | None)
    assert_type(job.submit_time, datetime | None)
    assert_type(job.memory, Quantity | None)
    assert_type(job.dependencies, list[Dependency] | None)
    assert_type(client.jobs.submit(name="n", script="s", nodes=2, time_limit=timedelta(hours=4)), S9SJob)
    assert_type(client.jobs.submit(script="s", dependencies=[Dependency("afterok", 1), {"type": "singleton"}]), S9SJob)
    assert_type(client.jobs.submit(script="s", dependencies="afterok:1", array="0-3%2", time_limit="2h"), S9SJob)
    assert_type(client.jobs.cancel(1, signal=Signals.SIGINT, force=True), S9SJob)
    assert_type(client.jobs.hold("1", reason="r"), S9SJob)
    assert_type(client.jobs.set_priority(1, 5), S9SJob)
    assert_type(client.jobs.output(1, lines=3), Logs)
    assert_type(client.jobs.error("1").lines, list[str])
    assert_type(client.jobs.bulk("hold", [1, "2", job]), BulkResult)
    assert_type(client.jobs.cancel_batch([1]).failed, list[BulkOutcome])
    assert_type(client.jobs.wait(1, timeout=3, until=lambda job: job.state == "RUNNING"), S9SJob)
    assert_type(client.jobs.wait_all([1, job]), Sequence[S9SJob])
    assert_type(client.jobs.as_completed(["1"]), Stream[S9SJob])


def cluster() -> None:
    assert_type(client.nodes.list(features=["gpu"], available=True), Page[S9SNode])
    assert_type(client.nodes.drain("n", timeout="2h"), S9SNode)
    assert_type(client.users.list()[0], S9SUser)
    assert_type(client.partitions.list(), Page[S9SPartition])
    assert_type(client.metrics.cluster(), ClusterStats)
    assert_type(client.metrics.performance(start_time=datetime.now(UTC), interval="1h"), PerformanceSeries)
    assert_type(client.metrics.performance(metrics=["jobs_submitted", "avg_queue_time"]), PerformanceSeries)
    assert_type(client.metrics.efficiency(min_runtime=90, metrics=["gpu_utilization"]), EfficiencyReport)
    assert_type(client.search("a", type="jobs"), SearchResults)
    assert_type(next(iter(client.search("a"))), SearchHit)
    assert_type(client.status(), S9SStatus)
    assert_type(client.openapi(), Mapping[str, Any])


def documents() -> None:
    export = client.exports.create(filter={"state": "COMPLETED"}, fields=["job_id"])
    assert_type(export, Export)
    assert_type(client.exports.wait(export, timeout=5), Export)
    assert_type(client.exports.download("e", "rows.csv", progress_callback=lambda done, total: None), Path)
    assert_type(client.exports.download_to_bytes(export), bytes)
    assert_type(client.exports.download_to_string("e"), str)
    assert_type(client.reports.create("utilization"), Report)
    assert_type(client.reports.list(), Page[Report])
    assert_type(client.reports.download("r", Path("report.pdf")), Path)


def events() -> None:
    with client.events.subscribe("jobs", {"user": "alice"}, queue=5, overflow="drop_oldest") as updates:
        assert_type(updates, LiveStream[Update | Resynced])
        assert_type(next(updates), Update | Resynced)
        assert_type(updates.poll(timedelta(seconds=1)), Update | Resynced | None)
        assert_type(updates.ended, bool)
        for item in updates:
            if isinstance(item, JobUpdate):
                assert_type(item.data, S9SJob | None)
            elif isinstance(item, NodeUpdate):
                assert_type(item.data, S9SNode | None)
            elif isinstance(item, Resynced):
                assert_type(item.since, int | None)
    client.events.subscribe({"jobs": {"user": "alice"}, "nodes": None}, after={"jobs": 3}, ping_interval=None)
    assert_type(client.jobs.follow(1, "error"), Stream[str])


async def asynchronous() -> None:
    async with AsyncS9SClient("https://s9s.example.com", "token") as aclient:
        pending: Coroutine[Any, Any, S9SJob] = aclient.jobs.get(1)
        assert_type(await pending, S9SJob)
        assert_type(await aclient.jobs.submit(script="s"), S9SJob)
        assert_type(aclient.jobs.list_all(), AsyncStream[S9SJob])
        assert_type(await aclient.search("a"), SearchResults)
        assert_type(await aclient.with_raw.search("a"), RawResponse[SearchResults])
        assert_type(await aclient.with_raw.jobs.list(), RawResponse[Page[S9SJob]])
        assert_type(await aclient.exports.download("e", "rows.csv"), Path)
        assert_type(aclient.events.subscribe("jobs"), AsyncLiveStream[Update | Resynced])
        async with aclient.events.subscribe("nodes", reconnect=False) as updates:
            assert_type(await anext(updates), Update | Resynced)
            assert_type(await updates.poll(5), Update | Resynced | None)
        assert_type(aclient.jobs.follow(1), AsyncStream[str])


def durations() -> None:
    assert_type(Duration("2h").timedelta, timedelta | None)
    assert_type(Duration(90) < Duration("2h"), bool)
    assert_type(Duration("2h") >= timedelta(hours=1), bool)
    text: str = Duration("2h")
    assert_type(text.upper(), str)


async def mistakes() -> None:
    aclient = AsyncS9SClient()
    client.jobs.submit(name="n")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.jobs.submit(script="s", nodes="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.jobs.submit(script="s", cpus=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.jobs.list(status="RUNNING")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.jobs.bulk("delete", [1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.metrics.efficiency(metrics=["gpu"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    client.metrics.performance(interval="2h")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.search("a", type="things")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.events.subscribe()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.events.subscribe("jobs", overflow="lose")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.events.subscribe("jobs", chanel="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.search()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.with_raw.jobs.list_all()  # type: ignore[arg-type]  # pyright: ignore
    aclient.jobs.get(1).state  # type: ignore[attr-defined]  # pyright: ignore
    assert Duration("2h") < 7200  # type: ignore[operator]  # pyright: ignore
