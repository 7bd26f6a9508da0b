"""Cancelling with signals, and time to clean up."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import Job, JobState
from mock_server.cluster.signals import KILL_SECONDS
from tests.cluster.world import START, World, run, text

CLEAN_UP = "trap 'echo cleaning; sleep 10; echo clean; exit 1' TERM; echo ready; sleep 100; echo never"


def submit(world: World, command: str, **options: object) -> Job:
    job = world.submit(command, **options)
    world.wait(5)
    assert job.state is JobState.RUNNING
    return job


def test_without_a_trap_the_end_is_at_once(world: World) -> None:
    job = submit(world, "sleep 100")
    world.cancel(job, "enough")
    assert (job.state, job.signal, job.exit_code, job.cancel_reason) == (JobState.CANCELLED, 15, None, "enough")


def test_a_trap_has_time(world: World) -> None:
    job = submit(world, CLEAN_UP, max_retries=3)
    world.cancel(job, "enough")
    assert (job.state, job.cancel_reason) == (JobState.RUNNING, "enough")
    assert text(job) == ["ready", "cleaning"]
    before = world.backend.events()
    world.cancel(job, "again")
    assert world.backend.events() == before
    world.wait(11)
    assert (job.state, job.signal, job.exit_code, job.ended_at) == (JobState.CANCELLED, 15, None, START + 15)
    assert text(job) == ["ready", "cleaning", "clean"]
    assert (job.cancel_reason, job.retries) == ("enough", 0)


def test_a_trap_that_ends_at_once(world: World) -> None:
    job = submit(world, "trap 'echo bye; exit 0' TERM; sleep 100")
    world.cancel(job, "enough")
    assert (job.state, job.signal, job.cancel_reason) == (JobState.CANCELLED, 15, "enough")
    assert text(job) == ["bye"]


def test_the_script_goes_on_after_its_trap(world: World) -> None:
    job = submit(world, "trap 'echo caught' TERM; sleep 100; echo status $?; sleep 3; echo end")
    world.cancel(job)
    world.wait(5)
    assert (job.state, text(job)) == (JobState.CANCELLED, ["caught", "status 143", "end"])


@pytest.mark.parametrize(("trap", "lines"), [("'sleep 50'", []), ("''", ["on"])])
def test_time_runs_out(world: World, trap: str, lines: list[str]) -> None:
    job = submit(world, f"trap {trap} TERM; sleep 20; echo on; sleep 100")
    world.cancel(job)
    world.finish()
    assert (job.state, job.signal, job.ended_at) == (JobState.CANCELLED, 9, START + 5 + KILL_SECONDS)
    assert text(job) == [*lines, "Job killed 30 s after signal 15"]


@pytest.mark.parametrize("options", [{"force": True}, {"signal": "SIGKILL"}, {"signal": "9"}])
def test_force_does_not_wait(world: World, options: dict[str, Any]) -> None:
    for already in (False, True):
        job = submit(world, CLEAN_UP)
        if already:
            world.cancel(job)
        world.cancel(job, **options)
        assert (job.state, job.signal) == (JobState.CANCELLED, 9)


@pytest.mark.parametrize(("signal", "number"), [("SIGINT", 2), ("usr1", 10), ("SIGTERM", 15), ("12", 12)])
def test_other_signals(world: World, signal: str, number: int) -> None:
    job = submit(world, "sleep 100")
    world.cancel(job, signal=signal)
    assert (job.state, job.signal) == (JobState.CANCELLED, number)
    caught = submit(world, f"trap 'echo got; exit' {number}; sleep 100")
    world.cancel(caught, signal=signal)
    assert (caught.state, text(caught)) == (JobState.CANCELLED, ["got"])


@pytest.mark.parametrize("signal", ["", "SIGNAL", "0", "99", "-9"])
def test_an_unknown_signal_is_refused(world: World, signal: str) -> None:
    job = world.submit()
    with pytest.raises(RequestError) as caught:
        run(world.backend.cancel(job.id, signal=signal))
    assert caught.value.field == "signal"
    world.finish()


def test_a_job_that_waits_needs_no_signal(world: World) -> None:
    job = world.submit("sleep 100", hold=True)
    world.cancel(job, force=True)
    assert (job.state, job.signal) == (JobState.CANCELLED, None)


def test_the_time_limit_sends_the_signal_too(world: World) -> None:
    job = world.ran("trap 'echo last; exit 0' TERM; sleep 100", time_limit=5.0)
    assert (job.state, job.reason, job.signal) == (JobState.FAILED, "TimeLimit", 15)
    assert text(job) == ["Job exceeded its time limit of 5 s", "last"]
    stubborn = world.ran("trap '' TERM; sleep 100", time_limit=5.0)
    assert (stubborn.state, stubborn.reason, stubborn.signal) == (JobState.FAILED, "TimeLimit", 9)
    assert stubborn.ended_at == pytest.approx((stubborn.started_at or 0) + 5 + KILL_SECONDS)


def test_a_job_past_its_time_limit_can_be_cancelled(world: World) -> None:
    job = submit(world, "trap 'sleep 10' TERM; sleep 100", time_limit=4.0, max_retries=1)
    world.cancel(job, "enough")
    world.finish()
    assert (job.state, job.retries, job.cancel_reason) == (JobState.CANCELLED, 0, "enough")


def test_a_node_that_fails_ends_the_clean_up(world: World) -> None:
    job = submit(world, CLEAN_UP)
    world.cancel(job)
    world.fail_node("main-001")
    assert (job.state, job.signal, job.restarts) == (JobState.CANCELLED, 9, 0)
    world.finish()


def test_a_reader_of_the_log_may_send_the_signal(world: World) -> None:
    job = world.submit("trap 'echo bye' TERM; echo hi; sleep 10; echo on")

    def listen(event: object) -> None:
        if text(job) == ["hi"]:
            run(world.backend.cancel(job.id))

    world.backend.subscribe(listen)
    world.finish()
    assert (job.state, text(job)) == (JobState.CANCELLED, ["hi", "bye", "on"])
    assert job.ended_at == pytest.approx(START + 0.1)
