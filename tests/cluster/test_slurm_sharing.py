"""What many jobs of a real cluster have in common is kept once, and nothing else changes by it; no Slurm is needed."""

from __future__ import annotations

import os
import pwd
import tracemalloc
from pathlib import Path
from typing import Any

from mock_server.cluster.history import History
from mock_server.cluster.job import JobRequest, JobState, Resources
from mock_server.cluster.slurm.identity import tag_of
from mock_server.cluster.slurm.log import JobLog
from mock_server.cluster.slurm.memory import Memory
from mock_server.cluster.slurm.records import job_record
from mock_server.cluster.slurm.roster import Roster
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.sharing import Extras, Marks, Sharing
from mock_server.cluster.slurm.submission import located

SETTINGS = SlurmSettings("http://127.0.0.1:1", directory="/shared/out")


def _request(**fields: Any) -> JobRequest:
    return JobRequest(**{"name": "a", "command": "true", "user_id": "u", **fields})


def test_requests_share_what_is_equal_and_keep_what_is_not() -> None:
    sharing = Sharing()
    sent = [
        _request(
            resources=Resources(2, 10**9),
            environment={"A": "b"},
            command=f"run {number}",
            extras={"resources": {"cpus": 2}, "key": f"k{number}"},
        )
        for number in range(3)
    ]
    kept = [sharing.request(request) for request in sent]
    assert [request._replace(extras=dict(request.extras)) for request in kept] == sent
    assert kept[1].environment is kept[2].environment
    assert kept[1].resources is kept[2].resources
    assert isinstance(kept[2].extras, Extras)
    assert kept[1].extras["resources"] is kept[2].extras["resources"]
    assert [request.extras["key"] for request in kept] == ["k0", "k1", "k2"]
    assert list(kept[2].extras) == ["resources", "key"]
    assert len(kept[2].extras) == 2
    assert "other" not in kept[2].extras


def test_a_request_without_extras_may_follow_one_with_some() -> None:
    sharing = Sharing()
    sent = [_request(extras=extras) for extras in ({"key": "k"}, {}, {"key": "k", "other": 1}, {}, {"other": 1})]
    assert [dict(sharing.request(request).extras) for request in sent] == [request.extras for request in sent]


def test_what_is_equal_but_not_the_same_kind_is_kept_apart() -> None:
    sharing = Sharing()
    sharing.request(_request(priority=1, time_limit=60.0))
    request = sharing.request(_request(priority=True, time_limit=60))
    assert (type(request.priority), type(request.time_limit)) == (bool, int)
    assert sharing.request(_request(extras={})).extras == {}
    assert sharing.request(_request(extras={"only": 1})).extras == {"only": 1}


def test_marks_are_a_set() -> None:
    marks = Marks()
    for number in (0, 7, 8, 4095, 4096, 67_000_000):
        assert number not in marks
        marks.add(number)
        assert number in marks
    assert [number in marks for number in (1, 9, 4094, 4097, 66_999_999, -1)] == [False] * 6
    assert "7" not in marks
    assert None not in marks


def test_the_log_of_a_job_knows_its_files(tmp_path: Path) -> None:
    files = f"{tmp_path}/%x-%A_%a.out", f"{tmp_path}/%x.err"
    log = JobLog("job-17_3", "n", files, "nobody")
    assert log.files == (("stdout", f"{tmp_path}/n-17_3.out"), ("stderr", f"{tmp_path}/n.err"))
    assert JobLog("5", "n", (files[0], files[0]), "").files == (("stdout", f"{tmp_path}/n-5_4294967294.out"),)
    (tmp_path / "n.err").write_text("oh\n")
    (tmp_path / "n-17_3.out").write_text("one\ntwo\n")
    own = pwd.getpwuid(os.geteuid()).pw_name
    other = JobLog("job-17_4", "n", files, own)
    for each in (JobLog("job-17_3", "n", files, own), other):
        each.poll(1.0, final=True)
    assert [line.text for line in other.lines] == ["oh"]


def test_a_finished_job_costs_less_than_two_kilobytes() -> None:
    roster = Roster("cluster_slurm", History(200_000), Memory(None))

    def live(first: int, count: int) -> None:
        keys = range(first, first + count)
        for key in keys:
            extras = {"platform.idempotency_key": f"{key:036x}"}
            request = located(_request(name=f"job {key}", command=f"run {key}", extras=extras), SETTINGS)
            roster.submitted(key, request, tag_of(request), "normal", 1e9 + key / 1e3, "nobody")
        for step, state in enumerate(("PENDING", "RUNNING", "COMPLETED")):
            raw = {"job_state": state, "cpus": 1, "priority": 1, "state_reason": "Resources"}
            raw |= {"submit_time": 10**9, "start_time": 10**9 + 5, "end_time": 10**9 + 6, "nodes": "n1" if step else ""}
            roster.update([job_record({**raw, "job_id": key}) for key in keys], 1e9 + 9, {}, 1e9 + 9)

    live(1, 200)
    tracemalloc.start()
    try:
        live(201, 1000)
        size = tracemalloc.get_traced_memory()[0] / 1000
    finally:
        tracemalloc.stop()
    assert {job.state for job in roster.jobs.values()} == {JobState.COMPLETED}
    assert roster._history.sequence == 4 * 1200
    assert size < 2000
