"""What webhooks tell about events: the job or cluster as the platform shows it at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.platform.cluster_views import view_cluster
from mock_server.platform.job_views import view_job

if TYPE_CHECKING:
    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.event import Event
    from mock_server.platform.cluster_views import ClusterView
    from mock_server.platform.job_views import JobView


def describe_event(cluster: ClusterBackend, event: Event) -> JobView | ClusterView:
    """Return the subject of an event."""
    if event.kind.startswith("job."):
        return view_job(cluster.job(event.subject))
    return view_cluster(cluster.cluster(event.subject))
