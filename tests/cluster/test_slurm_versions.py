"""What later versions of slurmrestd really said, of which only the fields that are read were kept.

v0.0.40 is that of Slurm 24.05, v0.0.45 that of 26.05: a job that failed, one with GPUs, one that was cancelled, the running
task of an array and the tasks that wait behind it; a node that was drained under the job with GPUs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.job import JobState
from mock_server.cluster.slurm.account_records import usage_record
from mock_server.cluster.slurm.records import job_record, node_record, numbers, partition_record, state
from mock_server.cluster.slurm.states import end_reason, job_state, verdict

MEGABYTE = 2**20


@pytest.fixture(params=["v0.0.40", "v0.0.45"])
def said(request: pytest.FixtureRequest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(__file__).parent / "data" / f"slurm_{request.param}.json").read_text())
    return content


def test_jobs(said: dict[str, Any]) -> None:
    jobs = {job.job_id: job for job in map(job_record, said["jobs"])}
    failed, gpus, cancelled, task, waiting = (jobs[number] for number in (1, 2, 4, 7, 5))
    assert (job_state(failed), end_reason(failed, JobState.FAILED), verdict(failed)) == (
        JobState.FAILED,
        "NonZeroExitCode",
        (3, 0),
    )
    assert (failed.key, failed.comment, failed.user) == ("1", 'vantage:{"u":"u1","f":"s9s","t":"k1"}', "nobody")
    assert 0 < failed.submitted <= failed.started <= failed.ended
    assert (job_state(gpus), gpus.gpus, gpus.time_limit, gpus.nodes) == (JobState.RUNNING, 2, 600.0, "gpu001")
    assert (job_state(cancelled), verdict(cancelled)) == (JobState.CANCELLED, (0, 15))
    assert (task.key, job_state(task), task.memory_per_node) == ("5_5", JobState.RUNNING, 100 * MEGABYTE)
    assert task.stdout == "/out/7"
    assert (waiting.array_job_id, waiting.array_task_id, waiting.nodes) == (5, None, "")
    assert numbers(waiting.waiting_tasks) == (6, 7, 8, 9)


def test_nodes_and_partitions(said: dict[str, Any]) -> None:
    nodes = {node.name: node for node in map(node_record, said["nodes"])}
    gpu = nodes["gpu001"]
    assert (gpu.states, gpu.reason, gpu.gpus, gpu.gpu_type, gpu.gpus_used) == ({"MIXED", "DRAIN"}, "disk", 4, "a100", 2)
    assert (gpu.cpus, gpu.free_cpus, gpu.memory, gpu.features) == (32, 31, 131072 * MEGABYTE, ("gpu", "cuda"))
    assert nodes["cpu001"].machine.cpu_load is not None
    partitions = {partition.name: partition for partition in map(partition_record, said["partitions"])}
    assert partitions["gpu"].nodes == ("gpu001",)
    assert (partitions["gpu"].default_time, partitions["gpu"].max_time, partitions["gpu"].priority) == (
        7200,
        604800,
        10,
    )
    # Before v0.0.43 nothing says which one is the default.
    assert partitions["normal"].is_default is ("flags" in said["partitions"][0])


def test_usage(said: dict[str, Any]) -> None:
    cancelled, task = sorted(map(usage_record, said["usage"]), key=lambda used: used.key)
    assert (cancelled.key, cancelled.state, cancelled.is_complete) == ("4", "CANCELLED", True)
    assert (cancelled.cpu_seconds or 0) > 0
    assert (cancelled.max_memory or 0) > MEGABYTE
    assert (task.key, task.state, task.is_complete, task.cpu_seconds) == ("5_5", "RUNNING", False, None)


def test_a_job_that_is_ending_still_runs() -> None:
    assert job_state(job_record({"job_state": ["CANCELLED", "COMPLETING"]})) is JobState.RUNNING
    assert state(["MIXED", "DRAIN"]) == "MIXED"
    assert state([]) == state(None) == ""
