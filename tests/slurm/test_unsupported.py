"""What cannot be had on a real cluster, through the SDK: null beside other figures, refused when it is asked for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vantage_sdk import JobServiceClient, S9SClient, ServerError, VantageClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server import MockServer

QUICK: dict[str, Any] = {"poll_interval": 0.2, "timeout": 60.0}
GPUS = "GPU utilisation is not supported by this backend: Slurm gives GPUs out and does not watch them"


def _refused(call: Callable[[], object], code: str, says: str) -> None:
    with pytest.raises(ServerError) as caught:
        call()
    assert (caught.value.status_code, caught.value.code, len(caught.value.attempts)) == (501, code, 1)
    assert caught.value.message.startswith(says)


def test_gpu_utilisation_is_null_unless_it_is_asked_for_by_name(server: MockServer) -> None:
    with (
        VantageClient("your-api-key", server.url) as client,
        S9SClient(base_url=server.s9s_url, token="YOUR_TOKEN") as s9s,
    ):
        job = client.jobs.submit({"name": "gpus", "command": "sleep 1", "resources": {"gpus": 1, "memory": "1GB"}})
        assert client.jobs.wait(job.id, **QUICK).status == "completed"
        points = client.monitoring.job_metrics(job.id).metrics
        assert points
        assert {(point.gpu_percent, point.memory_percent) for point in points} == {(None, None)}
        assert len(client.monitoring.job_metrics(job.id, metrics=["cpu_percent"]).metrics) == len(points)
        _refused(lambda: client.monitoring.job_metrics(job.id, metrics=["gpu_percent"]), "not_supported", GPUS)
        _refused(
            lambda: client.monitoring.job_metrics(job.id, metrics=["cpu_percent", "memory_percent"]),
            "not_supported",
            "Memory over time is not supported by this backend",
        )
        (row,) = [each for each in s9s.metrics.efficiency().jobs if each.job_id == job.id]
        assert row.gpu_utilization is None
        assert s9s.metrics.efficiency(metrics=["cpu_efficiency", "memory_efficiency"]).total
        _refused(lambda: s9s.metrics.efficiency(metrics=["gpu_utilization"]), "NOT_SUPPORTED", GPUS)


def test_of_a_cluster_it_is_the_share_of_gpus_that_jobs_have(server: MockServer) -> None:
    with (
        VantageClient("your-api-key", server.url) as client,
        S9SClient(base_url=server.s9s_url, token="YOUR_TOKEN") as s9s,
    ):
        begun = client.jobs.submit({"name": "g", "command": "sleep 100", "resources": {"gpus": 4}})
        job = client.jobs.wait(begun.id, until=("running",), **QUICK)
        assert job.started_at is not None
        load = client.monitoring.cluster_metrics("slurm", created_after=job.started_at, metrics=["gpu_percent"])
        assert 0 < (load.metrics[-1].gpu_percent or 0) <= 100
        series = s9s.metrics.performance(start_time=job.started_at, interval="1m", metrics=["gpu_utilization"])
        assert 0 < (series.metrics[-1].gpu_utilization or 0) <= 100
        client.jobs.cancel(job.id)


def test_an_image_without_a_command(server: MockServer) -> None:
    says = "Not supported by this backend: an image alone cannot run here without an OCI runtime; give a command"
    with VantageClient("your-api-key", server.url) as client:
        sent = {"name": "image", "spec": {"image": "python:3.12"}}
        _refused(lambda: client.jobs.submit(sent), "not_supported", says)
        job = client.jobs.submit({**sent, "command": "true"})
        assert client.jobs.wait(job.id, **QUICK).status == "completed"
    with JobServiceClient(server.token("alice"), server.url) as service:
        _refused(lambda: service.jobs.create("inference", "model:v1"), "NOT_SUPPORTED", says)
