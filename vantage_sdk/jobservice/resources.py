"""The attributes of a client of the job service, one noun each; what they need is loaded when they are first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vantage_sdk.core.resource import Mode, ResourceSet

if TYPE_CHECKING:
    from vantage_sdk.jobservice.clusters import Clusters
    from vantage_sdk.jobservice.health import Health
    from vantage_sdk.jobservice.jobs import Jobs
    from vantage_sdk.jobservice.metrics import Metrics
    from vantage_sdk.jobservice.queues import QueueList


class Resources(ResourceSet[Mode]):
    """What a client of the job service offers, in one of its faces."""

    @cached_property
    def jobs(self) -> Jobs[Mode]:
        """Create, follow, wait for and cancel jobs."""
        from vantage_sdk.jobservice.jobs import Jobs

        return Jobs(self._sender, self._mode)

    @cached_property
    def queues(self) -> QueueList[Mode]:
        """See what waits and runs in each queue."""
        from vantage_sdk.jobservice.queues import QueueList

        return QueueList(self._sender, self._mode)

    @cached_property
    def clusters(self) -> Clusters[Mode]:
        """List and inspect clusters."""
        from vantage_sdk.jobservice.clusters import Clusters

        return Clusters(self._sender, self._mode)

    @cached_property
    def metrics(self) -> Metrics[Mode]:
        """See what the service measures of itself."""
        from vantage_sdk.jobservice.metrics import Metrics

        return Metrics(self._sender, self._mode)

    @cached_property
    def health(self) -> Health[Mode]:
        """Ask how the service is."""
        from vantage_sdk.jobservice.health import Health

        return Health(self._sender, self._mode)
