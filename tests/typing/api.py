"""What type checkers infer for users of the SDK; checked by mypy and pyright, never run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, assert_type

from vantage_sdk import (
    ApiKey,
    AsyncStream,
    AsyncVantageClient,
    BatchResult,
    Cluster,
    ClusterMetrics,
    ClusterUsage,
    Event,
    Invoice,
    Job,
    JobCompleted,
    JobMetrics,
    Logs,
    NodeTypes,
    Page,
    RawResponse,
    ResultPage,
    StorageFile,
    Stream,
    Team,
    TeamMember,
    TransferReport,
    UsageSummary,
    User,
    VantageClient,
    Webhook,
    WebhookSubscription,
    Workflow,
    WorkflowGraph,
    WorkflowResult,
    WorkflowSummary,
    WorkflowValidation,
    wait_for_completion,
)
from vantage_sdk.core.resource import Async, Sync

client = VantageClient(api_key="key", timeout=timedelta(minutes=1))


def blocking() -> None:
    assert_type(client.jobs.get("a", include=["logs"], timeout=5), Job)
    assert_type(client.jobs.list(status="running", created_after=datetime.now(UTC)), Page[Job])
    assert_type(client.jobs.list()[0], Job)
    assert_type(client.jobs.list()[:2], list[Job])
    assert_type(client.jobs.list_all(page_size=10, prefetch=1), Stream[Job])
    assert_type(client.jobs.list_paginated(cluster="gpu"), Stream[Page[Job]])
    assert_type(client.jobs.submit({"name": "x", "command": "true"}, priority=10, env={"A": "b"}), Job)
    assert_type(client.jobs.submit_many([{"name": "x"}]), Sequence[Job])
    assert_type(client.jobs.cancel_batch(["a"]), BatchResult)
    assert_type(client.jobs.delete("a"), None)
    assert_type(client.jobs.logs("a", tail=3), Logs)
    assert_type(client.jobs.logs_stream("a"), Stream[str])
    assert_type(client.jobs.find("key"), Job | None)
    assert_type(client.jobs.wait("a", timeout=3, until=lambda job: job.status == "running"), Job)
    assert_type(client.jobs.wait_all(["a"]), Sequence[Job])
    assert_type(client.jobs.as_completed(["a"]), Stream[Job])
    assert_type(wait_for_completion(client, "a"), Job)
    assert_type(client.clusters.list(), Page[Cluster])
    assert_type(client.clusters.scale("a", nodes=3), Cluster)
    assert_type(client.clusters.usage("a"), ClusterUsage)
    assert_type(client.storage.list("/a", recursive=True), Page[StorageFile])
    assert_type(client.storage.upload("a.txt", "/a.txt", progress_callback=lambda done, total: None), StorageFile)
    assert_type(client.storage.upload(iter([b"a"]), "/a.txt"), StorageFile)
    assert_type(client.storage.upload_directory(Path("a"), "/a", include="*.csv", sync=True), TransferReport)
    assert_type(client.storage.download("/a.txt", Path("a.txt")), Path)
    assert_type(client.storage.download_to_file("/a.txt", BytesIO()), int)
    assert_type(client.storage.download_to_bytes("/a"), bytes)
    assert_type(client.storage.download_to_string("/a"), str)
    assert_type(client.storage.download_stream("/a"), Stream[bytes])
    assert_type(client.storage.exists("/a"), bool)
    assert_type(client.teams.list(sort="name"), Page[Team])
    assert_type(client.teams.members("a"), Page[TeamMember])
    assert_type(client.teams.members_all("a"), Stream[TeamMember])
    assert_type(client.teams.add_member("a", "b", role="admin"), TeamMember)
    assert_type(client.teams.remove_member("a", "b"), None)
    assert_type(client.users.me(), User)
    assert_type(client.users.jobs(status="running"), Page[Job])
    assert_type(client.billing.usage(created_after=datetime.now(UTC)), UsageSummary)
    assert_type(client.billing.invoices_paginated(), Stream[Page[Invoice]])
    assert_type(client.billing.invoice("a").amount, Decimal | None)
    assert_type(client.monitoring.job_metrics("a"), JobMetrics)
    assert_type(client.monitoring.cluster_metrics("a", metrics=["gpu_percent"]), ClusterMetrics)
    assert_type(client.webhooks.create("https://h/", ["job.completed"]), WebhookSubscription)
    assert_type(client.webhooks.list_all(), Stream[WebhookSubscription])
    event = Webhook("s3cret").unwrap(b"{}", {"webhook-id": "a"})
    assert_type(event, Event)
    if isinstance(event, JobCompleted):
        assert_type(event.data, Job)
    assert_type(client.with_raw.jobs.get("a"), RawResponse[Job])
    assert_type(client.with_raw.jobs.get("a").data.status, str)
    assert_type(client.with_options(max_retries=0).jobs.get("a"), Job)
    assert_type(client.request("GET", "/things"), RawResponse[Any])
    for job in client.jobs.list_all():
        assert_type(job.created_at, datetime | None)
    with client.jobs.logs_stream("a") as lines:
        iterator: Iterator[str] = lines
        assert_type(next(iterator), str)


async def asynchronous() -> None:
    async with AsyncVantageClient() as aclient:
        assert_type(await aclient.jobs.get("a"), Job)
        pending: Coroutine[Any, Any, Job] = aclient.jobs.get("a")
        assert_type(await pending, Job)
        assert_type(await aclient.jobs.list(status="running"), Page[Job])
        assert_type(aclient.jobs.list_all(), AsyncStream[Job])
        assert_type(aclient.jobs.logs_stream("a"), AsyncStream[str])
        assert_type(await aclient.jobs.wait_all(["a"]), Sequence[Job])
        assert_type(await wait_for_completion(aclient, "a"), Job)
        assert_type(await aclient.with_raw.jobs.list(), RawResponse[Page[Job]])
        assert_type(await asyncio.gather(aclient.jobs.get("1"), aclient.jobs.get("2")), tuple[Job, Job])
        assert_type(await aclient.clusters.get("2"), Cluster)
        async for job in aclient.jobs.list_all():
            assert_type(job, Job)
        assert_type(await aclient.users.me(), User)
        assert_type(aclient.webhooks.list_all(), AsyncStream[WebhookSubscription])
        assert_type(await aclient.with_raw.billing.invoices(), RawResponse[Page[Invoice]])
        assert_type(await aclient.storage.upload(b"a", "/a"), StorageFile)
        assert_type(await aclient.storage.download("/a.txt", "a.txt"), Path)
        assert_type(aclient.storage.download_stream("/a"), AsyncStream[bytes])
        stream: AsyncIterator[str] = aclient.jobs.logs_stream("a")
        assert_type(await anext(stream), str)


def workflows() -> None:
    graph = WorkflowGraph("t")
    graph.terminator("x/y", after=[graph.getter("x/y", limit=1)])
    assert_type(client.workflows.create(graph), Workflow)
    assert_type(client.workflows.update(42, graph=graph).node_id_map, dict[str, int] | None)
    assert_type(client.workflows.list(page=0), Page[WorkflowSummary])
    assert_type(client.workflows.list_all(), Stream[WorkflowSummary])
    assert_type(client.workflows.validate("42"), WorkflowValidation)
    assert_type(client.workflows.results(42, "r", limit=10), ResultPage)
    assert_type(client.keys.list()[0], ApiKey)
    assert_type(client.keys.create("n").full_key.reveal(), str)
    assert_type(client.node_types.list(role="getter"), NodeTypes)
    result = client.workflows.execute(42, params={"a": 1}, timeout=5)
    assert_type(result, WorkflowResult[Sync])
    assert_type(result.rows, list[dict[str, Any]])
    assert_type(result.execution_time, timedelta | None)
    assert_type(result.iter_rows(), Stream[dict[str, Any]])
    assert_type(result.to_dicts(), list[dict[str, Any]])
    assert_type(result.again(), WorkflowResult[Sync])
    client.workflows.execute(42, parameters={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.with_raw.workflows.execute(42)  # type: ignore[arg-type]  # pyright: ignore


async def asynchronous_workflows() -> None:
    aclient = AsyncVantageClient()
    result = await aclient.workflows.execute(42)
    assert_type(result, WorkflowResult[Async])
    assert_type(result.iter_pages(), AsyncStream[ResultPage])
    assert_type(await result.to_dicts(), list[dict[str, Any]])
    assert_type(await result.again(), WorkflowResult[Async])
    assert_type((await aclient.with_raw.keys.list()).data, Page[ApiKey])


async def mistakes() -> None:
    aclient = AsyncVantageClient()
    client.jobs.get(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.jobs.get("a", includes=[])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.storage.upload(7, "/a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.storage.upload_directory("a", "/a", synch=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.teams.add_member("a", "b", role="boss")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.jobs.get()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.jobs.list(state="running")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.jobs.submit({}, priority="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.jobs.get("a").stauts  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnusedExpression]
    client.with_raw.jobs.logs_stream("a")  # type: ignore[arg-type]  # pyright: ignore
    aclient.jobs.get("a").id  # type: ignore[attr-defined]  # pyright: ignore
    await client.jobs.get("a")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    for _ in aclient.jobs.list_all():  # type: ignore[attr-defined]  # pyright: ignore
        pass
    wait_for_completion("a", client)  # type: ignore[call-overload]  # pyright: ignore
