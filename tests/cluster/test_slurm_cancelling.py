"""Cancelling a job that has gone on in Slurm since the last look; no Slurm is needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.backend import NotFoundError, StateError
from mock_server.cluster.job import JobRequest, JobState
from mock_server.cluster.slurm import cluster as slurm_cluster
from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.records import job_record, node_record, partition_record
from mock_server.cluster.slurm.settings import SlurmSettings
from tests.cluster.slurm_bench import Bench
from tests.cluster.world import run

if TYPE_CHECKING:
    from pathlib import Path

TASKS = 10_000


def _kinds(bench: Bench, job_id: str) -> list[str]:
    found = [event.kind for event in bench.backend.events() if event.subject == job_id]
    return [kind for kind in found if kind != "job.updated"]


@pytest.mark.parametrize("seen_running", [False, True])
def test_a_job_that_has_completed_meanwhile_is_completed_and_not_cancelled(bench: Bench, seen_running: bool) -> None:
    job = bench.submit((2, 0))
    if seen_running:
        bench.wait(1)
    bench.slurm.pass_time(5)
    assert job.state is (JobState.RUNNING if seen_running else JobState.PENDING)
    with pytest.raises(StateError, match="is completed and cannot be cancelled"):
        run(bench.backend.cancel(job.id, "enough"))
    assert (job.state, job.exit_code, job.signal, job.cancel_reason) == (JobState.COMPLETED, 0, None, None)
    assert _kinds(bench, job.id) == ["job.created", "job.started", "job.completed"]


def test_a_job_that_has_started_meanwhile_is_cancelled_while_it_runs(bench: Bench) -> None:
    job = bench.submit((20, 0))
    bench.slurm.pass_time(5)
    assert run(bench.backend.cancel(job.id, "enough")) is job
    assert (job.state, job.signal, job.cancel_reason) == (JobState.CANCELLED, 15, "enough")
    assert job.started_at is not None
    assert _kinds(bench, job.id) == ["job.created", "job.started", "job.cancelled"]


def test_a_job_that_waits_is_cancelled_by_one_call_and_one_look(bench: Bench) -> None:
    job = bench.submit((20, 0))
    lists: list[str] = []
    bench.slurm.trouble = lambda what: lists.append(what) if what == "list" else None  # type: ignore[func-returns-value]
    assert run(bench.backend.cancel(job.id)).state is JobState.CANCELLED
    assert (job.started_at, job.signal) == (None, None)
    assert bench.slurm.asked == [("cancel", job.id[4:])]
    assert lists == ["list"]


def test_nobody_is_told_an_end_that_has_not_been_seen(bench: Bench) -> None:
    job = bench.submit((20, 0))
    bench.slurm.trouble = lambda what: "away" if what == "list" else None
    assert run(bench.backend.cancel(job.id)).state is JobState.PENDING
    bench.slurm.trouble = lambda _: None
    bench.look()
    assert job.state is JobState.CANCELLED


def test_a_job_that_failed_meanwhile_and_could_try_again_is_cancelled(bench: Bench) -> None:
    job = bench.submit((1, 3), max_retries=2)
    bench.slurm.pass_time(5)
    assert run(bench.backend.cancel(job.id, "enough")).state is JobState.CANCELLED
    bench.wait(5)
    assert (job.cancel_reason, len(bench.work(job).runs), bench.work(job).restarts) == ("enough", 1, 0)
    final = bench.submit((1, 3))
    bench.slurm.pass_time(5)
    with pytest.raises(StateError, match="is failed and cannot"):
        run(bench.backend.cancel(final.id))
    assert (final.state, final.exit_code) == (JobState.FAILED, 3)


def test_a_job_that_has_just_been_taken_back_is_cancelled_for_good(bench: Bench) -> None:
    job = bench.submit((0.25, 3), (9, 0), max_retries=2)
    while not bench.work(job).restarts:
        bench.wait(0.25)
    assert (job.state, int(bench.slurm.now)) == (JobState.QUEUED, int(bench.work(job).runs[0]))
    assert run(bench.backend.cancel(job.id, "enough")).state is JobState.CANCELLED
    bench.wait(3)
    assert (bench.work(job).state, bench.work(job).restarts, job.retries) == ("CANCELLED", 1, 1)


def test_a_job_that_has_ended_meanwhile_can_be_deleted(bench: Bench) -> None:
    job = bench.submit((1, 0))
    bench.slurm.pass_time(5)
    run(bench.backend.delete(job.id))
    with pytest.raises(NotFoundError):
        bench.backend.job(job.id)


def test_a_job_that_slurm_does_not_end_is_not_deleted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> None:
        raise StateError("Slurm: it will not")

    job = bench.submit((20, 0))
    monkeypatch.setattr(bench.slurm, "cancel", refuse)
    with pytest.raises(StateError, match="it will not"):
        run(bench.backend.delete(job.id))
    assert bench.backend.job(job.id) is job


@pytest.mark.parametrize(("code", "is_its_end"), [(3, False), (128 + 9, False), (128 + 10, True)])
def test_a_job_that_goes_on_after_a_signal_ends_as_if_there_had_been_none(
    bench: Bench, *, code: int, is_its_end: bool
) -> None:
    job = bench.submit((5, code), (1, 0), max_retries=1)
    bench.wait(1)
    run(bench.backend.cancel(job.id, "look", signal="SIGUSR1"))
    assert bench.slurm.asked == [("signal 10", job.id[4:])]
    bench.wait(20)
    ended = (JobState.CANCELLED, 0, "look") if is_its_end else (JobState.COMPLETED, 1, None)
    assert (job.state, job.retries, job.cancel_reason) == ended


def test_a_job_that_has_had_a_signal_is_still_ended_when_its_time_is_over(bench: Bench) -> None:
    job = bench.submit((100, 0), time_limit=3.0)
    bench.wait(1)
    run(bench.backend.cancel(job.id, signal="SIGUSR1"))
    bench.wait(5)
    assert (job.state, job.reason) == (JobState.FAILED, "TimeLimit")


def test_a_cancellation_stays_one_when_a_signal_follows(bench: Bench) -> None:
    bench.slurm.grace = 2.0
    job = bench.submit((100, 0), max_retries=1)
    bench.wait(1)
    run(bench.backend.cancel(job.id, "enough"))
    run(bench.backend.cancel(job.id, "look", signal="SIGUSR1"))
    bench.wait(5)
    assert (job.state, job.retries, job.cancel_reason) == (JobState.CANCELLED, 0, "enough")


class Array:
    """Stands for a slurmrestd whose only job is an array; some of its tasks have ended when it is cancelled."""

    is_open = False

    def __init__(self, *, done: int) -> None:
        self.comment = ""
        self.state = "PENDING"
        self.done = done
        self.calls: list[str] = []

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def version(self) -> str:
        return "v0.0.38"

    async def nodes(self) -> list[Any]:
        return [node_record({"name": "node001", "state": "idle", "cpus": 8, "real_memory": 1024})]

    async def partitions(self) -> list[Any]:
        return [partition_record({"name": "normal", "flags": ["default"], "nodes": "node001", "state": "UP"})]

    async def slurmdb(self, *_: Any, **__: Any) -> None:
        return None

    async def submit(self, script: str, job: dict[str, Any], account: str) -> int:
        assert script.endswith("true\n")
        assert account
        self.comment = job["comment"]
        return 5

    async def cancel(self, key: str, signal: str | None = None, account: str | None = None) -> None:
        assert (signal, account) == (None, None)
        self.calls.append(key)
        self.state = "CANCELLED"

    async def jobs(self, finished: Any = ()) -> list[Any]:
        if not self.comment:
            return []
        done = self.done if self.state == "CANCELLED" else 0
        shared = {"array_job_id": 5, "comment": self.comment, "submit_time": 1, "priority": 7, "partition": "normal"}
        rest = {"job_id": 5, "job_state": self.state, "array_task_string": f"{done}-{TASKS - 1}"}
        ended = {"job_state": "COMPLETED", "nodes": "node001", "start_time": 2, "end_time": 3}
        raw = [rest, *({"job_id": 6 + task, "array_task_id": task, **ended} for task in range(done))]
        return [job_record({**shared, **each}) for each in raw if each["job_id"] not in finished]


def test_ten_thousand_waiting_tasks_are_cancelled_by_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_cluster, "PATIENCE", 60.0)
    request = JobRequest("a", "true", "u", array=tuple(range(TASKS)), id_form="s9s")
    settings = SlurmSettings("http://127.0.0.1:1", directory=str(tmp_path), shortest_pause=0.01)

    async def body() -> None:
        backend = SlurmCluster(settings)
        rest = Array(done=3)
        backend.rest = backend.accounting._access = rest  # type: ignore[assignment]
        await backend.open()
        await backend.submit(request)
        await backend.cancel("5", "enough")
        assert rest.calls == ["5"]
        states = [job.state for job in backend.array("5")]
        assert states[:3] == [JobState.COMPLETED] * 3
        assert set(states[3:]) == {JobState.CANCELLED}
        await backend.aclose()

    asyncio.run(body())
