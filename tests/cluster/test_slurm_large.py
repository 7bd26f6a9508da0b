"""Long logs and long arrays of a real cluster; no Slurm is needed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.history import History
from mock_server.cluster.job import JobRequest, JobState
from mock_server.cluster.slurm import log as slurm_log
from mock_server.cluster.slurm.identity import tag_of
from mock_server.cluster.slurm.log import FileLog
from mock_server.cluster.slurm.memory import FILE, Memory
from mock_server.cluster.slurm.records import job_record
from mock_server.cluster.slurm.roster import Roster
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.submission import located

TASKS = 2000


@pytest.fixture
def long_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of ten portions, of which a look takes one."""
    monkeypatch.setattr(slurm_log, "BLOCK", 1000)
    monkeypatch.setattr(slurm_log, "PER_POLL", 10_000)
    monkeypatch.setattr(slurm_log, "WINDOW", 5000)
    path = tmp_path / "1.out"
    path.write_text("".join(f"line {number:04}\n" for number in range(1, 10_001)) + "unfinished")
    return path


def test_a_log_that_is_long_at_the_end_is_read_on(long_log: Path) -> None:
    log = FileLog(("stdout", str(long_log)))
    last, looks = 0, 0
    while looks == 0 or log.is_behind:
        found = log.poll(1.0, final=True)
        assert found is not None
        assert found[0] == last + 1
        last, looks = found[1], looks + 1
    assert last == 10_001
    assert looks == 11
    assert log.lines[-1].text == "unfinished"


def test_whoever_follows_a_log_that_is_not_read_yet_misses_nothing(long_log: Path) -> None:
    log = FileLog(("stdout", str(long_log)))
    log.poll(1.0, final=True)
    assert log.is_behind
    sent: list[str] = []
    while lines := log.after(len(sent)):
        sent += [line.text for line in lines]
    assert sent[9999:] == ["line 10000", "unfinished"]
    assert len(sent) == 10_001


def test_whoever_wants_the_end_of_a_log_gets_the_end(long_log: Path) -> None:
    log = FileLog(("stdout", str(long_log)))
    log.poll(1.0, final=True)
    assert [line.number for line in log.lines][-2:] == [10_000, 10_001]
    assert len(log._segments) <= 200


def _roster(directory: Path) -> Roster:
    memory = Memory(str(directory / FILE))
    memory.open()
    return Roster("cluster_slurm", History(100_000), memory)


def _submitted(roster: Roster) -> JobRequest:
    asked = JobRequest("a", "true", "u", array=tuple(range(TASKS)), id_form="s9s", environment={"A": "b"})
    request = located(asked, SlurmSettings("http://127.0.0.1:1", directory="/shared/out"))
    roster.submitted(5, request, tag_of(request), "normal", 1e9, "nobody")
    return request


def test_a_long_array_is_written_down_without_repeating_its_request(tmp_path: Path) -> None:
    request = _submitted(_roster(tmp_path))
    database = sqlite3.connect(tmp_path / FILE)
    ((longest,),) = database.execute("SELECT max(length(request)) FROM jobs")
    assert longest < 100
    assert database.execute("SELECT count(*) FROM requests").fetchone() == (1,)
    database.close()
    again = _roster(tmp_path)
    again.recall()
    assert len(again.array("5")) == TASKS
    assert all(job.request == request for job in again.array("5"))
    assert again.get("5_1999").environment == {"A": "b"}


def test_the_tasks_of_a_long_array_live_and_are_forgotten(tmp_path: Path) -> None:
    roster = _roster(tmp_path)
    request = _submitted(roster)
    raw: dict[str, Any] = {"array_job_id": 5, "cpus": 1, "priority": 7, "submit_time": 10**9}
    raw["comment"] = tag_of(request).text()
    waiting = {**raw, "job_id": 5, "job_state": "PENDING", "state_reason": "Resources"}
    for tasks in (f"0-{TASKS - 1}", "0,1,2,..."):
        roster.update([job_record({**waiting, "array_task_string": tasks})], 1e9 + 1, {}, 1e9 + 1)
        assert {job.state for job in roster.array("5")} == {JobState.QUEUED}
    ended = {**raw, "job_state": "COMPLETED", "nodes": "n1", "start_time": 10**9 + 2, "end_time": 10**9 + 3}
    records = [job_record({**ended, "job_id": 6 + task, "array_task_id": task}) for task in range(TASKS)]
    roster.update(records, 1e9 + 4, {}, 1e9 + 4)
    assert {job.state for job in roster.array("5")} == {JobState.COMPLETED}
    for job in roster.array("5"):
        roster.deleted(job, 1e9 + 5)
    roster.flush()
    assert (roster.jobs, roster.arrays, roster.by_token) == ({}, {}, {})
    again = _roster(tmp_path)
    again.recall()
    assert (again.jobs, len(again._deleted)) == ({}, TASKS)
