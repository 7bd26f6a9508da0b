"""Limits of queues, retries and seconds: the same on the simulation and on a real cluster, which has no word for them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import Job, JobRequest, JobState, Resources
from mock_server.cluster.layout import QUEUES, QueueInfo
from tests.slurm.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mock_server.cluster.backend import ClusterBackend
    from tests.support.slurm import Site

HEADERS = {"Authorization": "Bearer <token>"}


@pytest.fixture(autouse=True)
def queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues of one and of two places."""
    some = (*QUEUES, QueueInfo("narrow", 2), *(QueueInfo(name, 1) for name in ("single", "alone", "strict")))
    for module in ("facility", "slurm.layout"):
        monkeypatch.setattr(f"mock_server.cluster.{module}.QUEUES", some)


every_way = pytest.mark.parametrize("server", ["simulated", "slurm", "slurm without slurmrestd"], indirect=True)


@pytest.fixture(params=["simulated", "slurm"])
def server(request: pytest.FixtureRequest, queues: None) -> Iterator[MockServer]:
    """A server over either backend."""
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
                    _command(running, "delete", job.id)


def _submit(server: MockServer, command: str, **fields: Any) -> Job:
    request: dict[str, Any] = {
        "name": "kept",
        "user_id": "user_456",
        "id_form": "jobservice",
        "queue": "narrow",
        **fields,
    }
    return server.cluster.submit(JobRequest(command=command, **request))


def _look(server: MockServer, name: str, *arguments: Any) -> Any:
    def look(cluster: ClusterBackend) -> Any:
        found = getattr(cluster, name)
        return found(*arguments) if arguments else dict(found)

    return server.cluster._read(look)


def _command(server: MockServer, name: str, *arguments: Any) -> Any:
    return server.cluster._do(lambda cluster: getattr(cluster, name)(*arguments))


def _settled(server: MockServer, *jobs: Job, states: str = "completed failed cancelled") -> None:
    """Wait until jobs are in one of some states, passing the time where it stands still otherwise."""

    def look() -> list[str]:
        if server.app.state.slurm is None:
            server.advance(0.5)
        return [job.state.value for job in jobs]

    until(look, lambda seen: all(state in states.split() for state in seen))


def _reason(server: MockServer, job: Job, wanted: str) -> None:
    def look() -> str | None:
        if server.app.state.slurm is None:
            server.advance(0.1)
        return job.reason

    until(look, lambda seen: seen == wanted)


def _kinds(server: MockServer, job: Job) -> list[str]:
    kinds = [event.kind for event in server.cluster.events() if event.subject == job.id]
    return [kind for kind in kinds if kind not in {"job.updated", "job.log"}]


def _most_at_once(jobs: list[Job]) -> int:
    runs = [run for job in jobs for run in job.runs(0.0)]
    return max(sum(first <= at < last for first, last in runs) for at, _ in runs)


def test_a_queue_runs_no_more_than_its_share_and_the_best_first(server: MockServer) -> None:
    jobs = [_submit(server, "sleep 2", priority=priority) for priority in (50, 50, 10, 30, 20)]
    first, second, low, high, middle = jobs
    _settled(server, first, second, states="running")
    for job in (low, high, middle):
        _reason(server, job, "QueueConcurrencyLimit")
        assert (job.state, job.held) == (JobState.QUEUED, False)
    assert [_look(server, "queue_position", job.id) for job in (high, middle, low)] == [1, 2, 3]
    assert [job.id for job in _look(server, "waiting", "narrow")] == [high.id, middle.id, low.id]
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        shown = client.get("/api/v1/queues/narrow").json()
        assert (shown["processing"], shown["depth"], shown["max_concurrency"]) == (2, 3, 2)
        assert [job["id"] for job in shown["jobs"]] == [high.id, middle.id, low.id]
    _settled(server, *jobs)
    assert {job.state for job in jobs} == {JobState.COMPLETED}
    started = [job.started_at or 0.0 for job in (high, middle, low)]
    assert started == sorted(started)
    assert _most_at_once(jobs) == 2


