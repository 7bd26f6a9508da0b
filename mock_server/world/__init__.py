"""The worlds a server can start with."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from mock_server.cluster.ranking import WEIGHTS
from mock_server.cluster.simulated import SimulatedCluster
from mock_server.storage.store import Seed
from mock_server.world import documented, documented_files, empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_server.cluster.founding import SchedulerName
    from mock_server.cluster.job import IdForm
    from mock_server.cluster.priority import Weights

WORLDS: dict[str, Callable[[SimulatedCluster], None]] = {"documented": documented.fill, "empty": empty.fill}


SEEDS: dict[str, Callable[[], Iterable[Seed]]] = {"documented": documented_files.seeds, "empty": tuple[Seed]}
"""The stored files of each world."""


def build_world(
    name: str,
    *,
    now: float,
    seed: int,
    scheduler: SchedulerName = "fcfs",
    weights: Weights = WEIGHTS,
    preemption: bool = False,
) -> SimulatedCluster:
    """Return the cluster of the world called ``name`` as it is at ``now``."""
    if name not in WORLDS:
        raise ValueError(f"world must be one of {', '.join(WORLDS)}, not {name!r}")

    def unique(number: int) -> str:
        return blake2b(f"{seed}:{number}".encode(), digest_size=5).hexdigest()

    factories: dict[IdForm, Callable[[int], str]] = {
        "platform": lambda number: "job_" + unique(number),
        "jobservice": lambda number: "job-" + unique(number),
    }
    cluster = SimulatedCluster(
        now=now, seed=seed, id_factories=factories, scheduler=scheduler, weights=weights, preemption=preemption
    )
    WORLDS[name](cluster)
    return cluster
