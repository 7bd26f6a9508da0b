"""What the server keeps above a real cluster: places of queues, retries, seconds; no Slurm is needed for these."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.backend import ClusterError, UnavailableError
from mock_server.cluster.job import Job, JobRequest, JobState
from mock_server.cluster.layout import QueueInfo
from mock_server.cluster.slurm import cluster as slurm_cluster, following, keeping
from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.identity import parse_tag
from mock_server.cluster.slurm.settings import SlurmSettings
from tests.cluster.fake_slurm import FakeSlurm, Work
from tests.cluster.world import run
from tests.support.effort import effort

if TYPE_CHECKING:
    from pathlib import Path

PLACES = 2


async def _at_once(_: list[Job]) -> None:
    """Do not wait for an end: time does not pass by itself here."""


class Bench:
    """A server over a fake Slurm, which can be started anew."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, *, slots: int = 100) -> None:
        self.slurm = FakeSlurm(slots)
        self._directory = directory
        for module in (slurm_cluster, following, keeping):
            monkeypatch.setattr(module, "time", self.slurm)
        monkeypatch.setattr("mock_server.cluster.slurm.layout.QUEUES", (QueueInfo("narrow", PLACES),))
        self.backend = self._backend()

    def _backend(self) -> SlurmCluster:
        settings = SlurmSettings(
            "http://127.0.0.1:1", directory=str(self._directory), operator="root", user="root", settle=5.0
        )
        backend = SlurmCluster(settings, state=str(self._directory))
        backend.rest = backend.commands = self.slurm  # type: ignore[assignment]
        backend._ended = _at_once  # type: ignore[method-assign]
        backend._memory.open()
        backend._roster.recall()
        return backend

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


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path, monkeypatch)
    made.look()
    return made


def _mark(bench: Bench, job: Job) -> str | None:
    tag = parse_tag(bench.work(job).comment)
    return None if tag is None else tag.gate


def test_a_job_without_a_place_reaches_slurm_held_and_says_by_whom(bench: Bench) -> None:
    jobs = [bench.submit((10, 0)) for _ in range(3)]
    assert [bench.work(job).priority for job in jobs] == [1000, 1000, 0]
    assert [_mark(bench, job) for job in jobs] == [None, None, "held"]
    bench.wait(1)
    assert [(job.state.value, job.reason, job.held) for job in jobs] == [
        ("running", None, False),
        ("running", None, False),
        ("queued", "QueueConcurrencyLimit", False),
    ]
    bench.wait(20)
    assert _mark(bench, jobs[2]) is None
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
    assert [_mark(bench, job) for job in (low, lower, high)] == [None, "held", None]
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
    assert (job.reason, bench.work(job).priority, _mark(bench, job)) == ("BeginTime", 0, None)
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
    assert (job.held, job.reason, _mark(bench, job), bench.work(job).priority) == (True, "JobHeldUser", None, 0)
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


