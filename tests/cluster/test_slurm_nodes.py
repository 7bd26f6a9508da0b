"""What is ordered of a node of a real cluster is told, even if the node has other news by then; no Slurm is needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.settings import SlurmSettings
from tests.cluster.fake_slurm import FakeSlurm

if TYPE_CHECKING:
    from pathlib import Path


class Orders:
    """Stands for Slurm's commands: nodes register again at once, as Slurm lets them with ``ReturnToService=2``."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str, str | None]] = []

    async def update_node(self, name: str, state: str, reason: str | None = None) -> None:
        self.given.append((name, state, reason))


def test_a_node_that_comes_back_at_once_was_down(tmp_path: Path) -> None:
    async def body() -> None:
        backend = SlurmCluster(SlurmSettings("http://127.0.0.1:1", directory=str(tmp_path)))
        backend.rest, backend.commands = FakeSlurm(), (orders := Orders())  # type: ignore[assignment]
        await backend.refresh(layout=True)
        await backend.fail_node("slurm", "node001", "burnt")
        assert orders.given == [("node001", "down", "burnt")]
        told = [(event.kind, event.subject, event.data["reason"]) for event in backend.events() if "node" in event.kind]
        assert told == [("node.down", "node001", "burnt"), ("node.up", "node001", None)]
        await backend.drain_node("slurm", "node001", "later")
        assert len(backend.events()) == len(told)

    asyncio.run(body())
