"""Measurements of jobs and clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Time, as_words
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.metrics import ClusterMetrics, JobMetrics
from vantage_sdk.platform.listing import period

Metric = Literal["cpu_percent", "memory_percent", "gpu_percent"]


class Monitoring(Resource[Mode]):
    """Measurements of jobs and clusters."""

    @method
    async def job_metrics(
        self: Monitoring[Async],
        job_id: str,
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        metrics: Sequence[Metric] = (),
        **options: Unpack[CallOptions],
    ) -> JobMetrics:
        """Fetch the series of a job: CPU, memory and GPU in percent of what it has, oldest first.

        ``created_after``, ``created_before``: the period, ISO 8601 text or aware ``datetime``s, bounds excluded, default the
        whole life of the job; ``metrics``: any of ``cpu_percent``, ``memory_percent`` and ``gpu_percent``, the others are
        ``None`` then, default all.  Raises ``ResourceNotFoundError`` if there is no such job, and ``ServerError`` with status
        501 for a measurement named here that the cluster does not take; where none is named, it is ``None``.
        """
        query = {**period(created_after, created_before), "metrics": as_words(metrics, "metrics", get_args(Metric))}
        request = Request("GET", "/monitoring/jobs/{job_id}/metrics", one(JobMetrics), {"job_id": job_id}, query)
        return await self._send(request, options)

    @method
    async def cluster_metrics(
        self: Monitoring[Async],
        name: str,
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        metrics: Sequence[Metric] = (),
        **options: Unpack[CallOptions],
    ) -> ClusterMetrics:
        """Fetch the series of a cluster, by name or id: CPU, memory and GPU in percent of its capacity, oldest first.

        ``created_after``, ``created_before``: the period, ISO 8601 text or aware ``datetime``s, bounds excluded, default the
        server's; ``metrics``: any of ``cpu_percent``, ``memory_percent`` and ``gpu_percent``, the others are ``None`` then,
        default all.  Raises ``ResourceNotFoundError`` if there is no such cluster, and ``ServerError`` with status 501 for a
        measurement named here that the cluster does not take.
        """
        query = {**period(created_after, created_before), "metrics": as_words(metrics, "metrics", get_args(Metric))}
        request = Request("GET", "/monitoring/clusters/{name}/metrics", one(ClusterMetrics), {"name": name}, query)
        return await self._send(request, options)
