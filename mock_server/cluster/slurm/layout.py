"""Nodes and partitions of a Slurm cluster as the port shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mock_server.cluster.backend import NotFoundError, RequestError
from mock_server.cluster.job import Resources
from mock_server.cluster.layout import QUEUES, PartitionInfo
from mock_server.cluster.node import Cluster, Node, NodeState, ScalePolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.history import History
    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.layout import PartitionState
    from mock_server.cluster.slurm.directory import Directory
    from mock_server.cluster.slurm.records import NodeRecord, PartitionRecord

PARTITION_STATES = frozenset({"UP", "DOWN", "DRAIN", "INACTIVE"})
_DOWN = frozenset({"DOWN", "ERROR", "FAIL", "UNKNOWN", "FUTURE"})
NOTHING = Resources(0)
_BOOTING = frozenset({"POWERING_UP", "REBOOT", "REBOOT_ISSUED"})
_KINDS = {
    NodeState.READY: "node.up",
    NodeState.BOOTING: "node.down",
    NodeState.DOWN: "node.down",
    NodeState.DRAINING: "node.draining",
    NodeState.DRAINED: "node.drained",
}


class Layout:
    """One cluster, whose nodes and partitions are what Slurm told last."""

    def __init__(self, name: str, now: float, directory: Directory) -> None:
        shape = Resources()
        self.cluster = Cluster(f"cluster_{name}", name, "on-premises", "local", shape, now, now)
        self.clusters = {self.cluster.id: self.cluster}
        self.partitions: dict[str, PartitionInfo] = {}
        self.queues = {queue.name: queue for queue in QUEUES}
        self.directory = directory
        self._told: dict[str, tuple[Resources, Resources]] = {}

    def find(self, id_or_name: str) -> Cluster:
        """Return the cluster, which has an id and a name, or raise ``NotFoundError``."""
        if id_or_name not in {self.cluster.id, self.cluster.name}:
            raise NotFoundError("cluster", id_or_name)
        return self.cluster

    def node(self, name: str) -> Node:
        """Return a node or raise ``NotFoundError``."""
        if name not in self.cluster.nodes:
            raise NotFoundError("node", name)
        return self.cluster.nodes[name]

    def update_nodes(self, records: Iterable[NodeRecord], history: History, now: float) -> None:
        """Take over what Slurm says of the nodes."""
        nodes = self.cluster.nodes
        seen: set[str] = set()
        for record in records:
            seen.add(record.name)
            self._update_node(record, history, now)
        for name in set(nodes) - seen:
            del nodes[name]
            self._told.pop(name, None)
            history.record(now, "node.removed", name, {"cluster_id": self.cluster.id})
        if nodes:
            shapes = [node.capacity for node in nodes.values()]
            self.cluster.node_shape = max(shapes, key=lambda shape: (shape.gpus, shape.cpus, shape.memory))
            self.cluster.scaling = ScalePolicy(nodes=len(nodes))

    def went_down(self, name: str, reason: str | None, history: History, now: float) -> None:
        """Note that Slurm has taken a node down: before it is asked again the node may be up, and its jobs sent back."""
        node = self.node(name)
        node.reason = reason
        self._enter(node, NodeState.DOWN, history, now)

    def update_partitions(self, records: Iterable[PartitionRecord]) -> None:
        """Take over what Slurm says of the partitions."""
        found: dict[str, PartitionInfo] = {}
        for record in records:
            state = record.state if record.state in PARTITION_STATES else "UP"
            found[record.name] = PartitionInfo(
                record.name,
                self.cluster,
                record.nodes,
                state=cast("PartitionState", state),
                default_time=record.default_time,
                max_time=record.max_time,
                max_nodes=record.max_nodes,
                priority=record.priority,
                is_default=record.is_default,
            )
        self.partitions.clear()
        self.partitions.update(found)

    def partition_for(self, request: JobRequest) -> PartitionInfo:
        """Return the partition of a request: its own, else the default one or the first that has such nodes."""
        if request.cluster_id is not None:
            self.find(request.cluster_id)
        if request.qos not in self.directory.qos:
            raise RequestError("qos", f"there is no quality of service {request.qos!r}")
        if request.partition is not None:
            if request.partition not in self.partitions:
                raise RequestError("partition", f"there is no partition {request.partition!r}")
            return self._fitting([self.partitions[request.partition]], request)
        default_first = sorted(self.partitions.values(), key=lambda partition: not partition.is_default)
        return self._fitting(default_first, request)

    def occupy(self, jobs: Iterable[Job]) -> None:
        """Note which jobs run where, and what they have taken or given back since Slurm told what was free."""
        taken: dict[str, Resources] = {}
        for node in self.cluster.nodes.values():
            node.running.clear()
        for job in jobs:
            asked = job.request.resources
            for name, shares in job.allocation:
                if name in self.cluster.nodes:
                    self.cluster.nodes[name].running.add(job.id)
                    taken[name] = _times(shares, asked, taken.get(name, NOTHING))
        for name, node in self.cluster.nodes.items():
            now = taken.get(name, NOTHING)
            free, then = self._told.setdefault(name, (node.free, now))
            given_back = _times(-1, now, _times(1, then, free))
            node.free = Resources(
                *(max(0, min(most, amount)) for most, amount in zip(node.capacity, given_back, strict=True))
            )

    def _fitting(self, partitions: list[PartitionInfo], request: JobRequest) -> PartitionInfo:
        asked = request.resources
        for partition in partitions:
            if any(_holds(node.capacity, asked) for node in partition.nodes()):
                return partition
        every = [node.capacity for partition in partitions for node in partition.nodes()]
        for field in ("gpus", "cpus", "memory"):
            most = max((getattr(capacity, field) for capacity in every), default=0)
            if getattr(asked, field) > most:
                raise RequestError(field, f"no node has {getattr(asked, field)} {field}; the largest has {most}")
        raise RequestError("resources", "no node has all that is asked for")

    def _update_node(self, record: NodeRecord, history: History, now: float) -> None:
        capacity = Resources(record.cpus, record.memory, record.gpus)
        node = self.cluster.nodes.get(record.name)
        is_new = node is None
        if node is None:
            node = self.cluster.nodes[record.name] = Node(record.name, capacity, capacity, cluster_id=self.cluster.id)
        node.capacity = capacity
        self._told.pop(node.name, None)
        node.free = Resources(record.free_cpus, record.free_memory, record.gpus - record.gpus_used)
        node.reason = record.reason or None
        node.features, node.gpu_type = record.features, record.gpu_type
        node.boot_time, node.last_busy = record.boot_time, record.last_busy or None
        node.planned, node.machine = "PLANNED" in record.states, record.machine
        if is_new:
            node.state = _state(record)
        else:
            self._enter(node, _state(record), history, now)

    def _enter(self, node: Node, state: NodeState, history: History, now: float) -> None:
        previous, node.state = node.state, state
        if state is not previous:
            data = {"cluster_id": self.cluster.id, "state": state.value, "reason": node.reason}
            history.record(now, _KINDS[state], node.name, data)


def _times(times: int, each: Resources, beside: Resources) -> Resources:
    return Resources(*(beside_it + times * amount for amount, beside_it in zip(each, beside, strict=True)))


def _holds(capacity: Resources, asked: Resources) -> bool:
    return capacity.cpus >= asked.cpus and capacity.memory >= asked.memory and capacity.gpus >= asked.gpus


def _state(record: NodeRecord) -> NodeState:
    if record.states & _DOWN:
        return NodeState.DOWN
    if "DRAIN" in record.states:
        return NodeState.DRAINING if record.free_cpus < record.cpus else NodeState.DRAINED
    return NodeState.BOOTING if record.states & _BOOTING else NodeState.READY
