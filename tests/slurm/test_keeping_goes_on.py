"""Limits of queues and retries on a real cluster: after a restart, and where an operator has a hand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_server import MockServer
from mock_server.cluster.job import JobState, Resources
from tests.slurm.kept import add_queues, command, most_at_once, reason, settled, submit
from tests.slurm.waiting import Gate, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.slurm import Site


@pytest.fixture(autouse=True)
def queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues of one and of two places."""
    add_queues(monkeypatch)


def test_all_of_it_goes_on_after_a_restart(site: Site, tmp_path: Path) -> None:
    settings, gate = site.settings(), Gate(site.directory)
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        running = submit(server, gate.script, queue="strict", time_limit=90.0)
        settled(server, running, states="running")
        next_one = submit(server, "sleep 1", queue="strict")
        held = submit(server, "sleep 1", queue="strict", priority=90)
        again = submit(server, "exit 1", max_retries=2, backoff_multiplier=3.0, queue="default")
        late = submit(server, "sleep 300", time_limit=5.0, queue="default")
        for job in (next_one, held):
            reason(server, job, "QueueConcurrencyLimit")
        command(server, "hold", held.id)
        until(lambda: again.retries, lambda retries: retries == 2)
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        running, next_one, held, again, late = (
            server.cluster.job(job.id) for job in (running, next_one, held, again, late)
        )
        gate.open()
        settled(server, running, next_one, again, late)
        assert (running.state, next_one.state) == (JobState.COMPLETED, JobState.COMPLETED)
        assert most_at_once([running, next_one]) == 1
        assert (again.state, again.retries, len(again.runs(0.0))) == (JobState.FAILED, 2, 3)
        assert (late.state, late.reason) == (JobState.FAILED, "TimeLimit")
        assert (held.state, held.held, held.reason) == (JobState.PENDING, True, "JobHeldUser")
        command(server, "release", held.id)
        settled(server, held)
        assert held.state is JobState.COMPLETED


def test_the_gate_goes_on_without_a_record(site: Site) -> None:
    with MockServer(slurm=site.settings(), world="empty") as server:
        running, waiting, held = (submit(server, "sleep 3", queue="alone", hold=hold) for hold in (False, False, True))
        reason(server, waiting, "QueueConcurrencyLimit")
    with MockServer(slurm=site.settings(), world="empty") as server:
        running, waiting, held = (server.cluster.job(job.id) for job in (running, waiting, held))
        settled(server, running, waiting)
        assert most_at_once([running, waiting]) == 1
        assert (held.state, held.held) == (JobState.PENDING, True)
        command(server, "delete", held.id)


def test_an_operator_may_overrule_the_gate_and_it_counts(site: Site) -> None:
    gate = Gate(site.directory)
    with MockServer(slurm=site.settings(), world="empty") as server:
        running, favoured, other = (submit(server, f"{gate.script}; sleep 1", queue="single") for _ in range(3))
        reason(server, other, "QueueConcurrencyLimit")
        site.command("scontrol", "release", favoured.id.removeprefix("job-"))
        settled(server, running, favoured, states="running")
        assert other.started_at is None
        gate.open()
        settled(server, running, favoured, other)
        assert most_at_once([running, favoured]) == 2
        assert most_at_once([favoured, other]) == 1


def test_what_an_operator_holds_is_not_let_go(site: Site) -> None:
    with MockServer(slurm=site.settings(), world="empty") as server:
        blocker = submit(server, "sleep 3600", queue=None, nodes=2, resources=Resources(32))
        settled(server, blocker, states="running")
        job = submit(server, "true", queue="narrow")
        until(lambda: job.reason, lambda reason: reason in {"Resources", "Priority"})
        site.command("scontrol", "hold", job.id.removeprefix("job-"))
        reason(server, job, "JobHeldUser")
        server.cluster.cancel(blocker.id)
        other = submit(server, "true", queue="narrow")
        settled(server, other)
        assert (job.state, job.held) == (JobState.PENDING, True)
        command(server, "delete", job.id)
