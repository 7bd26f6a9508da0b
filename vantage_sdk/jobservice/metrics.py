"""What the job service measures of itself."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.jobservice.metrics import SystemMetrics


class Metrics(Resource[Mode]):
    """What the job service measures of itself."""

    @method
    async def get(self: Metrics[Async], **options: Unpack[CallOptions]) -> SystemMetrics:
        """Fetch counts of jobs in 24 hours, percentiles of their dispatch and execution, and jobs a second."""
        return await self._send(Request("GET", "/metrics/", one(SystemMetrics)), options)
