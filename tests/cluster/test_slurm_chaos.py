"""Whatever callers, operators and the network do: no place is given twice, no job is lost or run too often."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.backend import ClusterError
from mock_server.cluster.job import JobRequest, JobState
from mock_server.cluster.slurm.identity import parse_tag
from tests.cluster.fake_slurm import Work
from tests.cluster.slurm_bench import PLACES, Bench
from tests.cluster.world import run
from tests.support.effort import effort

if TYPE_CHECKING:
    from pathlib import Path


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
