"""Numbers that Slurm gives again, as one does that has lost its state; no Slurm is needed."""

from __future__ import annotations

import pytest

from mock_server.cluster.job import JobRequest, JobState
from tests.cluster.fake_slurm import Work
from tests.cluster.slurm_bench import Bench
from tests.cluster.world import run


def _kinds(bench: Bench, job_id: str) -> list[str]:
    found = [event.kind for event in bench.backend.events() if event.subject == job_id]
    return [kind for kind in found if kind != "job.updated"]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_new_job_is_not_the_one_that_had_its_number(bench: Bench, *, is_restarted: bool) -> None:
    before = bench.submit((1, 3), name="before")
    bench.wait(3)
    bench.slurm.works.clear()
    if is_restarted:
        bench.restart()
    bench.look()
    job = bench.submit((2, 0), name="after")
    assert (job.id, job.name, job.state) == (before.id, "after", JobState.PENDING)
    bench.wait(1)
    assert (job.state, job.exit_code) == (JobState.RUNNING, None)
    bench.wait(3)
    assert (job.state, job.exit_code) == (JobState.COMPLETED, 0)
    assert _kinds(bench, job.id)[-4:] == ["job.deleted", "job.created", "job.started", "job.completed"]
    bench.restart()
    again = bench.backend.job(job.id)
    assert (again.name, again.state, len(bench.backend.jobs)) == ("after", JobState.COMPLETED, 1)


def test_a_key_does_not_lead_to_the_job_that_has_the_number_now(bench: Bench) -> None:
    bench.slurm.plans["true"] = [(1, 0)]
    first, second = (JobRequest(name, "true", "u", idempotency_key=name) for name in ("first", "second"))
    before = run(bench.backend.submit(first))
    bench.wait(3)
    bench.slurm.works.clear()
    job = run(bench.backend.submit(second))
    assert (job.id, job.name) == (before.id, "second")
    assert run(bench.backend.submit(first)).id != job.id
    assert run(bench.backend.submit(second)) is job


def test_a_job_that_was_deleted_does_not_hide_the_next_one(bench: Bench) -> None:
    before = bench.submit((1, 0))
    bench.wait(3)
    run(bench.backend.delete(before.id))
    bench.slurm.works.clear()
    job = bench.submit((1, 4))
    bench.wait(3)
    assert (job.id, job.state, job.exit_code) == (before.id, JobState.FAILED, 4)
    bench.restart()
    bench.look()
    assert bench.backend.job(job.id).exit_code == 4


def test_a_job_that_still_ran_is_lost(bench: Bench) -> None:
    before = bench.submit((50, 0))
    bench.wait(1)
    bench.slurm.works.clear()
    job = bench.submit((1, 0))
    assert (before.state, before.reason, job.state) == (JobState.FAILED, "NoRecord", JobState.PENDING)
    assert _kinds(bench, job.id) == ["job.created", "job.started", "job.failed", "job.deleted", "job.created"]


def test_a_job_of_somebody_else_has_the_number(bench: Bench) -> None:
    before = bench.submit((1, 3), id_form="s9s")
    bench.wait(3)
    bench.slurm.works.clear()
    bench.slurm.works[1] = Work(1, "", [(5, 0)], 1000, bench.slurm.now, submitted=int(bench.slurm.now))
    bench.wait(1)
    job = bench.backend.job(before.id)
    assert (job.name, job.state, job.exit_code) == ("fake", JobState.RUNNING, None)
    bench.wait(6)
    assert job.state is JobState.COMPLETED


def test_a_job_is_itself_whatever_the_clocks_say(bench: Bench) -> None:
    """The clock of Slurm's machine may be ahead of the server's, whose own is in the end of a job it has judged."""
    job = bench.submit((50, 0))
    bench.wait(1)
    work = bench.slurm.works.pop(1)
    bench.look()
    assert (job.state, job.reason) == (JobState.FAILED, "NoRecord")
    bench.slurm.works[1] = work
    work.submitted = int(bench.slurm.now) + 60
    bench.wait(1)
    assert bench.backend.job(job.id) is job
