"""Why a job cannot start however long it waits, until somebody changes the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.node import NodeState
from mock_server.cluster.placement import fits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.layout import PartitionInfo, Qos
    from mock_server.cluster.node import Cluster

_STARTING = frozenset({"UP", "DRAIN"})


class Obstacles:
    """What one cluster, its partitions and the qualities of service are in the way of."""

    def __init__(self, cluster: Cluster, partitions: Mapping[str, PartitionInfo], qos: Mapping[str, Qos]) -> None:
        self._cluster = cluster
        self._partitions = partitions
        self._qos = qos

    def of(self, job: Job) -> str | None:
        """Return the reason why a job may not even wait for nodes, as a real Slurm gives it."""
        partition, limit = self._partitions[job.partition], job.time_limit
        if partition.state not in _STARTING:
            return "PartitionDown"
        if limit is not None and partition.max_time is not None and limit > partition.max_time:
            return "PartitionTimeLimit"
        most = self._qos[job.request.qos].max_wall
        if most is not None and limit is not None and limit > most:
            return "QOSMaxWallDurationPerJobLimit"
        if not self._is_large_enough(partition, job.request):
            return "PartitionNodeLimit"
        if not job.request.required_nodes:
            return None
        missing = self._unavailable(job.request.required_nodes)
        return f"ReqNodeNotAvail, UnavailableNodes:{','.join(missing)}" if missing else None

    def _is_large_enough(self, partition: PartitionInfo, request: JobRequest) -> bool:
        policy = self._cluster.scaling
        room = (policy.max_nodes if policy.nodes is None else policy.nodes) or 0
        if partition.members is not None:
            room = self._members(partition, room)
        if partition.max_nodes is not None and partition.max_nodes < room:
            room = partition.max_nodes
        if request.gang is not None:
            return room * fits(self._cluster.node_shape, request.resources) >= request.gang
        return request.nodes <= room

    def _members(self, partition: PartitionInfo, largest: int) -> int:
        """Return how many nodes a partition has, those included that the cluster may yet get."""
        members = sum(not node.retiring for node in partition.nodes())
        if partition.is_default:
            members += max(0, largest - sum(not node.retiring for node in self._cluster.nodes.values()))
        return members

    def _unavailable(self, names: tuple[str, ...]) -> list[str]:
        nodes = self._cluster.nodes
        return [name for name in names if name not in nodes or nodes[name].state is not NodeState.READY]
