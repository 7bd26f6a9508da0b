"""The Slurm site of the documented examples: its nodes, partitions, accounts and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import JobRequest, JobState, Resources
from mock_server.cluster.layout import Account, Association
from mock_server.cluster.seeding import Past

if TYPE_CHECKING:
    from mock_server.cluster.simulated import SimulatedCluster

CLUSTER = "cluster_789"
USER = "user_456"
GB = 10**9
HOUR = 3600.0
DAY = 24 * HOUR
HOME = "/home/alice"

NODES = ("node001", "node002", "node003", "node004", "node005", "node006", "gpu001", "gpu002")


def add_cluster(cluster: SimulatedCluster, created: float) -> None:
    """Add the site with its partitions and accounts."""
    cluster.add_cluster(
        id=CLUSTER,
        name="hpc-cluster",
        provider="on-premises",
        region="local",
        nodes=len(NODES),
        node_shape=Resources(32, 128 * GB, 4),
        created_at=created,
        node_name=_node_name,
        features=("gpu", "cuda", "infiniband"),
        gpu_type="nvidia-a100",
        partition=False,
    )
    cluster.add_partition(
        "gpu",
        CLUSTER,
        (*NODES[:4], *NODES[6:]),
        default_time=2 * HOUR,
        max_time=7 * DAY,
        max_nodes=16,
        priority=1000,
        features=("gpu", "cuda"),
    )
    cluster.add_partition("normal", CLUSTER, NODES[:6], is_default=True)
    cluster.add_partition("cpu", CLUSTER, NODES[4:6])
    cluster.add_account(
        Account("research", shares=10, parent="root"),
        Association(USER, "research", "gpu", ("normal", "high")),
        Association(USER, "research", "normal", ("normal",)),
        Association(USER, "research", "cpu", ("normal",)),
    )


def add_jobs(cluster: SimulatedCluster) -> None:
    """Add the four jobs of the examples: one that is over, two that run, one that is held."""
    now = cluster.now
    cluster.adopt(
        "12344",
        _request("preprocess", partition="cpu", resources=Resources(8, 16 * GB), time_limit=HOUR),
        Past(
            created_at=now - 5 * HOUR,
            started_at=now - 5 * HOUR + 30,
            ended_at=now - 4 * HOUR,
            state=JobState.COMPLETED,
            node_names=("node005",),
            log=[(now - 5 * HOUR + 31, "reading input"), (now - 4 * HOUR, "done")],
        ),
    )
    cluster.adopt(
        "12345",
        _request(
            "simulation_run",
            command=f"{HOME}/scripts/run_simulation.sh",
            partition="gpu",
            resources=Resources(16, 64 * GB, 2),
            nodes=2,
            priority=1000,
            time_limit=4 * HOUR,
            environment={"PATH": "/usr/local/bin:/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "0,1,2,3"},
            stdout_path=f"{HOME}/logs/job_%j.out",
            stderr_path=f"{HOME}/logs/job_%j.err",
        ),
        Past(
            created_at=now - 8265,
            started_at=now - 8130,
            runs_for=1.5 * HOUR,
            log=[(now - 8130, "simulation started"), (now - 30, "step 8100 of 13500")],
        ),
    )
    cluster.adopt(
        "12346",
        _request("my_simulation", partition="normal", resources=Resources(16, 64 * GB), nodes=2, time_limit=4 * HOUR),
        Past(created_at=now - 1200, state=JobState.PENDING, held=True),
    )
    cluster.adopt(
        "12347",
        _request("postprocess", partition="normal", resources=Resources(8, 16 * GB), time_limit=6 * HOUR),
        Past(created_at=now - 900, started_at=now - 890, runs_for=2 * HOUR, log=[(now - 890, "collecting results")]),
    )


def _node_name(number: int) -> str:
    return NODES[number - 1] if number <= len(NODES) else f"node{number - 2:03d}"


def _request(name: str, command: str | None = None, **options: Any) -> JobRequest:
    return JobRequest(
        name=name,
        command=command or f"{HOME}/scripts/{name}.sh",
        user_id=USER,
        account="research",
        working_directory=f"{HOME}/simulations",
        id_form="s9s",
        **options,
    )
