"""Everything that stands in a backend's machine room: clusters, partitions, and the rules for those who use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.backend import NotFoundError, RequestError
from mock_server.cluster.layout import ACCOUNTS, DEFAULT_ACCOUNT, QUALITIES, QUEUES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.job import JobRequest
    from mock_server.cluster.layout import Account, Association, PartitionInfo, Qos, QueueInfo
    from mock_server.cluster.node import Cluster, Node
    from mock_server.cluster.site import Site


class Terms(NamedTuple):
    """Where a job may run, who pays for it, and for how many seconds it may run at most."""

    partition: PartitionInfo
    account: str
    time_limit: float | None


class Facility:
    """Clusters by id, the rest by name; the first cluster is the default one."""

    def __init__(self) -> None:
        self.clusters: dict[str, Cluster] = {}
        self.sites: dict[str, Site] = {}
        self.partitions: dict[str, PartitionInfo] = {}
        self.qos: dict[str, Qos] = {qos.name: qos for qos in QUALITIES}
        self.queues: dict[str, QueueInfo] = {queue.name: queue for queue in QUEUES}
        self.accounts: dict[str, Account] = {account.name: account for account in ACCOUNTS}
        self.associations: list[Association] = []
        self._default_accounts: dict[str, str] = {}
        self._defaults: dict[str, PartitionInfo] = {}

    def add(self, site: Site) -> None:
        """Put up a cluster; its names must be new."""
        cluster = site.cluster
        names = {name for other in self.clusters.values() for name in other.nodes}
        if cluster.id in self.clusters or any(other.name == cluster.name for other in self.clusters.values()):
            raise ValueError(f"a cluster with id {cluster.id!r} or name {cluster.name!r} exists")
        if taken := names & set(cluster.nodes):
            raise ValueError(f"nodes called {', '.join(sorted(taken))} exist")
        self.clusters[cluster.id] = cluster
        self.sites[cluster.id] = site

    def add_partition(self, partition: PartitionInfo) -> None:
        """Name a set of nodes; the first partition of a cluster is its default unless another one says that it is."""
        if partition.name in self.partitions:
            raise ValueError(f"a partition called {partition.name!r} exists")
        unknown = set(partition.members or ()) - set(partition.cluster.nodes)
        if unknown:
            raise ValueError(f"{partition.cluster.name} has no nodes called {', '.join(sorted(unknown))}")
        previous = self._defaults.get(partition.cluster_id)
        if partition.is_default or previous is None:
            if previous is not None:
                previous.is_default = False
            partition.is_default = True
            self._defaults[partition.cluster_id] = partition
        self.partitions[partition.name] = partition

    def cluster(self, id_or_name: str) -> Cluster:
        """Return a cluster or raise ``NotFoundError``."""
        cluster = self.clusters.get(id_or_name)
        if cluster is None:
            cluster = next((other for other in self.clusters.values() if other.name == id_or_name), None)
        if cluster is None:
            raise NotFoundError("cluster", id_or_name)
        return cluster

    def site(self, id_or_name: str) -> Site:
        return self.sites[self.cluster(id_or_name).id]

    def node(self, name: str) -> tuple[Cluster, Node]:
        """Return a node and its cluster or raise ``NotFoundError``."""
        for cluster in self.clusters.values():
            if name in cluster.nodes:
                return cluster, cluster.nodes[name]
        raise NotFoundError("node", name)

    def add_account(self, account: Account, associations: Iterable[Association]) -> None:
        """Add an account and who may use it; the first one that a user may use is that user's default."""
        self.accounts[account.name] = account
        for association in associations:
            self.associations.append(association)
            self._default_accounts.setdefault(association.user_id, association.account)

    def partition(self, name: str) -> PartitionInfo:
        """Return a partition or raise ``NotFoundError``."""
        if name not in self.partitions:
            raise NotFoundError("partition", name)
        return self.partitions[name]

    def joined(self, cluster: Cluster, node: Node) -> None:
        """Let a new node be one of the cluster's default partition."""
        default = self._defaults.get(cluster.id)
        if default is not None and default.members is not None:
            default.members = (*default.members, node.name)

    def partition_for(self, request: JobRequest) -> PartitionInfo:
        """Return the partition that a request names, else the default one of its cluster."""
        if request.partition is None:
            if request.cluster_id is not None:
                return self._defaults[self.cluster(request.cluster_id).id]
            if not self._defaults:
                raise RequestError("cluster_id", "there is no cluster")
            return next(iter(self._defaults.values()))
        partition = self.partitions.get(request.partition)
        if partition is None:
            raise RequestError("partition", f"there is no partition {request.partition!r}")
        if request.cluster_id is not None and self.cluster(request.cluster_id) is not partition.cluster:
            raise RequestError("partition", f"partition {partition.name!r} is none of cluster {request.cluster_id!r}")
        return partition

    def terms_for(self, request: JobRequest, partition: PartitionInfo) -> Terms:
        """Return the terms of a request: its own, else those of the partition, its QOS and its user."""
        limit = request.time_limit
        if limit is None:
            limit = partition.default_time
        if limit is None:
            limit = partition.max_time
        if limit is None:
            limit = self.qos[request.qos].max_wall
        account = request.account
        if account is None:
            account = self._default_accounts.get(request.user_id, DEFAULT_ACCOUNT)
        return Terms(partition, account, limit)
