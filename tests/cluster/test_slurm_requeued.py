"""Jobs that had ended and that an operator has Slurm run again; no Slurm is needed."""

from __future__ import annotations

import pytest

from mock_server.cluster.job import JobState
from tests.cluster.fake_slurm import DELAY
from tests.cluster.slurm_bench import Bench
from tests.cluster.world import run


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("queue", [None, "narrow"])
def test_a_job_that_runs_again_is_followed_again(bench: Bench, queue: str | None, *, is_restarted: bool) -> None:
    job = bench.submit((1, 3), (5, 0), queue=queue)
    bench.wait(3)
    assert (job.state, job.exit_code) == (JobState.FAILED, 3)
    if is_restarted:
        bench.restart()
        job = bench.backend.job(job.id)
    bench.slurm.requeue(bench.work(job))
    bench.wait(1)
    assert (job.state, job.exit_code, job.ended_at, job.restarts) == (JobState.PENDING, None, None, 1)
    bench.wait(DELAY + 2)
    assert (job.state, len(job.earlier_runs)) == (JobState.RUNNING, 1)
    bench.wait(5)
    assert (job.state, job.exit_code, job.restarts) == (JobState.COMPLETED, 0, 1)
    kinds = [event.kind for event in bench.backend.events() if event.subject == job.id]
    ends = [kind for kind in kinds if kind in {"job.failed", "job.requeued", "job.started", "job.completed"}]
    assert ends[-3:] == ["job.requeued", "job.started", "job.completed"]


def test_a_job_that_runs_again_can_be_cancelled(bench: Bench) -> None:
    job = bench.submit((1, 0), (50, 0))
    bench.wait(3)
    bench.slurm.requeue(bench.work(job))
    bench.wait(DELAY + 3)
    assert job.state is JobState.RUNNING
    run(bench.backend.cancel(job.id, "enough"))
    assert (job.state, job.cancel_reason) == (JobState.CANCELLED, "enough")
    bench.wait(2)
    assert job.state is JobState.CANCELLED


def test_a_deleted_job_that_runs_again_stays_deleted(bench: Bench) -> None:
    job = bench.submit((1, 0))
    bench.wait(3)
    run(bench.backend.delete(job.id))
    bench.slurm.requeue(bench.work(job))
    bench.wait(2)
    assert job.id not in bench.backend.jobs