@every_way
def test_who_is_held_by_a_caller_lets_others_pass(server: MockServer) -> None:
    running = [_submit(server, "sleep 3600") for _ in range(2)]
    _settled(server, *running, states="running")
    held, other = _submit(server, "sleep 3600", priority=9), _submit(server, "sleep 3600")
    _reason(server, held, "QueueConcurrencyLimit")
    _reason(server, other, "QueueConcurrencyLimit")
    _command(server, "hold", held.id, "not yet")
    server.cluster.cancel(running[0].id)
    _settled(server, other, states="running")
    assert (held.held, held.hold_reason, held.reason) == (True, "not yet", "JobHeldUser")
    _command(server, "release", held.id)
    _reason(server, held, "QueueConcurrencyLimit")
    assert (held.held, held.state) == (False, JobState.QUEUED)
    server.cluster.cancel(running[1].id)
    _settled(server, held, states="running")
    assert [kind for kind in _kinds(server, held) if kind != "job.created"] == [
        "job.held",
        "job.released",
        "job.started",
    ]


def test_who_waits_at_the_gate_is_cancelled_or_moved_forward(server: MockServer) -> None:
    running = [_submit(server, "sleep 3600") for _ in range(2)]
    _settled(server, *running, states="running")
    gone, first, second = (_submit(server, "sleep 3600") for _ in range(3))
    _reason(server, second, "QueueConcurrencyLimit")
    server.cluster.cancel(gone.id)
    assert (gone.state, gone.started_at) == (JobState.CANCELLED, None)
    _command(server, "set_priority", second.id, 70)
    assert [job.id for job in _look(server, "waiting", "narrow")] == [second.id, first.id]
    server.cluster.cancel(running[0].id)
    _settled(server, second, states="running")
    assert first.started_at is None


def test_a_place_goes_to_the_better_one_until_a_job_has_started(server: MockServer) -> None:
    nodes = next(part for part in _look(server, "partitions").values() if part.is_default).nodes()
    blocker = _submit(server, "sleep 3600", queue=None, nodes=len(nodes), resources=Resources(nodes[0].capacity.cpus))
    _settled(server, blocker, states="running")
    early = [_submit(server, "sleep 3600", priority=10) for _ in range(2)]
    late = _submit(server, "sleep 3600", priority=60)
    if server.app.state.slurm is not None:
        _reason(server, early[1], "QueueConcurrencyLimit")
    server.cluster.cancel(blocker.id)
    _settled(server, late, early[0], states="running")
    assert early[1].started_at is None
    _reason(server, early[1], "QueueConcurrencyLimit")


@every_way
def test_a_failure_is_tried_again_and_nobody_hears_of_an_end(server: MockServer) -> None:
    job = _submit(server, "echo try; exit 3", max_retries=2)
    _settled(server, job, states="failed")
    assert (job.exit_code, job.reason, job.retries, job.restarts) == (3, "NonZeroExitCode", 2, 0)
    assert _kinds(server, job) == ["job.created", *["job.started", "job.retrying"] * 2, "job.started", "job.failed"]
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
    job = _submit(server, f"cat {name} && exit 0; echo yes > {name}; exit 1", max_retries=3)
    _settled(server, job)
    assert (job.state, job.exit_code, job.retries) == (JobState.COMPLETED, 0, 1)


def test_every_attempt_has_a_worker_of_its_own(server: MockServer) -> None:
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        body = {
            "job_type": "training",
            "image": "python:3.12",
            "config": {"command": "sleep 1; exit 5"},
            "retry_policy": {"max_retries": 1, "backoff_multiplier": 1},
        }
        answer = client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        job = server.cluster.job(answer.json()["id"])
        path, seen = f"/api/v1/jobs/{job.id}", set[str]()

        def look() -> dict[str, Any]:
            if server.app.state.slurm is None:
                server.advance(0.2)
            shown: dict[str, Any] = client.get(path).json()
            seen.update({shown["worker_id"]} - {None})
            return shown

        done = until(look, lambda shown: shown["status"] == "failed")
        assert (done["retry_count"], len(seen)) == (1, 2)


@every_way
def test_a_job_that_pauses_is_held_released_and_cancelled(server: MockServer) -> None:
    job = _submit(server, "exit 1", max_retries=3, backoff_multiplier=60.0)
    until(lambda: server.app.state.slurm or server.advance(0.5), lambda _: job.retries == 2)
    assert (job.state, job.reason, job.exit_code, job.started_at) == (JobState.QUEUED, "BeginTime", None, None)
    _command(server, "hold", job.id)
    assert (job.held, job.reason) == (True, "JobHeldUser")
    _command(server, "release", job.id)
    _reason(server, job, "BeginTime")
    server.cluster.cancel(job.id, "enough")
    assert (job.state, job.retries, job.cancel_reason) == (JobState.CANCELLED, 2, "enough")
    assert _kinds(server, job)[-1] == "job.cancelled"


