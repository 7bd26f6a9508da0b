"""Running processes: limits, stopping, bounds in time."""

from __future__ import annotations

import pytest

from mock_server.cluster.job import JobState
from tests.cluster.world import START, World, text


def test_a_job_over_its_limit_fails(world: World) -> None:
    job = world.submit("echo -n begun; sleep 100", time_limit=60.0)
    world.finish()
    assert (job.state, job.exit_code, job.signal, job.reason) == (JobState.FAILED, None, 15, "TimeLimit")
    assert job.ended_at == pytest.approx(START + 60.1)
    assert text(job) == ["begun", "Job exceeded its time limit of 60 s"]
    assert world.node().free == world.node().capacity


@pytest.mark.parametrize("command", ["sleep 60", "sleep 30; sleep 30; true", "sleep 30; sleep 10; sleep 20; sleep 0"])
def test_a_job_that_ends_right_at_its_limit_has_kept_it(world: World, command: str) -> None:
    assert world.ran(command, time_limit=60.0).state is JobState.COMPLETED


def test_a_limit_counts_from_the_start_not_from_the_submission() -> None:
    world = World(nodes=1)
    everything = world.cluster.node_shape
    world.submit("sleep 100", resources=everything)
    job = world.submit("sleep 50", resources=everything, time_limit=60.0)
    world.finish()
    assert job.state is JobState.COMPLETED


def test_a_limit_begins_anew_after_a_restart(world: World) -> None:
    job = world.submit("sleep 50", time_limit=60.0)
    world.wait(40)
    world.fail_node(job.node_names[0])
    world.finish()
    assert (job.state, job.restarts) == (JobState.COMPLETED, 1)


def test_a_stopped_job_leaves_nothing_behind(world: World) -> None:
    job = world.submit("sleep 1000; echo never", time_limit=5000.0)
    world.wait(1)
    world.cancel(job)
    assert world.backend.next_event_at() is None
    assert text(job) == []


def test_log_events_name_the_new_lines(world: World) -> None:
    job = world.ran("echo a; echo b; sleep 1; echo c")
    spans = [event.data for event in world.backend.events() if event.kind == "job.log"]
    assert spans == [{"first": 1, "last": 2}, {"first": 3, "last": 3}]
    assert [line.text for line in job.log.after(2)] == ["c"]


def test_a_line_due_now_is_there(world: World) -> None:
    job = world.submit("sleep 10; echo due; sleep 10")
    world.wait(1)
    at = world.backend.next_event_at()
    assert at is not None
    world.backend.advance(at)
    assert text(job) == ["due"]
