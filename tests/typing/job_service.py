"""What type checkers infer for users of the job service; checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Any, assert_type

from vantage_sdk import (
    AsyncJobServiceClient,
    AsyncS9SClient,
    AsyncStream,
    Gang,
    JobServiceClient,
    JobServiceCluster,
    JobServiceJob,
    JobServiceResources,
    Liveness,
    Logs,
    Page,
    Phase,
    Quantity,
    Queue,
    Queues,
    RawResponse,
    Readiness,
    RetryPolicy,
    S9SClient,
    Stream,
    SystemMetrics,
)


def plain() -> str:
    return "token"


async def awaited() -> str:
    return "token"


client = JobServiceClient("token", "https://jobs.example", timeout=timedelta(minutes=1), profile="lab")
JobServiceClient(token=plain)
aclient = AsyncJobServiceClient(token=awaited)
AsyncJobServiceClient(token=lambda: "token")
S9SClient(base_url="https://api.example.com", token="your_token_here")
S9SClient("https://s9s.example", cert=("cert.pem", "key.pem"))
AsyncS9SClient("https://s9s.example", client_id="i", client_secret="s", token=awaited)


def blocking() -> None:
    resources = JobServiceResources(cpu="500m", memory=Quantity("8Gi"), gpu=1)
    job = client.jobs.create("t", "i", resources=resources, gang=Gang(enabled=True), retry_policy={"max_retries": 1})
    assert_type(job, JobServiceJob)
    assert_type(job.phase, Phase)
    assert_type(job.resources, JobServiceResources | None)
    assert_type(resources.memory, Quantity | None)
    assert_type(Quantity("1").value, int | Decimal)
    assert_type(Quantity("1") > "2", bool)
    client.jobs.create("t", "i", timeout_seconds=timedelta(hours=1), retry_policy=RetryPolicy(backoff_multiplier=1.5))
    assert_type(client.jobs.list(status="running", limit=3), Page[JobServiceJob])
    assert_type(client.jobs.list_all(priority_min=5), Stream[JobServiceJob])
    assert_type(client.jobs.list_paginated(page_size=3), Stream[Page[JobServiceJob]])
    assert_type(client.jobs.wait("a", timeout=5, until={"running"}), JobServiceJob)
    assert_type(client.jobs.as_completed(["a", job]), Stream[JobServiceJob])
    assert_type(client.jobs.logs("a", tail=3), Logs)
    assert_type(client.jobs.logs_stream("a"), Stream[str])
    assert_type(client.queues.list(), Queues)
    assert_type(client.queues.list()[0], Queue)
    assert_type([queue.depth for queue in client.queues.list()], list[int | None])
    assert_type(client.clusters.list(), Page[JobServiceCluster])
    assert_type(client.metrics.get(), SystemMetrics)
    assert_type(client.health.live(), Liveness)
    assert_type(client.health.ready().failing, list[str])
    assert_type(client.with_raw.health.ready(), RawResponse[Readiness])
    assert_type(client.with_options(timeout=3), JobServiceClient)
    with client as entered:
        assert_type(entered, JobServiceClient)


async def asynchronous() -> None:
    pending: Coroutine[Any, Any, JobServiceJob] = aclient.jobs.get("a")
    assert_type(await pending, JobServiceJob)
    assert_type(await aclient.jobs.cancel("a"), JobServiceJob)
    assert_type(aclient.jobs.list_all(), AsyncStream[JobServiceJob])
    assert_type(await aclient.with_raw.metrics.get(), RawResponse[SystemMetrics])
    async for line in aclient.jobs.logs_stream("a"):
        assert_type(line, str)


async def mistakes() -> None:
    client.jobs.create("t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.jobs.create("t", "i", priority="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.jobs.list(state="running")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.jobs.get(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    JobServiceResources(cpus="1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.metrics.get()  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    client.storage  # type: ignore[attr-defined]  # pyright: ignore
    S9SClient("https://s9s.example", api_key=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
