"""The whole site at one instant: what is in use, how many jobs and nodes are in which state, how long jobs wait."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from mock_server.cluster.job import JobState
from mock_server.cluster.node import NodeState
from mock_server.s9s.durations import spaced_text
from mock_server.s9s.node_views import all_nodes
from mock_server.s9s.states import JOB_WORDS, job_word, node_word
from mock_server.wire import iso

if TYPE_CHECKING:
    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.node import Node

HOUR = 3_600.0
WINDOW = 24 * HOUR
"""The seconds over which waits and throughput are taken."""

ALWAYS_JOBS: tuple[str, ...] = ("RUNNING", "PENDING", "COMPLETED", "FAILED", "CANCELLED")
ALWAYS_NODES: tuple[str, ...] = ("IDLE", "MIXED", "ALLOCATED", "DOWN", "DRAIN")
ABSENT = frozenset({NodeState.DOWN, NodeState.BOOTING})


class ClusterUtilization(TypedDict):
    """What is allocated of the nodes that are up, in percent."""

    cpu_percent: float
    memory_percent: float
    gpu_percent: float


class QueueStats(TypedDict):
    """How long jobs waited that started within the last 24 hours, and how many were completed an hour."""

    avg_wait_time: str
    max_wait_time: str
    throughput: float


class SiteStats(TypedDict):
    """What is in use, what there is, and how it goes."""

    cluster_utilization: ClusterUtilization
    job_counts: dict[str, int]
    node_counts: dict[str, int]
    queue_stats: QueueStats


class ClusterStats(SiteStats):
    """The site at an instant."""

    timestamp: str


def cluster_stats(cluster: ClusterBackend, now: float) -> ClusterStats:
    """Return the statistics of all clusters together."""
    return {"timestamp": iso(now), **site_stats(cluster, now)}


def site_stats(cluster: ClusterBackend, now: float) -> SiteStats:
    """Return the statistics without their instant."""
    nodes = list(all_nodes(cluster))
    return {
        "cluster_utilization": _utilization(nodes),
        "job_counts": _job_counts(cluster),
        "node_counts": {**dict.fromkeys(ALWAYS_NODES, 0), **Counter(node_word(node) for node in nodes)},
        "queue_stats": _queue_stats(cluster, now),
    }


def _utilization(nodes: list[Node]) -> ClusterUtilization:
    there = [node for node in nodes if node.state not in ABSENT]
    shares = {
        kind: _percent(
            sum(getattr(node.capacity, kind) - getattr(node.free, kind) for node in there),
            sum(getattr(node.capacity, kind) for node in there),
        )
        for kind in ("cpus", "memory", "gpus")
    }
    return {"cpu_percent": shares["cpus"], "memory_percent": shares["memory"], "gpu_percent": shares["gpus"]}


def _job_counts(cluster: ClusterBackend) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(ALWAYS_JOBS, 0)
    states = Counter(job.state for job in cluster.jobs.values())
    failed = states.pop(JobState.FAILED, 0)
    for state, count in states.items():
        counts[JOB_WORDS[state]] += count
    if failed:  # which have several words
        counts.update(Counter(job_word(job) for job in cluster.jobs.values() if job.state is JobState.FAILED))
    return counts


def _queue_stats(cluster: ClusterBackend, now: float) -> QueueStats:
    found = cluster.statistics(now - WINDOW, now)
    return {
        "avg_wait_time": spaced_text(found.wait.mean),
        "max_wait_time": spaced_text(found.wait.max),
        "throughput": round(found.completed / (WINDOW / HOUR), 2),
    }


def _percent(part: float, whole: float) -> float:
    return round(100.0 * part / whole, 2) if whole else 0.0
