"""A server over a fake Slurm, for tests of what it keeps above a real one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import UnavailableError
from mock_server.cluster.job import Job, JobRequest
from mock_server.cluster.layout import QueueInfo
from mock_server.cluster.slurm import cluster as slurm_cluster, doubts, following, keeping
from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.identity import parse_tag
from mock_server.cluster.slurm.settings import SlurmSettings
from tests.cluster.fake_slurm import FakeSlurm, Work
from tests.cluster.world import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PLACES = 2
"""How many jobs of the queue ``narrow`` may run at once."""


class Bench:
    """A server over a fake Slurm, which can be started anew."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, *, slots: int = 100) -> None:
        self.slurm = FakeSlurm(slots)
        self._directory = directory
        for module in (slurm_cluster, doubts, following, keeping):
            monkeypatch.setattr(module, "time", self.slurm)
        monkeypatch.setattr("mock_server.cluster.slurm.layout.QUEUES", (QueueInfo("narrow", PLACES),))
        self.backend = self._backend()

    def _backend(self) -> SlurmCluster:
        settings = SlurmSettings(
            "http://127.0.0.1:1", directory=str(self._directory), operator="root", user="root", settle=5.0
        )
        backend = SlurmCluster(settings, state=str(self._directory))
        backend.rest = backend.commands = self.slurm  # type: ignore[assignment]
        backend._ended = self._one_look  # type: ignore[method-assign]
        backend.look = backend.refresh  # type: ignore[method-assign]  # the fake one never hangs
        backend.accounting.is_there = False
        backend._memory.open()
        backend._roster.recall()
        backend._doubts.recall(backend._roster.by_token)
        return backend

    async def _one_look(self, _: list[Job]) -> None:
        """Have a look instead of waiting for an end: time does not pass by itself here."""
        with contextlib.suppress(UnavailableError):
            await self.backend.refresh()

    def restart(self) -> None:
        """Let another server go on, as after a kill."""
        self.backend._memory.close()
        self.backend = self._backend()

    def look(self) -> None:
        run(self.backend.refresh())

    def wait(self, seconds: float) -> None:
        """Let time pass, with a look each quarter of a second."""
        for _ in range(round(seconds * 4)):
            self.slurm.pass_time(0.25)
            self.look()

    def submit(self, *plan: tuple[float, int], **fields: Any) -> Job:
        """Submit a job with the seconds and the exit code of each of its runs."""
        command = f"run {len(self.slurm.plans)}"
        self.slurm.plans[command] = [(seconds, code << 8) for seconds, code in plan]
        request: dict[str, Any] = {"name": "kept", "user_id": "u", "id_form": "jobservice", "queue": "narrow", **fields}
        return run(self.backend.submit(JobRequest(command=command, **request)))

    def work(self, job: Job) -> Work:
        return self.slurm.works[job.number // 100_000]


def mark(bench: Bench, job: Job) -> str | None:
    """Return what a job's comment says of who holds it."""
    tag = parse_tag(bench.work(job).comment)
    return None if tag is None else tag.gate
