"""Partitions of the S9S family."""

from __future__ import annotations

from mock_server.routes import Call, Routes
from mock_server.s9s.partition_views import PartitionList, view_partition

routes = Routes("partitions", prefix="/v1")


@routes.get("/partitions")
async def list_(call: Call[None, None]) -> PartitionList:
    """List partitions."""
    cluster = call.state.cluster
    return {"partitions": [view_partition(cluster, partition) for partition in cluster.partitions.values()]}
