"""The documented examples of the job service: models keep them exactly, and the calls read them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.jobservice_uses import JOB_ID, example
from tests.contract.reference import HERE
from tests.support.faces import Face
from tests.support.scripted import Json, Reply, ScriptedServer
from vantage_sdk import (
    Gang,
    JobServiceCluster,
    JobServiceJob,
    JobServiceResources,
    Liveness,
    Phase,
    Quantity,
    Queue,
    Queues,
    Readiness,
    RetryPolicy,
    SystemMetrics,
    ValidationError,
)
from vantage_sdk.models.base import Model
from vantage_sdk.models.jobservice.cluster import ClusterCapacity, JobServiceNode, NodeGpus, NodeQuantity
from vantage_sdk.models.jobservice.metrics import JobCounts, Latency, Throughput
from vantage_sdk.models.jobservice.queue import QueuedJob, QueueStats

NEW, CLUSTER, QUEUE = (
    example(name) for name in ("jobs_create.request", "clusters_get.response", "queues_get.response")
)
METRICS, ERROR = example("metrics_get.response"), example("error.response")
LOG = (HERE / "examples" / "jobservice.jobs_logs.response.txt").read_text()
MODELS: list[tuple[type[Model], Any]] = [
    (JobServiceResources, NEW["resources"]),
    (Gang, NEW["gang"]),
    (RetryPolicy, NEW["retry_policy"]),
    (JobServiceJob, example("jobs_create.response")),
    (JobServiceJob, example("jobs_list.response")["items"][0]),
    (JobServiceJob, example("jobs_get.response")),
    (JobServiceJob, example("jobs_cancel.response")),
    (Queues, example("queues_list.response")),
    (Queue, example("queues_list.response")["queues"][0]),
    (Queue, QUEUE),
    (QueuedJob, QUEUE["jobs"][0]),
    (QueueStats, QUEUE["stats"]),
    (JobServiceCluster, example("clusters_list.response")["clusters"][0]),
    (JobServiceCluster, CLUSTER),
    (ClusterCapacity, CLUSTER["capacity"]),
    (JobServiceNode, CLUSTER["nodes"][0]),
    (NodeGpus, CLUSTER["nodes"][0]["gpus"]),
    (NodeQuantity, CLUSTER["nodes"][0]["memory"]),
    (SystemMetrics, METRICS),
    (JobCounts, METRICS["jobs"]),
    (Latency, METRICS["latency"]),
    (Throughput, METRICS["throughput"]),
    (Liveness, example("health_live.response")),
    (Readiness, example("health_ready.response")),
    (Readiness, example("health_ready.degraded.response")),
]


@pytest.mark.parametrize(("model", "sample"), MODELS)
def test_a_model_keeps_a_sample_exactly(model: type[Model], sample: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read = model.from_dict(sample)
    assert json.dumps(read.to_dict()) == json.dumps(sample)
    assert read.extra == {}
    assert caplog.messages == []
    assert model.from_dict(json.loads(json.dumps(read.to_dict()))) == read


async def test_every_call_reads_its_sample(face: Face) -> None:
    names = ("jobs_create", "jobs_list", "jobs_get", "jobs_cancel", "queues_list", "queues_get", "clusters_list")
    names += ("clusters_get", "metrics_get", "health_live", "health_ready")
    answers = [Json(201 if name == "jobs_create" else 200, example(f"{name}.response")) for name in names]
    log = Reply(200, LOG.encode(), {"Content-Type": "text/plain; charset=utf-8"})
    with ScriptedServer([*answers, log]) as server:
        async with face.job_service(server.url) as client:
            created = await client.jobs.create(**NEW)
            page = await client.jobs.list()
            job = await client.jobs.get(JOB_ID)
            cancelled = await client.jobs.cancel(JOB_ID)
            queues = await client.queues.list()
            queue = await client.queues.get("high-priority")
            clusters = await client.clusters.list()
            cluster = await client.clusters.get("gpu-cluster")
            metrics = await client.metrics.get()
            live, ready = await client.health.live(), await client.health.ready()
            logs = await client.jobs.logs(JOB_ID)
    assert (created.queue_position, created.phase, created.config) == (5, Phase.PENDING, None)
    assert (page.total, page.limit, page.offset, page.has_next, page[0].priority) == (150, 50, 0, True, 80)
    assert job.resources is not None
    assert (job.resources.memory, job.resources.cpu, job.resources.gpu) == ("8Gi", 2, 1)
    assert isinstance(job.resources.memory, Quantity)
    assert job.resources.memory.value == 8 * 1024**3
    assert job.started_at == datetime(2024, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert (job.completed_at, job.retry_count, job.worker_id) == (None, 0, "worker-xyz789")
    assert (cancelled.phase, cancelled.is_terminal, cancelled.succeeded) == (Phase.CANCELLED, True, False)
    assert [one.name for one in queues] == ["default", "high-priority"]
    assert (len(queues), queues[1].depth, queues.total_pending, queues.total_processing) == (2, 5, 47, 18)
    assert (queue.stats and queue.stats.avg_wait_time_seconds, queue.jobs and queue.jobs[0].id) == (12.5, JOB_ID)
    assert (len(clusters), clusters.has_next, clusters[0].total_gpus) == (1, False, 40)
    assert cluster.nodes[0].memory.available * 2 == "128Gi128Gi"  # it is text, after all
    assert cluster.nodes[0].memory.available.value * 2 == cluster.nodes[0].memory.total.value
    assert (metrics.jobs.success_rate, metrics.latency.dispatch_p99_ms) == (0.988, 45)
    assert (live.is_ok, ready.is_ok, ready.failing) == (True, True, [])
    assert (logs, len(logs.lines)) == (LOG.rstrip("\n"), 3)


async def test_the_sample_error_is_the_exception_of_its_status(face: Face) -> None:
    with ScriptedServer([Json(400, ERROR)]) as server:
        async with face.job_service(server.url) as client:
            with pytest.raises(ValidationError) as caught:
                await client.jobs.create("t", "i")
    error = caught.value
    assert (error.code, error.message, error.request_id) == (
        "VALIDATION_ERROR",
        "Invalid job configuration",
        "req-xyz789",
    )
    assert error.details == [{"field": "priority", "message": "Priority must be between 0 and 100"}]


@pytest.mark.parametrize(
    ("status", "phase"),
    [(phase.value, phase) for phase in Phase if phase is not Phase.UNKNOWN]
    + [("paused", Phase.UNKNOWN), ("RUNNING", Phase.RUNNING)],
)
def test_a_status_has_a_phase(status: str, phase: Phase) -> None:
    assert JobServiceJob.from_dict({"id": "j", "status": status}).phase is phase
