"""What the server keeps above a real cluster: places of queues, retries, seconds; no Slurm is needed for these."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mock_server.cluster.backend import UnavailableError
from mock_server.cluster.job import JobState
from tests.cluster.fake_slurm import Work
from tests.cluster.slurm_bench import PLACES, Bench, mark
from tests.cluster.world import run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_job_without_a_place_reaches_slurm_held_and_says_by_whom(bench: Bench) -> None:
    jobs = [bench.submit((10, 0)) for _ in range(3)]
    assert [bench.work(job).priority for job in jobs] == [1000, 1000, 0]
    assert [mark(bench, job) for job in jobs] == [None, None, "held"]
    bench.wait(1)
    assert [(job.state.value, job.reason, job.held) for job in jobs] == [
        ("running", None, False),
        ("running", None, False),
        ("queued", "QueueConcurrencyLimit", False),
    ]
    bench.wait(20)
    assert mark(bench, jobs[2]) is None
    assert {job.state for job in jobs} == {JobState.COMPLETED}


def test_a_place_is_kept_for_a_submission_without_an_answer_until_it_cannot_arrive(bench: Bench) -> None:
    bench.slurm.trouble = lambda what: "lost" if what == "submit" else None
    for _ in range(PLACES):
        with pytest.raises(UnavailableError):
            bench.submit((10, 0))
    bench.slurm.trouble = lambda _: None
    job = bench.submit((10, 0))
    bench.wait(4)
    assert job.reason == "QueueConcurrencyLimit"
    bench.wait(3)
    assert job.state is JobState.RUNNING


def test_a_place_is_not_lost_with_a_submission_that_nobody_waits_for(bench: Bench) -> None:
    def leave(_: str) -> str | None:
        raise asyncio.CancelledError

    bench.slurm.trouble = leave
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            bench.submit((1, 0))
    bench.slurm.trouble = lambda _: None
    bench.wait(6)
    jobs = [bench.submit((1, 0)) for _ in range(2)]
    assert [mark(bench, job) for job in jobs] == [None, None]


def test_a_release_without_an_answer_keeps_its_place(bench: Bench) -> None:
    jobs = [bench.submit((2, 0)) for _ in range(PLACES)]
    first, second, third = (bench.submit((10, 0)) for _ in range(3))
    answers = ["lost", "lost", "unanswered"]
    bench.slurm.trouble = lambda what: answers.pop(0) if what == "update" and answers else None
    bench.wait(6)
    assert {job.state for job in jobs} == {JobState.COMPLETED}
    assert [job.state.value for job in (first, second, third)] == ["running", "running", "queued"]


def test_a_waiting_job_gives_its_place_back_to_a_better_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch, slots=1)
    bench.look()
    blocker = bench.submit((5, 0), queue=None)
    bench.wait(1)
    low, lower = bench.submit((5, 0), priority=5), bench.submit((5, 0), priority=4)
    high = bench.submit((5, 0), priority=50)
    bench.wait(1)
    assert [mark(bench, job) for job in (low, lower, high)] == [None, "held", None]
    bench.wait(30)
    started = sorted((low, lower, high, blocker), key=lambda job: job.started_at or 0.0)
    assert started == [blocker, high, low, lower]


def test_a_retry_is_decided_on_once_whoever_is_away(bench: Bench) -> None:
    job = bench.submit((1, 3), (1, 4), (9, 0), max_retries=5, backoff_multiplier=2.0)
    bench.wait(1)
    bench.slurm.trouble = lambda what: "away" if what == "take back" else None
    bench.wait(5)
    assert (job.state, job.reason, job.retries, job.exit_code) == (JobState.QUEUED, "BeginTime", 1, None)
    bench.restart()
    bench.wait(2)
    job = bench.backend.job(job.id)
    assert (job.state, job.retries) == (JobState.QUEUED, 1)
    bench.slurm.trouble = lambda _: None
    bench.wait(2)
    assert bench.work(job).restarts in {1, 2}
    bench.wait(20)
    assert (job.state, job.exit_code, job.retries, len(job.runs(0.0))) == (JobState.COMPLETED, 0, 2, 3)
    assert len(bench.work(job).runs) == 3


@pytest.mark.parametrize("again", [False, True])
def test_a_job_that_came_back_without_a_mark_is_let_go(bench: Bench, again: bool) -> None:
    job = bench.submit((1, 3), (1, 0), max_retries=1)
    bench.slurm.trouble = lambda what: "away" if what == "update" else None
    bench.wait(4)
    assert (job.reason, bench.work(job).priority, mark(bench, job)) == ("BeginTime", 0, None)
    if again:
        bench.restart()
    bench.slurm.trouble = lambda _: None
    bench.wait(4)
    job = bench.backend.job(job.id)
    assert (job.state, job.retries) == (JobState.COMPLETED, 1)


def test_a_job_that_was_taken_back_without_an_answer_is_not_given_up(bench: Bench) -> None:
    job = bench.submit((1, 3), (1, 0), max_retries=1)
    answers = ["unanswered"]
    bench.slurm.trouble = lambda what: answers.pop() if what == "take back" and answers else None
    bench.wait(8)
    assert (job.state, job.retries, bench.work(job).restarts) == (JobState.COMPLETED, 1, 1)
    assert bench.slurm.asked.count(("take back", job.id[4:])) == 1


def test_what_slurm_does_not_take_back_has_failed(bench: Bench) -> None:
    bench.slurm.refuses_to_take_back = True
    job = bench.submit((1, 3), max_retries=5)
    bench.wait(4)
    assert (job.state, job.exit_code, job.reason, job.retries) == (JobState.FAILED, 3, "NonZeroExitCode", 0)
    assert len(job.runs(0.0)) == 1
    assert (job.started_at, job.node_names) == (int(bench.work(job).runs[0]), ("node001",)) or job.started_at
    asked = len(bench.slurm.asked)
    bench.wait(1)
    assert len(bench.slurm.asked) == asked


def test_without_scontrol_nothing_is_tried_again(bench: Bench) -> None:
    bench.backend._roster.can_retry = False
    job = bench.submit((1, 3), max_retries=5)
    bench.wait(3)
    assert (job.state, job.retries) == (JobState.FAILED, 0)


def test_a_pause_is_not_cut_short(bench: Bench) -> None:
    job = bench.submit((1, 3), (1, 3), (1, 3), max_retries=2, backoff_multiplier=7.0)
    bench.wait(20)
    first, second, third = bench.work(job).runs
    assert second - first >= 1 + 1
    assert third - second >= 1 + 7
    assert (job.state, job.retries) == (JobState.FAILED, 2)


def test_a_job_that_comes_back_is_held_for_a_caller(bench: Bench) -> None:
    job = bench.submit((1, 3), (1, 0), max_retries=2)
    bench.slurm.trouble = lambda what: "away" if what == "take back" else None
    bench.wait(2)
    run(bench.backend.hold(job.id))
    bench.slurm.trouble = lambda _: None
    bench.wait(5)
    assert (job.held, job.reason, mark(bench, job), bench.work(job).priority) == (True, "JobHeldUser", None, 0)
    bench.restart()
    bench.wait(1)
    job = bench.backend.job(job.id)
    assert job.held
    run(bench.backend.release(job.id))
    bench.wait(4)
    assert (job.state, job.retries) == (JobState.COMPLETED, 1)


def test_a_cancellation_ends_a_pause_and_a_late_failure(bench: Bench) -> None:
    job = bench.submit((1, 3), max_retries=2)
    bench.slurm.trouble = lambda what: "away" if what == "take back" else None
    bench.wait(2)
    assert job.retries == 1
    run(bench.backend.cancel(job.id))
    bench.slurm.trouble = lambda _: None
    bench.wait(3)
    assert (job.state, bench.work(job).restarts) == (JobState.CANCELLED, 0)


def test_seconds_are_kept_and_told_apart_from_a_cancellation(bench: Bench) -> None:
    late, cancelled = bench.submit((100, 0), time_limit=3.0), bench.submit((100, 0), time_limit=3.0)
    bench.wait(2)
    run(bench.backend.cancel(cancelled.id))
    bench.wait(4)
    assert (late.state, late.reason, late.signal) == (JobState.FAILED, "TimeLimit", 15)
    assert 3 <= bench.work(late).ended - bench.work(late).runs[0] <= 5
    assert (cancelled.state, cancelled.reason) == (JobState.CANCELLED, None)
    assert bench.slurm.asked.count(("cancel", late.id[4:])) == 1


def test_a_job_that_takes_its_time_to_end_is_told_once(bench: Bench) -> None:
    bench.slurm.grace = 3.0
    job = bench.submit((100, 0), time_limit=2.0)
    bench.wait(9)
    assert (job.state, job.reason) == (JobState.FAILED, "TimeLimit")
    assert bench.slurm.asked.count(("cancel", job.id[4:])) == 1


def test_a_late_job_that_a_caller_cancels_first_is_cancelled(bench: Bench) -> None:
    job = bench.submit((100, 0), time_limit=2.0, max_retries=3)
    bench.wait(1)
    bench.slurm.pass_time(5)
    run(bench.backend.cancel(job.id))
    bench.wait(1)
    assert (job.state, job.reason, job.retries) == (JobState.CANCELLED, None, 0)


def test_what_was_submitted_past_the_server_is_left_to_slurm(bench: Bench) -> None:
    bench.slurm.works[1] = Work(1, "", [(200, 0)], 1000, bench.slurm.now, time_limit=1)
    bench.wait(70)
    assert bench.backend.job("1").state is JobState.RUNNING
    assert bench.slurm.asked == []


def test_where_nothing_can_be_taken_back_places_are_given_all_the_same(bench: Bench) -> None:
    failed = bench.submit((1, 3), max_retries=3)
    jobs = [bench.submit((2, 0)) for _ in range(3)]
    bench.slurm.trouble = lambda what: "away" if what == "take back" else None
    bench.wait(8)
    assert failed.state is JobState.QUEUED
    assert {job.state for job in jobs} == {JobState.COMPLETED}
