"""Jobs that ended and were forgotten by Slurm while the server was away; no Slurm is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.backend import UnavailableError
from mock_server.cluster.job import Job, JobState
from mock_server.cluster.slurm.records import job_record
from tests.cluster.slurm_bench import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_server.cluster.slurm.records import JobRecord


class Kept:
    """Stands for an accounting; it has what Slurm had of a job when it forgot it."""

    def __init__(self) -> None:
        self.records: dict[str, JobRecord] = {}
        self.is_away = False
        self.asked: list[str] = []
        self.meanwhile: Callable[[], object] = bool

    async def find(self, keys: Iterable[str]) -> list[JobRecord]:
        self.asked += keys
        self.meanwhile()
        if self.is_away:
            raise UnavailableError("slurmdbd is away")
        return [self.records[key] for key in keys if key in self.records]


def _forgotten(bench: Bench, code: int, **fields: Any) -> tuple[Job, Kept]:
    """Let a job end and be forgotten while the server is away; return it as the next server has it."""
    job = bench.submit((5, code), **fields)
    bench.wait(1)
    bench.slurm.pass_time(10)
    kept = Kept()
    work = bench.slurm.works.pop(1)
    kept.records["1"] = job_record(work.raw())
    bench.restart()
    bench.backend.accounting = kept  # type: ignore[assignment]
    recalled = bench.backend.job(job.id)
    assert recalled.state is JobState.RUNNING
    return recalled, kept


@pytest.mark.parametrize(("code", "state"), [(0, JobState.COMPLETED), (3, JobState.FAILED)])
def test_what_slurm_has_forgotten_has_ended_as_the_accounting_says(bench: Bench, code: int, state: JobState) -> None:
    job, kept = _forgotten(bench, code)
    ended = kept.records["1"].ended
    bench.look()
    reason = "NonZeroExitCode" if code else None
    assert (job.state, job.exit_code, job.reason, job.ended_at) == (state, code, reason, ended)
    bench.wait(1)
    assert kept.asked == ["1"]


def test_while_the_accounting_is_away_nothing_is_told(bench: Bench) -> None:
    job, kept = _forgotten(bench, 0)
    kept.is_away = True
    bench.wait(1)
    assert job.state is JobState.RUNNING
    kept.is_away = False
    bench.look()
    assert job.state is JobState.COMPLETED


def test_what_nobody_has_is_lost(bench: Bench) -> None:
    job, kept = _forgotten(bench, 0)
    kept.records.clear()
    bench.look()
    assert (job.state, job.reason, job.exit_code) == (JobState.FAILED, "NoRecord", None)


def test_what_was_deleted_while_the_accounting_was_asked_stays_deleted(bench: Bench) -> None:
    job, kept = _forgotten(bench, 0)

    def delete() -> None:
        bench.backend._roster.deleted(job, bench.slurm.now)
        bench.backend._roster.flush()

    kept.meanwhile = delete
    bench.look()
    assert (bench.backend.jobs, bench.backend.events()[-1].kind) == ({}, "job.deleted")
    bench.restart()
    assert bench.backend.jobs == {}