def test_a_cancelled_job_does_not_try_again(server: MockServer) -> None:
    job = _submit(server, "sleep 3600", max_retries=3)
    _settled(server, job, states="running")
    server.cluster.cancel(job.id)
    _settled(server, job)
    assert (job.state, job.retries) == (JobState.CANCELLED, 0)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_time_limit_counts_seconds(server: MockServer, retries: int) -> None:
    job = _submit(server, "sleep 300", time_limit=2.0, max_retries=retries)
    _settled(server, job)
    assert (job.state, job.reason, job.signal, job.exit_code) == (JobState.FAILED, "TimeLimit", 15, None)
    assert (job.retries, job.time_limit) == (retries, 2.0)
    assert all(1.99 < last - first < 60 for first, last in job.runs(0.0))
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        assert client.get(f"/v1/jobs/{job.id}").json()["state"] in {"TIMEOUT", "FAILED"}


def test_all_of_it_goes_on_after_a_restart(site: Site, tmp_path: Path) -> None:
    settings = site.settings()
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        running = _submit(server, "sleep 3", queue="strict", time_limit=90.0)
        _settled(server, running, states="running")
        next_one = _submit(server, "sleep 1", queue="strict")
        held = _submit(server, "sleep 1", queue="strict", priority=90)
        again = _submit(server, "exit 1", max_retries=2, backoff_multiplier=3.0, queue="default")
        late = _submit(server, "sleep 300", time_limit=5.0, queue="default")
        for job in (next_one, held):
            _reason(server, job, "QueueConcurrencyLimit")
        _command(server, "hold", held.id)
        until(lambda: again.retries, lambda retries: retries == 2)
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        running, next_one, held, again, late = (
            server.cluster.job(job.id) for job in (running, next_one, held, again, late)
        )
        _settled(server, running, next_one, again, late)
        assert (running.state, next_one.state) == (JobState.COMPLETED, JobState.COMPLETED)
        assert _most_at_once([running, next_one]) == 1
        assert (again.state, again.retries, len(again.runs(0.0))) == (JobState.FAILED, 2, 3)
        assert (late.state, late.reason) == (JobState.FAILED, "TimeLimit")
        assert (held.state, held.held, held.reason) == (JobState.PENDING, True, "JobHeldUser")
        _command(server, "release", held.id)
        _settled(server, held)
        assert held.state is JobState.COMPLETED


def test_the_gate_goes_on_without_a_record(site: Site) -> None:
    with MockServer(slurm=site.settings(), world="empty") as server:
        running, waiting, held = (_submit(server, "sleep 3", queue="alone", hold=hold) for hold in (False, False, True))
        _reason(server, waiting, "QueueConcurrencyLimit")
    with MockServer(slurm=site.settings(), world="empty") as server:
        running, waiting, held = (server.cluster.job(job.id) for job in (running, waiting, held))
        _settled(server, running, waiting)
        assert _most_at_once([running, waiting]) == 1
        assert (held.state, held.held) == (JobState.PENDING, True)
        _command(server, "delete", held.id)


def test_an_operator_may_overrule_the_gate_and_it_counts(site: Site) -> None:
    with MockServer(slurm=site.settings(), world="empty") as server:
        running, favoured, other = (_submit(server, "sleep 4", queue="single") for _ in range(3))
        _reason(server, other, "QueueConcurrencyLimit")
        site.command("scontrol", "release", favoured.id.removeprefix("job-"))
        _settled(server, favoured, states="running")
        assert other.started_at is None
        _settled(server, running, favoured, other)
        assert _most_at_once([running, favoured]) == 2
        assert _most_at_once([favoured, other]) == 1


def test_what_an_operator_holds_is_not_let_go(site: Site) -> None:
    with MockServer(slurm=site.settings(), world="empty") as server:
        blocker = _submit(server, "sleep 3600", queue=None, nodes=2, resources=Resources(32))
        _settled(server, blocker, states="running")
        job = _submit(server, "true", queue="narrow")
        until(lambda: job.reason, lambda reason: reason in {"Resources", "Priority"})
        site.command("scontrol", "hold", job.id.removeprefix("job-"))
        _reason(server, job, "JobHeldUser")
        server.cluster.cancel(blocker.id)
        other = _submit(server, "true", queue="narrow")
        _settled(server, other)
        assert (job.state, job.held) == (JobState.PENDING, True)
        _command(server, "delete", job.id)