class Chaos:
    """Does things to a server and to Slurm, and watches what Slurm starts."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.random = random.Random(seed)
        self.held: set[int] = set()
        self.passed: set[int] = set()
        self.cancelled: set[int] = set()
        self.jobs: dict[str, JobRequest] = {}
        bench.slurm.on_start = self._started

    def step(self) -> None:
        choose = self.random
        self.bench.slurm.trouble = self._trouble if choose.random() < 0.3 else lambda _: None
        move = choose.choice(
            [self._submit] * 4 + [self._act] * 6 + [self._operate] * 2 + [self._wait] * 8 + [self._again]
        )
        with contextlib.suppress(ClusterError):
            move()

    def finish(self) -> None:
        """Let everything end, with Slurm in good health."""
        bench = self.bench
        bench.slurm.trouble = lambda _: None
        bench.look()
        for _ in range(400):
            for job in list(bench.backend.jobs.values()):
                if job.held and not job.state.is_terminal:
                    self.held.discard(job.number // 100_000)
                    run(bench.backend.release(job.id))
            bench.wait(1)
            if all(job.state.is_terminal for job in bench.backend.jobs.values()):
                return
        raise AssertionError([job for job in bench.backend.jobs.values() if not job.state.is_terminal])

    def _trouble(self, _: str) -> str | None:
        return self.random.choice([None, None, "away", "lost", "unanswered"])

    def _started(self, work: Work) -> None:
        assert work.number not in self.held
        tag = parse_tag(work.comment)
        assert tag is not None
        running = [
            other for other in self.bench.slurm.works.values() if other.state == "RUNNING" and '"q"' in other.comment
        ]
        if tag.queue is not None and work.number not in self.passed:
            assert len([other for other in running if other.number not in self.passed]) <= PLACES

    def _submit(self) -> None:
        choose = self.random
        plan = [(choose.choice([0.5, 2.0, 6.0]), choose.choice([0, 0, 3])) for _ in range(4)]
        held = choose.random() < 0.1
        before = len(self.bench.slurm.works)
        fields: dict[str, Any] = {"priority": choose.randrange(3), "max_retries": choose.choice([0, 2]), "hold": held}
        fields["queue"] = choose.choice(["narrow", "narrow", None])
        try:
            self.bench.submit(*plan, **fields)
        finally:
            if held and len(self.bench.slurm.works) > before:
                self.held.add(before + 1)

    def _act(self) -> None:
        backend = self.bench.backend
        active = [job for job in backend.jobs.values() if not job.state.is_terminal]
        if not active:
            return
        job = self.random.choice(active)
        number, kind = job.number // 100_000, self.random.choice(["hold", "release", "cancel", "priority"])
        if kind == "hold" and job.state is not JobState.RUNNING:
            run(backend.hold(job.id))
            if job.held and self.bench.slurm.works[number].state == "PENDING":
                self.held.add(number)
        elif kind == "release":
            self.held.discard(number)
            run(backend.release(job.id))
        elif kind == "cancel" and self.random.random() < 0.3:
            self.cancelled.add(number)
            run(backend.cancel(job.id))
        elif kind == "priority":
            run(backend.set_priority(job.id, self.random.randrange(3)))

    def _operate(self) -> None:
        """Do what somebody does past the server."""
        # Of one that has just come back nobody could tell who holds it.
        coming = {int(job_id[4:]) for job_id in self.bench.backend._roster.gate.returning}
        works = self.bench.slurm.works.values()
        waiting = [work for work in works if work.state == "PENDING" and work.number not in coming]
        if waiting:
            work = self.random.choice(waiting)
            tag = parse_tag(work.comment)
            if work.priority:
                work.priority = 0
                if tag is not None and tag.gate is None:
                    self.held.add(work.number)
            elif work.number not in self.held:
                self.passed.add(work.number)
                work.priority = 1000

    def _wait(self) -> None:
        self.bench.slurm.pass_time(self.random.choice([0.25, 0.5, 1.0]))
        self.bench.look()

    def _again(self) -> None:
        self.bench.restart()
        self.bench.look()


@pytest.mark.parametrize("seed", range(effort(12, 400)))
def test_whatever_happens_no_place_is_given_twice_and_nobody_is_lost(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, monkeypatch, slots=4)
    bench.look()
    chaos = Chaos(bench, seed)
    for _ in range(120):
        chaos.step()
    chaos.finish()
    for job in bench.backend.jobs.values():
        work = bench.work(job)
        if work.number in chaos.cancelled:
            continue
        assert (work.state == "COMPLETED") == (job.state is JobState.COMPLETED)
        if job.request.max_retries:
            statuses = [status for _, status in work.plan]
            wins = [index for index, status in enumerate(statuses) if status == 0]
            runs = min([index + 1 for index in wins] + [job.request.max_retries + 1])
            assert (len(work.runs), job.retries) == (runs, runs - 1)
