"""The platform's own jobs and clusters; a server hands in the ones it has."""

from __future__ import annotations

from functools import partial

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.node_type import Category
from mock_server.pipelines.sources.draws import Draws
from mock_server.pipelines.sources.getters import entities_of, events_of, getter
from mock_server.pipelines.sources.reading import DAY, Reading, TimedReading, Wanted

VANTAGE = Category(16, "Vantage")
_CLUSTERS = ("cluster-a", "cluster-b", "cluster-c")


class Jobs(TimedReading):
    status: Wanted = None
    cluster: Wanted = None


class Clusters(Reading):
    status: Wanted = None


def _job(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "job_id": draws.tokens("id", "job_", 8),
        "name": pl.select(pl.lit("job ") + (draws.numbers % 1000).cast(pl.String)).to_series(),
        "status": draws.choice("status", *["completed"] * 6, "failed", "cancelled"),
        "cluster": draws.choice("cluster", *_CLUSTERS),
        "cpus": draws.between("cpus", 1, 32),
        "runtime_seconds": draws.between("runtime", 30, 20_000),
        "created": times,
    }


def _cluster(draws: Draws) -> dict[str, pl.Series]:
    return {
        "cluster": pl.Series(_CLUSTERS, dtype=pl.String),
        "status": draws.choice("status", "running", "running", "stopped"),
        "nodes": draws.between("nodes", 2, 16),
        "cpus": draws.between("cpus", 8, 64),
    }


_type = partial(getter, VANTAGE, "vantage")

NODE_TYPES = (
    _type("listJobs", "List Jobs", "the jobs of the platform", Jobs, events_of("vantage", "jobs", DAY // 6, _job)),
    _type(
        *("listClusters", "List Clusters", "the clusters of the platform", Clusters),
        entities_of("vantage", "clusters", len(_CLUSTERS), _cluster),
    ),
)
