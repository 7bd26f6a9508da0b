"""How a Slurm site is laid out: partitions, qualities of service, accounts; and the queues of the job service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mock_server.cluster.node import Cluster, Node

PartitionState = Literal["UP", "DOWN", "DRAIN", "INACTIVE"]
"""``DOWN`` starts nothing, ``DRAIN`` takes nothing in, ``INACTIVE`` does neither."""

DAY = 86_400.0


@dataclass(slots=True, eq=False)
class PartitionInfo:
    """A named set of one cluster's nodes and what jobs there may ask for; times in seconds.

    ``members`` are the names of the nodes, ``None`` for all that the cluster has.  A node that the cluster gets later
    joins the default partition.  ``default_time`` is the time limit of a job that names none, and a job that asks for
    more than ``max_time`` or ``max_nodes`` waits.
    """

    name: str
    cluster: Cluster
    members: tuple[str, ...] | None = None
    state: PartitionState = "UP"
    default_time: float | None = None
    max_time: float | None = None
    max_nodes: int | None = None
    priority: int = 1
    qos: str = "normal"
    features: tuple[str, ...] = ()
    is_default: bool = False

    @property
    def cluster_id(self) -> str:
        return self.cluster.id

    @property
    def node_names(self) -> tuple[str, ...]:
        """The nodes that are there now, in the order in which jobs get them."""
        return tuple(node.name for node in self.nodes())

    @property
    def grows(self) -> bool:
        """Whether nodes that the cluster gets later are members."""
        return self.members is None or self.is_default

    def nodes(self) -> list[Node]:
        """Return those nodes themselves."""
        nodes = self.cluster.nodes
        if self.members is None:
            return list(nodes.values())
        return [nodes[name] for name in self.members if name in nodes]


@dataclass(frozen=True, slots=True)
class Qos:
    """A quality of service: what it adds to a job's priority, and what each user may have of it; seconds."""

    name: str
    priority: int = 0
    max_jobs_per_user: int | None = None
    max_wall: float | None = None


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """A queue of the job service, of whose jobs at most ``max_concurrency`` run at once."""

    name: str
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays: with how many ``shares`` of the machine, beneath which other account."""

    name: str
    shares: int = 1
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Association:
    """Which account a user may use in which partition, and with which qualities of service."""

    user_id: str
    account: str
    partition: str
    qos: tuple[str, ...]


DEFAULT_ACCOUNT = "default"
QUALITIES = (Qos("normal"), Qos("high", priority=1000, max_jobs_per_user=16, max_wall=2 * DAY))
QUEUES = (QueueInfo("default", 100), QueueInfo("high-priority", 50))
ACCOUNTS = (Account("root"), Account(DEFAULT_ACCOUNT, parent="root"))
