"""What S9S measures."""

from __future__ import annotations

from typing import Literal

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Time, as_time, as_word
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.s9s_metrics import ClusterStats, EfficiencyReport, PerformanceSeries
from vantage_sdk.s9s.submission import Time as Span, span

Interval = Literal["1m", "5m", "1h", "1d"]


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
        **options: Unpack[CallOptions],
    ) -> PerformanceSeries:
        """Fetch how the cluster was used over a period.

        ``start_time``, ``end_time``: ISO 8601 text or an aware ``datetime``, default the last 24 hours; ``interval``: ``1m``,
        ``5m``, ``1h`` or ``1d``, default ``1h``.
        """
        query = {
            "start_time": as_time(start_time, "start_time"),
            "end_time": as_time(end_time, "end_time"),
            "interval": None if interval is None else as_word(interval, "interval", ("1m", "5m", "1h", "1d")),
        }
        return await self._send(Request("GET", "/metrics/performance", one(PerformanceSeries), query=query), options)

    @method
    async def efficiency(
        self: Metrics[Async],
        *,
        user: str | None = None,
        partition: str | None = None,
        min_runtime: Span | None = None,
        **options: Unpack[CallOptions],
    ) -> EfficiencyReport:
        """Fetch how well jobs used the processors, memory and GPUs that they had.

        ``user``, ``partition``: names; ``min_runtime``: leave shorter jobs out; text (``2h``, ``1:30:00``), seconds or a
        ``timedelta``.
        """
        query = {
            "user": user,
            "partition": partition,
            "min_runtime": None if min_runtime is None else span(min_runtime, "min_runtime"),
        }
        return await self._send(Request("GET", "/metrics/efficiency", one(EfficiencyReport), query=query), options)
