"""A real cluster whose lists take long: who cancels a job hears that it has ended all the same; no Slurm is needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import JobRequest, JobState
from mock_server.cluster.slurm import cluster
from mock_server.cluster.slurm.settings import SlurmSettings
from tests.cluster.fake_slurm import FakeSlurm

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TAKES = 0.15
PATIENCE = 0.4


class Slow(FakeSlurm):
    """One whose lists take longer the more there is to do, which is why they are asked for more rarely."""

    async def jobs(self, finished: Any = ()) -> list[Any]:
        await asyncio.sleep(TAKES)
        return await super().jobs(finished)


def test_a_cancellation_waits_for_the_next_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", PATIENCE)

    async def body() -> None:
        backend = cluster.SlurmCluster(SlurmSettings("http://127.0.0.1:1", directory=str(tmp_path)))
        slurm = Slow(slots=0)
        slurm.plans["true"] = [(1.0, 0)]
        backend.rest = slurm  # type: ignore[assignment]
        await backend.open()
        try:
            job = await backend.submit(JobRequest("a", "true", "u"))
            assert backend._relief() > PATIENCE
            await backend.cancel(job.id)
            assert job.state is JobState.CANCELLED
        finally:
            await backend.aclose()

    asyncio.run(body())
