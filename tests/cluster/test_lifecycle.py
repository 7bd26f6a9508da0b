"""States, timestamps and exit statuses of a job's life."""

from __future__ import annotations

from functools import partial

import pytest

from mock_server.cluster.agenda import Agenda
from mock_server.cluster.history import History
from mock_server.cluster.job import JobState
from mock_server.cluster.lifecycle import Lifecycle
from mock_server.cluster.lines import Lines
from mock_server.cluster.statistics import Tallies
from tests.cluster.world import START, World


def test_a_job_is_pending_then_running_then_completed(world: World) -> None:
    job = world.submit("sleep 10")
    assert (job.created_at, job.updated_at, job.started_at) == (START, START, None)
    world.wait(0.05)
    assert job.state.value == "pending"
    world.wait(0.15)
    assert job.state is JobState.RUNNING
    assert job.node_names == ("main-001",)
    world.finish()
    assert (job.state, job.exit_code, job.signal, job.reason) == (JobState.COMPLETED, 0, None, None)
    assert job.started_at == pytest.approx(START + 0.1)
    assert job.ended_at == pytest.approx(START + 10.1)
    assert job.log.closed


def test_queued_jobs_tell_why_they_wait() -> None:
    world = World(nodes=1)
    cpus = {"resources": world.cluster.node_shape}
    world.submit("sleep 10", **cpus)
    head, next_ = world.submit("true", **cpus), world.submit("true", **cpus)
    world.wait(1)
    assert (head.state, head.reason) == (JobState.QUEUED, "Resources")
    assert (next_.state, next_.reason) == (JobState.QUEUED, "Priority")
    assert head.queued_at == pytest.approx(START + 0.1)
    world.finish()
    assert head.ended_at == pytest.approx(START + 10.1)
    assert (head.reason, next_.reason) == (None, None)


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("false", 1), ("exit 300", 44), ("'", 2)])
def test_a_failed_command_gives_its_status(world: World, command: str, status: int) -> None:
    job = world.ran(command)
    assert (job.state, job.exit_code, job.reason) == (JobState.FAILED, status, "NonZeroExitCode")
    assert job.signal is None
    assert world.kinds(job.id)[-1] == "job.failed"


def test_cancel_of_a_running_job_is_a_signal_and_keeps_the_reason(world: World) -> None:
    job = world.submit("echo -n begun; sleep 100")
    world.wait(1)
    world.cancel(job, "no longer needed")
    assert (job.state, job.signal, job.cancel_reason) == (JobState.CANCELLED, 15, "no longer needed")
    assert job.exit_code is None
    assert [line.text for line in job.log.lines] == ["begun"]
    assert world.node().free == world.node().capacity
    before = (job.updated_at, world.backend.events()[-1].sequence)
    world.cancel(job, "again")
    world.finish()
    assert (job.updated_at, world.backend.events()[-1].sequence) == before
    assert job.cancel_reason == "no longer needed"


def test_cancel_before_the_start(world: World) -> None:
    job = world.submit("echo never")
    world.cancel(job)
    world.finish()
    assert (job.state, job.signal, job.started_at) == (JobState.CANCELLED, None, None)
    assert job.log.lines == []


def test_every_visible_change_has_a_time_of_its_own(world: World) -> None:
    job = world.submit("true", priority=1)
    seen = [job.updated_at]
    world.backend.subscribe(lambda event: seen.append(job.updated_at) if event.kind != "job.log" else None)
    world.update(job, name="x")
    world.update(job, name="y")
    world.wait(5)
    world.update(job, name="z")
    assert len(seen) == 6
    assert seen == sorted(set(seen))


def test_a_terminal_state_is_final(world: World) -> None:
    job = world.ran("true")
    lifecycle = Lifecycle(Agenda(START), History(10), Tallies(), Lines(lambda job: job.priority))
    for step in (partial(lifecycle.timed_out, job, 15), partial(lifecycle.requeued, job, START)):
        with pytest.raises(AssertionError, match="cannot go from completed"):
            step()
