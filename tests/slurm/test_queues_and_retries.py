"""Limits of queues, retries and seconds: the same on the simulation and on a real cluster, which has no word for them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import JobState, Resources
from tests.slurm.kept import add_queues, command, kinds, look, most_at_once, reason, settled, submit
from tests.slurm.waiting import Gate, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.slurm import Site

HEADERS = {"Authorization": "Bearer <token>"}

every_way = pytest.mark.parametrize("server", ["simulated", "slurm", "slurm without slurmrestd"], indirect=True)


@pytest.fixture(params=["simulated", "slurm"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockServer]:
    """A server over either backend."""
    add_queues(monkeypatch)
    settings = None
    if request.param != "simulated":
        site: Site = request.getfixturevalue("site")
        settings = site.settings() if request.param == "slurm" else site.without_slurmrestd()
    clock = "real" if settings else "manual"
    with MockServer(slurm=settings, world="empty", clock=clock, rate_limits=False) as running:
        try:
            yield running
        finally:
            for job in list(running.cluster.jobs.values()):
                if not job.state.is_terminal:
                    command(running, "delete", job.id)


def test_a_queue_runs_no_more_than_its_share_and_the_best_first(server: MockServer) -> None:
    gate = Gate.of(server)
    jobs = [submit(server, f"{gate.script}; sleep 1", priority=priority) for priority in (50, 50, 10, 30, 20)]
    first, second, low, high, middle = jobs
    settled(server, first, second, states="running")
    for job in (low, high, middle):
        reason(server, job, "QueueConcurrencyLimit")
        assert (job.state, job.held) == (JobState.QUEUED, False)
    assert [look(server, "queue_position", job.id) for job in (high, middle, low)] == [1, 2, 3]
    assert [job.id for job in look(server, "waiting", "narrow")] == [high.id, middle.id, low.id]
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        shown = client.get("/api/v1/queues/narrow").json()
        assert (shown["processing"], shown["depth"], shown["max_concurrency"]) == (2, 3, 2)
        assert [job["id"] for job in shown["jobs"]] == [high.id, middle.id, low.id]
    gate.open()
    settled(server, *jobs)
    assert {job.state for job in jobs} == {JobState.COMPLETED}
    started = [job.started_at or 0.0 for job in (high, middle, low)]
    assert started == sorted(started)
    assert most_at_once(jobs) == 2


@every_way
def test_who_is_held_by_a_caller_lets_others_pass(server: MockServer) -> None:
    running = [submit(server, "sleep 3600") for _ in range(2)]
    settled(server, *running, states="running")
    held, other = submit(server, "sleep 3600", priority=9), submit(server, "sleep 3600")
    reason(server, held, "QueueConcurrencyLimit")
    reason(server, other, "QueueConcurrencyLimit")
    command(server, "hold", held.id, "not yet")
    server.cluster.cancel(running[0].id)
    settled(server, other, states="running")
    assert (held.held, held.hold_reason, held.reason) == (True, "not yet", "JobHeldUser")
    command(server, "release", held.id)
    reason(server, held, "QueueConcurrencyLimit")
    assert (held.held, held.state) == (False, JobState.QUEUED)
    server.cluster.cancel(running[1].id)
    settled(server, held, states="running")
    assert [kind for kind in kinds(server, held) if kind != "job.created"] == [
        "job.held",
        "job.released",
        "job.started",
    ]


def test_who_waits_at_the_gate_is_cancelled_or_moved_forward(server: MockServer) -> None:
    running = [submit(server, "sleep 3600") for _ in range(2)]
    settled(server, *running, states="running")
    gone, first, second = (submit(server, "sleep 3600") for _ in range(3))
    reason(server, second, "QueueConcurrencyLimit")
    server.cluster.cancel(gone.id)
    assert (gone.state, gone.started_at) == (JobState.CANCELLED, None)
    command(server, "set_priority", second.id, 70)
    assert [job.id for job in look(server, "waiting", "narrow")] == [second.id, first.id]
    server.cluster.cancel(running[0].id)
    settled(server, second, states="running")
    assert first.started_at is None


def test_a_place_goes_to_the_better_one_until_a_job_has_started(server: MockServer) -> None:
    nodes = next(part for part in look(server, "partitions").values() if part.is_default).nodes()
    blocker = submit(server, "sleep 3600", queue=None, nodes=len(nodes), resources=Resources(nodes[0].capacity.cpus))
    settled(server, blocker, states="running")
    early = [submit(server, "sleep 3600", priority=10) for _ in range(2)]
    late = submit(server, "sleep 3600", priority=60)
    if server.app.state.slurm is not None:
        reason(server, early[1], "QueueConcurrencyLimit")
    server.cluster.cancel(blocker.id)
    settled(server, late, early[0], states="running")
    assert early[1].started_at is None
    reason(server, early[1], "QueueConcurrencyLimit")


@every_way
def test_a_failure_is_tried_again_and_nobody_hears_of_an_end(server: MockServer) -> None:
    job = submit(server, "echo try; exit 3", max_retries=2)
    settled(server, job, states="failed")
    assert (job.exit_code, job.reason, job.retries, job.restarts) == (3, "NonZeroExitCode", 2, 0)
    assert kinds(server, job) == ["job.created", *["job.started", "job.retrying"] * 2, "job.started", "job.failed"]
    runs = job.runs(0.0)
    assert len(runs) == 3
    assert all(later[0] - before[1] > 0.99 for before, later in zip(runs, runs[1:], strict=False))
    assert [line.text for line in job.log.lines].count("try") == 3
    retry = next(event for event in server.cluster.events() if event.kind == "job.retrying" and event.subject == job.id)
    assert {name: retry.data[name] for name in ("state", "previous", "retries")} == {
        "state": "queued",
        "previous": "running",
        "retries": 1,
    }
    assert retry.data["at"] == pytest.approx(retry.at + 1)


def test_a_success_ends_it(server: MockServer) -> None:
    name = f"tried-{secrets.token_hex(4)}"
    job = submit(server, f"cat {name} && exit 0; echo yes > {name}; exit 1", max_retries=3)
    settled(server, job)
    assert (job.state, job.exit_code, job.retries) == (JobState.COMPLETED, 0, 1)


def test_every_attempt_has_a_worker_of_its_own(server: MockServer) -> None:
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        body = {
            "job_type": "training",
            "image": "python:3.12",
            "config": {"command": "sleep 5; exit 5"},
            "retry_policy": {"max_retries": 1, "backoff_multiplier": 1},
        }
        answer = client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        job = server.cluster.job(answer.json()["id"])
        path, seen = f"/api/v1/jobs/{job.id}", set[str]()

        def shown() -> dict[str, Any]:
            if server.app.state.slurm is None:
                server.advance(0.2)
            job_now: dict[str, Any] = client.get(path).json()
            seen.update({job_now["worker_id"]} - {None})
            return job_now

        done = until(shown, lambda found: found["status"] == "failed")
        assert (done["retry_count"], len(seen)) == (1, 2)


@every_way
def test_a_job_that_pauses_is_held_released_and_cancelled(server: MockServer) -> None:
    job = submit(server, "exit 1", max_retries=3, backoff_multiplier=60.0)
    until(lambda: server.app.state.slurm or server.advance(0.5), lambda _: job.retries == 2)
    assert (job.state, job.reason, job.exit_code, job.started_at) == (JobState.QUEUED, "BeginTime", None, None)
    command(server, "hold", job.id)
    assert (job.held, job.reason) == (True, "JobHeldUser")
    command(server, "release", job.id)
    reason(server, job, "BeginTime")
    server.cluster.cancel(job.id, "enough")
    assert (job.state, job.retries, job.cancel_reason) == (JobState.CANCELLED, 2, "enough")
    assert kinds(server, job)[-1] == "job.cancelled"


def test_a_cancelled_job_does_not_try_again(server: MockServer) -> None:
    job = submit(server, "sleep 3600", max_retries=3)
    settled(server, job, states="running")
    server.cluster.cancel(job.id)
    settled(server, job)
    assert (job.state, job.retries) == (JobState.CANCELLED, 0)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_time_limit_counts_seconds(server: MockServer, retries: int) -> None:
    job = submit(server, "sleep 300", time_limit=2.0, max_retries=retries)
    settled(server, job)
    assert (job.state, job.reason, job.signal, job.exit_code) == (JobState.FAILED, "TimeLimit", 15, None)
    assert (job.retries, job.time_limit) == (retries, 2.0)
    assert all(1.99 < last - first < 60 for first, last in job.runs(0.0))
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        assert client.get(f"/v1/jobs/{job.id}").json()["state"] in {"TIMEOUT", "FAILED"}
