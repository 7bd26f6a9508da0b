"""A world in which everything exists that the documented examples refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import JobRequest, JobState, Resources
from mock_server.cluster.seeding import Past
from mock_server.world import documented_hpc

if TYPE_CHECKING:
    from mock_server.cluster.simulated import SimulatedCluster

AGE = 1_247_700.0  # the clusters are 14 days, 10 hours and 35 minutes old
GB = 10**9
HOUR = 3600.0
USER = "user_456"

# They run on while a caller looks, and end by themselves within seconds so that a followed log ends too.
SHORT_JOB = (
    "echo 'loading dataset'; sleep 2; echo 'epoch 1/3 loss 0.71'; sleep 2; echo 'epoch 2/3 loss 0.43'; sleep 2; "
    "echo 'epoch 3/3 loss 0.29'; echo '{\"loss\": 0.29}' > result.json; echo 'training finished'"
)
LONGER_JOB = "echo 'rendering frames'; sleep 9; echo 'rendered 240 frames'"


def fill(cluster: SimulatedCluster) -> None:
    """Add the clusters and jobs of the examples, as old as they would be there."""
    created = cluster.now - AGE
    _add_clusters(cluster, created)
    documented_hpc.add_cluster(cluster, created)
    _add_finished_jobs(cluster)
    _add_active_jobs(cluster)
    documented_hpc.add_jobs(cluster)


def _add_clusters(cluster: SimulatedCluster, created: float) -> None:
    for key, name, provider, region, nodes, shape in (
        ("cluster_123", "my-cluster", "aws", "us-east-1", 4, Resources(16, 64 * GB, 1)),
        ("cluster_abc", "gpu-cluster", "aws", "us-west-2", 4, Resources(32, 256 * GB, 4)),
        ("cluster_456", "specific-cluster", "on-premises", "local", 2, Resources(64, 512 * GB, 0)),
    ):
        gpus = name == "gpu-cluster"
        cluster.add_cluster(
            id=key,
            name=name,
            provider=provider,
            region=region,
            nodes=nodes,
            node_shape=shape,
            created_at=created,
            node_name="gpu-node-{:02d}".format if gpus else None,
            gpu_type="nvidia-a100" if gpus else None,
        )


def _add_finished_jobs(cluster: SimulatedCluster) -> None:
    now = cluster.now
    cluster.adopt(
        "job_121",
        _request("preprocess-data", "python preprocess.py", 2, 4, output_path="/outputs/"),
        Past(
            created_at=now - 7200,
            started_at=now - 7190,
            ended_at=now - 6800,
            state=JobState.COMPLETED,
            log=[(now - 7189, "reading 12 files"), (now - 6801, "wrote table.csv")],
            outputs={"table.csv": b"id,value\n1,0.5\n2,0.75\n"},
        ),
    )
    cluster.adopt(
        "job_122",
        _request("simulation-run-0", "python simulate.py --steps 0", 4, 8),
        Past(
            created_at=now - 5400,
            started_at=now - 5390,
            ended_at=now - 5380,
            state=JobState.FAILED,
            exit_code=2,
            log=[(now - 5381, "simulate.py: error: --steps must be above 0")],
        ),
    )


def _add_active_jobs(cluster: SimulatedCluster) -> None:
    now = cluster.now
    cluster.adopt(
        "job_123",
        _request("simulation-run-1", "python simulate.py", 4, 8, 1, cluster_id="cluster_abc", output_path="/outputs/"),
        Past(
            created_at=now - 300,
            started_at=now - 240,
            runs_for=3600.0,
            log=[(now - 240, "simulation started"), (now - 120, "step 1000 of 30000")],
        ),
    )
    cluster.adopt(
        "job-12345",
        _request("train-model", SHORT_JOB, 2, 4, output_path="/outputs/", spec=True),
        Past(created_at=now - 60, started_at=now - 30, log=[(now - 30, "starting container")]),
    )
    cluster.adopt(
        "job-67890",
        _request("render-frames", LONGER_JOB, 2, 4),
        Past(created_at=now - 45, started_at=now - 20, log=[(now - 20, "starting container")]),
    )
    cluster.adopt(
        "job-abc123",
        JobRequest(
            name="inference",
            command="",
            image="pytorch-inference:v1.0",
            user_id=USER,
            cluster_id="cluster_abc",
            resources=Resources(2, 8 * 2**30, 1),
            priority=80,
            queue="high-priority",
            max_retries=3,
            backoff_multiplier=2.0,
            extras={
                "jobservice.job_type": "inference",
                "jobservice.config": {"model": "resnet50", "batch_size": 32},
                "jobservice.resources": {"cpu": "2", "memory": "8Gi", "gpu": 1},
                "jobservice.worker_id": "worker-xyz789",
            },
        ),
        Past(
            created_at=now - 1500,
            started_at=now - 1495,
            runs_for=3 * HOUR,
            log=[
                (now - 1495, "Loading model resnet50..."),
                (now - 1490, "Model loaded successfully"),
                (now - 1489, "Processing batch 1/100..."),
            ],
        ),
    )


def _request(
    name: str,
    command: str,
    cpus: int,
    gigabytes: int,
    gpus: int = 0,
    *,
    cluster_id: str = "cluster_123",
    output_path: str | None = None,
    spec: bool = False,
) -> JobRequest:
    memory = f"{gigabytes}GB"
    extras: dict[str, Any] = {"platform.resources": {"cpus": cpus, "memory": memory, "gpus": gpus}}
    if spec:
        extras["platform.spec"] = {
            "image": "ubuntu:22.04",
            "command": ["sh", "-c", command],
            "resources": {"cpu": str(cpus), "memory": memory},
        }
    return JobRequest(
        name=name,
        command=command,
        user_id=USER,
        cluster_id=cluster_id,
        resources=Resources(cpus, gigabytes * GB, gpus),
        output_path=output_path,
        extras=extras,
    )
