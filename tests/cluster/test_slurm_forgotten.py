"""Jobs that only the accounting remembers; no Slurm is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mock_server.cluster.backend import UnavailableError
from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.slurm.accounting import BATCH
from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.records import job_record
from mock_server.cluster.slurm.settings import SlurmSettings
from tests.cluster.test_slurm_account_records import BURNER, TASK
from tests.cluster.test_slurm_accounting import Books, Scene, listed


def test_many_that_slurm_has_forgotten_are_looked_for_at_once_and_what_is_not_there_only_once() -> None:
    scene = Scene(0)
    scene.arrive(*range(1, BATCH + 1))
    keys = [str(number) for number in range(1, BATCH + 51)]
    for _ in range(2):
        found = asyncio.run(scene.accounting.find([*keys, "1; drop"]))
        assert [record.job_id for record in found] == list(range(1, BATCH + 1))
    assert [len(asked) for asked in scene.books.asked] == [BATCH, 50, BATCH]


def test_a_job_that_slurm_has_forgotten_is_asked_for_once(tmp_path: Path) -> None:
    backend = SlurmCluster(SlurmSettings("http://127.0.0.1:1", directory=str(tmp_path)))
    backend.trouble = None
    books = backend.accounting._access = Books()
    books.jobs = {"1": BURNER, "3": {**TASK, "array": {**TASK["array"], "job_id": 3, "task_id": 1}}}

    async def recall(*keys: str) -> None:
        for key in keys:
            await backend.recall(key)

    asyncio.run(recall("1", "1", "3", "9", "9", "job_1", "../9"))
    assert list(backend.jobs) == ["1", "3_1"]
    assert [task.id for task in backend.array("3")] == ["3_1"]
    assert books.asked == [["1"], ["3"], ["9"], ["1"]]
    job = backend.job("1")
    assert (job.name, job.state, job.ended_at, job.node_names) == (
        "b.sh",
        JobState.COMPLETED,
        1795821348.0,
        ("cpu001",),
    )
    assert job.request.resources == Resources(2, 500 * 2**20)
    assert backend.events() == []
    books.failure = UnavailableError("slurmdbd is away")
    with pytest.raises(UnavailableError):
        asyncio.run(recall("10"))


def test_an_exit_code_that_is_not_told_is_not_zero() -> None:
    scene = Scene(0)
    scene.roster.remember("1", [job_record(listed(1, job_state="FAILED", exit_code={"return_code": 0}))])
    scene.roster.remember("2", [job_record(listed(2, job_state="FAILED", exit_code={"return_code": 3}))])
    assert [(scene.job(number).exit_code, scene.job(number).reason) for number in (1, 2)] == [
        (None, "NonZeroExitCode"),
        (3, "NonZeroExitCode"),
    ]
