"""A world with one cluster and nothing on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.job import Resources

if TYPE_CHECKING:
    from mock_server.cluster.simulated import SimulatedCluster

NODE = Resources(cpus=16, memory=64 * 10**9, gpus=2)


def fill(cluster: SimulatedCluster) -> None:
    """Add the default cluster."""
    cluster.add_cluster(
        id="cluster_default", name="default", provider="local", region="local", nodes=4, node_shape=NODE
    )
