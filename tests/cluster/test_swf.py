"""Traces in the Standard Workload Format, and running them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.replay import replay, request_for
from mock_server.cluster.swf import Trace, TracedJob, read_swf, trace_of, write_swf
from tests.cluster.shared_data import shared_data
from tests.cluster.world import START, World

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
; Version: 2.2
; Computer: a small one
;
    1        0     10  31405   30  31405    -1   30  37980    -1  1   1   1  -1 -1  1 -1 -1
  12   342343      5    553   40 552.21    100   40  43200   200  0   4   1  7 2  1 1 30
"""


def test_a_trace_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.swf"
    path.write_text(TEXT)
    trace = read_swf(path)
    assert trace.comments == ("Version: 2.2", "Computer: a small one", "")
    first, second = trace.jobs
    assert (first.number, first.submit, first.run, first.memory, first.status) == (1, 0, 31405, None, 1)
    assert second == TracedJob(12, 342343, 5, 553, 40, 552.21, 100, 40, 43200, 200, 0, 4, 1, 7, 2, 1, 1, 30)
    assert read_swf(path, limit=1).jobs == (first,)
    assert read_swf(path, limit=0).jobs == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 2 3", "line 4 of the trace has 3 fields instead of 18"),
        ("1 x" + " -1" * 16, "line 4 of the trace has a field that is no number"),
        ("1 nan" + " -1" * 16, "no number"),
        ("-1 0" + " -1" * 16, "no job number"),
        ("1 0 " + "1" * 5000, "fields instead of 18"),
    ],
)
def test_a_line_that_is_none_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "log.swf"
    path.write_text(";\n;\n\n" + line + "\n")
    with pytest.raises(ValueError, match=message):
        read_swf(path)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path, copy = tmp_path / "log.swf", tmp_path / "copy.swf"
    path.write_text(TEXT)
    trace = read_swf(path)
    write_swf(copy, trace)
    assert read_swf(copy) == trace


def test_the_log_of_a_real_cluster_survives(tmp_path: Path) -> None:
    trace = read_swf(shared_data("hpc2n.swf"))
    assert len(trace.jobs) == 3170
    write_swf(tmp_path / "copy.swf", trace)
    assert read_swf(tmp_path / "copy.swf") == trace


def test_a_cluster_s_jobs_become_a_trace_that_runs_the_same(tmp_path: Path) -> None:
    world = World(nodes=1)
    world.submit("sleep 30", resources=Resources(2, 8 * 10**6), gang=2, time_limit=60.0)
    world.wait(5)
    world.submit("sleep 10; exit 1", user_id="bob", resources=Resources(3))
    world.cancel(world.submit("sleep 5", resources=Resources(4)))
    world.finish()
    trace = trace_of(world.backend.jobs.values())
    first = trace.jobs[0]
    assert first.submit == 0
    assert first.wait == pytest.approx(0.1)
    assert (first.requested_processors, first.requested_time, first.requested_memory) == (4, 60, 4000)
    assert [(job.status, job.user, job.processors) for job in trace.jobs] == [(1, 1, 4), (0, 2, 3), (5, 1, None)]
    assert [job.run and round(job.run, 3) for job in trace.jobs] == [30, 10, None]
    write_swf(tmp_path / "log.swf", trace)
    again = World(nodes=1)
    jobs = replay(again.backend, read_swf(tmp_path / "log.swf").jobs)
    assert [job.state for job in jobs.values()] == [JobState.COMPLETED, JobState.FAILED]
    assert [job.started_at for job in jobs.values()] == pytest.approx([START + 0.1, START + 30.1])


def test_a_job_that_outran_its_limit_runs_as_long_as_it_did() -> None:
    job = TracedJob(1, run=100.0, requested_processors=4, requested_time=50.0)
    assert (request_for(job).time_limit, request_for(job).gang) == (100.0, 4)
    assert request_for(replace(job, requested_time=None)).time_limit is None
    assert request_for(replace(job, requested_processors=None, processors=2)).gang == 2


def test_jobs_that_never_ran_are_left_out(world: World) -> None:
    jobs = [TracedJob(1, run=None), TracedJob(2, run=0.0), TracedJob(3, submit=7.0, run=5.0)]
    assert list(replay(world.backend, jobs)) == [3]


def test_a_trace_of_nothing() -> None:
    assert trace_of([]) == Trace((), ("Version: 2.2", "MaxJobs: 0", "UnixStartTime: 0"))
