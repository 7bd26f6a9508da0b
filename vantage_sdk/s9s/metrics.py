"""What S9S measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Time, as_time, as_word, as_words
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.s9s_metrics import ClusterStats, EfficiencyReport, PerformanceSeries
from vantage_sdk.s9s.submission import Time as Span, span

Interval = Literal["1m", "5m", "1h", "1d"]
PerformanceMetric = Literal[
    "cpu_utilization",
    "memory_utilization",
    "gpu_utilization",
    "jobs_submitted",
    "jobs_completed",
    "avg_queue_time",
]
EfficiencyMetric = Literal["cpu_efficiency", "memory_efficiency", "gpu_utilization"]


class Metrics(Resource[Mode]):
    """Measurements of the cluster and of what jobs made of it."""

    @method
    async def cluster(self: Metrics[Async], **options: Unpack[CallOptions]) -> ClusterStats:
        """Fetch how the cluster is used now, and how many jobs and nodes are in each state."""
        return await self._send(Request("GET", "/metrics/cluster", one(ClusterStats)), options)

    @method
    async def performance(
        self: Metrics[Async],
        *,
        start_time: Time | None = None,
        end_time: Time | None = None,
        interval: Interval | None = None,
        metrics: Sequence[PerformanceMetric] = (),
        **options: Unpack[CallOptions],
    ) -> PerformanceSeries:
        """Fetch how the cluster was used over a period.

        ``start_time``, ``end_time``: ISO 8601 text or an aware ``datetime``, default the last 24 hours; ``interval``: ``1m``,
        ``5m``, ``1h`` or ``1d``, default ``1h``; ``metrics``: any of ``cpu_utilization``, ``memory_utilization``,
        ``gpu_utilization``, ``jobs_submitted``, ``jobs_completed`` and ``avg_queue_time``, the others are ``None`` then,
        default all.  Raises ``ServerError`` with status 501 for a measurement named here that the cluster does not take.
        """
        query = {
            "start_time": as_time(start_time, "start_time"),
            "end_time": as_time(end_time, "end_time"),
            "interval": None if interval is None else as_word(interval, "interval", ("1m", "5m", "1h", "1d")),
            "metrics": as_words(metrics, "metrics", get_args(PerformanceMetric)),
        }
        return await self._send(Request("GET", "/metrics/performance", one(PerformanceSeries), query=query), options)

    @method
    async def efficiency(
        self: Metrics[Async],
        *,
        user: str | None = None,
        partition: str | None = None,
        min_runtime: Span | None = None,
        metrics: Sequence[EfficiencyMetric] = (),
        **options: Unpack[CallOptions],
    ) -> EfficiencyReport:
        """Fetch how well jobs used the processors, memory and GPUs that they had.

        ``user``, ``partition``: names; ``min_runtime``: leave shorter jobs out; text (``2h``, ``1:30:00``), seconds or a
        ``timedelta``; ``metrics``: any of ``cpu_efficiency``, ``memory_efficiency`` and ``gpu_utilization``, the others are
        ``None`` then and have no mean, default all.  Raises ``ServerError`` with status 501 for a measurement named here that
        the cluster does not take, such as ``gpu_utilization`` where nothing watches GPUs; where none is named, it is ``None``.
        """
        query = {
            "user": user,
            "partition": partition,
            "min_runtime": None if min_runtime is None else span(min_runtime, "min_runtime"),
            "metrics": as_words(metrics, "metrics", get_args(EfficiencyMetric)),
        }
        return await self._send(Request("GET", "/metrics/efficiency", one(EfficiencyReport), query=query), options)
