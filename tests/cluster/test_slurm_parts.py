"""What the real backend makes of texts, files and records; no Slurm is needed for these."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.backend import DeniedError, NotFoundError, RequestError, UnsupportedError
from mock_server.cluster.history import History
from mock_server.cluster.job import JobRequest, JobState, Resources
from mock_server.cluster.slurm.accounts import uid
from mock_server.cluster.slurm.answers import checked
from mock_server.cluster.slurm.commands import Commands
from mock_server.cluster.slurm.identity import parse_tag, tag_of
from mock_server.cluster.slurm.listing import Reply
from mock_server.cluster.slurm.log import FileLog
from mock_server.cluster.slurm.memory import Memory
from mock_server.cluster.slurm.records import expand, job_record, node_record, numbers
from mock_server.cluster.slurm.rest import Rest
from mock_server.cluster.slurm.roster import Roster
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.states import end_reason, job_state, verdict
from mock_server.cluster.slurm.submission import description, expand as expand_path, located, script
from mock_server.cluster.slurm.tokens import Tokens
from tests.support.messages import Json
from tests.support.scripted import ScriptedServer

SETTINGS = SlurmSettings("http://127.0.0.1:1", directory="/shared/out")


def _request(**fields: Any) -> JobRequest:
    return JobRequest(**{"name": "a", "command": "true", "user_id": "u", **fields})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("cpu1", ("cpu1",)),
        ("gpu[001-003,007],cpu1", ("gpu001", "gpu002", "gpu003", "gpu007", "cpu1")),
        ("r[1-2]n[1-2]", ("r1n1", "r1n2", "r2n1", "r2n2")),
    ],
)
def test_lists_of_nodes(text: str, names: tuple[str, ...]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    ("state", "reason", "status", "expected"),
    [
        ("COMPLETED", "None", 0, ((0, 0), None)),
        ("FAILED", "NonZeroExitCode", 3 << 8, ((3, 0), "NonZeroExitCode")),
        ("FAILED", "JobLaunchFailure", 9, ((0, 9), "RaisedSignal:9")),
        ("FAILED", "RaisedSignal:11(Segmentation fault)", 11 | 0x80, ((0, 11), "RaisedSignal:11")),
        ("FAILED", "JobLaunchFailure", 4021, ((0, 0), "JobLaunchFailure")),
        ("FAILED", "RaisedSignal:53(Real-time signal 19)", 53, ((0, 0), "JobLaunchFailure")),
        ("TIMEOUT", "TimeLimit", 15, ((0, 15), "TimeLimit")),
        ("NODE_FAIL", "None", 15, ((0, 15), "NodeFail")),
    ],
)
def test_how_jobs_end(state: str, reason: str, status: int, expected: Any) -> None:
    record = job_record({"job_id": 1, "job_state": state, "state_reason": reason, "exit_code": status})
    assert (verdict(record), end_reason(record, job_state(record))) == expected


def test_lists_of_tasks() -> None:
    assert numbers("1-3,7%2") == (1, 2, 3, 7)
    assert numbers("0-8:4") == (0, 4, 8)


def test_records_of_older_and_newer_versions_are_the_same() -> None:
    plain = {"job_id": 3, "array_job_id": 2, "array_task_id": 0, "job_state": "FAILED", "exit_code": 768}
    plain |= {"time_limit": 5, "priority": 9, "start_time": 100, "state_reason": "NonZeroExitCode"}
    new: dict[str, Any] = {"job_id": 3, "job_state": ["FAILED"], "state_reason": "NonZeroExitCode"}
    counts = {"array_job_id": 2, "array_task_id": 0, "time_limit": 5, "priority": 9, "start_time": 100}
    new |= {name: {"set": True, "infinite": False, "number": value} for name, value in counts.items()}
    new["exit_code"] = {"return_code": {"set": True, "number": 3}, "signal": {"id": {"set": False}}}
    assert job_record(plain) == job_record(new)
    assert job_record(plain).key == "2_0"
    node = node_record({"name": "n", "state": "mixed", "state_flags": ["DRAIN"], "cpus": 8, "gres": "gpu:a100:4"})
    assert (sorted(node.states), node.gpus, node.gpu_type) == (["DRAIN", "MIXED"], 4, "a100")


def test_a_command_is_a_script_and_no_command_line() -> None:
    assert (
        script(_request(command="echo 'a b'; $(x)", working_directory="/"), SETTINGS) == "#!/bin/sh\necho 'a b'; $(x)\n"
    )
    asked = _request(command="#!/usr/bin/python3\nprint()", working_directory="/")
    assert script(asked, SETTINGS) == "#!/usr/bin/python3\nprint()"
    assert script(_request(command="echo '1'", gang=2), SETTINGS).splitlines()[2].startswith("exec srun ")
    with pytest.raises(UnsupportedError, match="not supported|Not supported"):
        script(_request(command="", image="python:3.12"), SETTINGS)


@pytest.mark.parametrize("fields", [{"command": "echo a\0b"}, {"name": "a\0b"}, {"environment": {"A": "x\0y"}}])
def test_what_slurmrestd_would_cut_off_at_a_zero_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="number 0") as refused:
        located(_request(**fields), SETTINGS)
    assert refused.value.field == next(iter(fields))


def test_jobs_find_the_commands_of_slurm() -> None:
    settings = SlurmSettings("http://127.0.0.1:1", bin_directory="/opt/slurm/bin")
    asked = located(_request(), settings)
    path = description(asked, "normal", "c", (0, 0, 38), settings)["environment"]["PATH"].split(":")
    assert (path[0], path.count("/usr/bin")) == ("/opt/slurm/bin", 1)
    own = description(asked._replace(environment={"PATH": "/mine"}), "normal", "c", (0, 0, 38), settings)
    assert own["environment"]["PATH"] == "/mine"


def test_what_slurm_is_asked_for() -> None:
    asked = _request(resources=Resources(4, 10**9, 2), nodes=2, time_limit=61.0, array=(1, 2, 3, 7), array_limit=2)
    job = description(located(asked, SETTINGS), "gpu", "c", (0, 0, 38), SETTINGS)
    assert (job["nodes"], job["cpus_per_task"], job["memory_per_node"], job["gres"]) == ([2, 2], 4, 954, "gpu:2")
    assert (job["time_limit"], job["array"]) == (2, "1-3,7%2")
    assert job["standard_output"] == "/shared/out/%A_%a.out"
    newer = description(located(asked, SETTINGS), "gpu", "c", (0, 0, 40), SETTINGS)
    assert (newer["minimum_nodes"], newer["tres_per_node"]) == (2, "gres/gpu:2")
    assert isinstance(newer["environment"], list)
    with pytest.raises(RequestError, match="NUL"):
        located(_request(stdout_path="a\0b"), SETTINGS)
    with pytest.raises(RequestError, match="no name of a variable"):
        description(located(_request(environment={"A B": "1"}), SETTINGS), "gpu", "c", (0, 0, 38), SETTINGS)
    with pytest.raises(RequestError, match="%N"):
        located(_request(stdout_path="%N.out"), SETTINGS)
    assert expand_path("/o/%x-%4j-%u.out", "17", "n", "me") == "/o/n-0017-me.out"


def test_a_tag_survives_the_comment() -> None:
    request = _request(idempotency_key="k", queue="default", id_form="jobservice")
    assert parse_tag(tag_of(request).text()) == tag_of(request)
    assert tag_of(request).token != tag_of(_request(idempotency_key="k", command="false")).token
    assert tag_of(_request()).token != tag_of(_request()).token
    for other in ("", "my job", "vantage:", "vantage:[]", 'vantage:{"u":1,"f":"s9s","t":"x"}'):
        assert parse_tag(other) is None


def test_memory_without_a_path_keeps_nothing() -> None:
    memory = Memory(None)
    memory.open()
    memory.write((), [("job_1", "1")])
    assert (list(memory.jobs()), memory.deleted()) == ([], set())


@pytest.mark.parametrize(
    "wrong", [{"url": "localhost"}, {"directory": "out"}, {"shortest_pause": 0.0}, {"shortest_pause": 9.0}]
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        SlurmSettings(**{"url": "http://127.0.0.1:1", **wrong})


def test_a_job_that_came_after_a_list_was_made_is_not_missed_in_it() -> None:
    history = History(100)
    roster = Roster("cluster_slurm", history, Memory(None))
    request = located(_request(), SETTINGS)
    job = roster.submitted(5, request, tag_of(request), "normal", 100.0, "nobody")
    roster.update([], 101.0, {}, 99.0)
    assert roster.missing == []
    roster.update([], 102.0, {}, 101.0)
    assert roster.missing == [job]
    roster.judge(job, None, 102.0)
    assert (job.state, job.reason) == (JobState.FAILED, "NoRecord")
    assert [event.kind for event in history.after(0)] == ["job.created", "job.failed"]


def test_an_account_that_is_not_known_here_owns_no_file(tmp_path: Path) -> None:
    (tmp_path / "1.out").write_text("anybody's\n")
    assert FileLog(("stdout", str(tmp_path / "1.out")), owner=uid("no-such-account")).poll(1.0) is None


def test_the_tasks_of_an_array_that_others_submitted_are_in_order() -> None:
    roster = Roster("cluster_slurm", History(100), Memory(None))
    raw = {"job_state": "RUNNING", "submit_time": 100, "start_time": 100, "nodes": "n", "array_job_id": 3}
    records = [
        job_record({**raw, "job_id": number, "array_task_id": task}) for number, task in ((3, 2), (4, 0), (5, 1))
    ]
    roster.update(records, 101.0, {}, 99.0)
    assert [task.id for task in roster.array("3")] == ["3_0", "3_1", "3_2"]


def test_a_job_that_waits_for_its_partition_is_taken_in() -> None:
    waits = {"errors": [{"error_code": 2015, "error": "Requested partition configuration not available now"}]}
    described = {"paths": {"/slurm/v0.0.38/jobs": {}}}

    async def body(server: ScriptedServer) -> tuple[int, str]:
        settings = SlurmSettings(server.url, token="t")
        rest = Rest(settings, Tokens(settings, Commands(settings)))
        try:
            number = await rest.submit("#!/bin/sh\n", {}, "u")
            with pytest.raises(RequestError) as caught:
                await rest.submit("#!/bin/sh\n", {}, "u")
            return number, caught.value.field
        finally:
            await rest.aclose()

    with ScriptedServer([Json(200, described), Json(200, {**waits, "job_id": 17}), Json(500, waits)]) as server:
        assert asyncio.run(body(server)) == (17, "nodes")


def test_what_slurm_says_of_the_tasks_of_an_array_is_no_error_unless_it_has_a_number() -> None:
    said = {"description": "job array update from [localhost]:1 failed", "source": "_parse_job_list"}
    assert checked(Reply(200, json.dumps({"errors": [said]}).encode()), "job/3_1")["errors"] == [said]
    for error, number in ((NotFoundError, 2017), (DeniedError, 2002)):
        with pytest.raises(error):
            checked(Reply(200, json.dumps({"errors": [{**said, "error_number": number}]}).encode()), "job/3_1")


def _cancelled(*numbers: int) -> Reply:
    said = [{"error": {"code": number, "string": "so it is"}, "step_id": "3"} for number in numbers]
    return Reply(200, json.dumps({"status": said, "errors": []}).encode())


def test_a_cancellation_may_be_refused_without_errors() -> None:
    """So does Slurm 26.05 speak of a job of another account, of one that has ended and of one that there is not."""
    denied, unknown, ended = 2002, 2017, 2021
    assert checked(_cancelled(), "job/3")["status"] == []
    assert checked(_cancelled(0, ended), "job/3")["errors"] == []
    with pytest.raises(DeniedError, match="so it is"):
        checked(_cancelled(ended, denied), "job/3?signal=10")
    with pytest.raises(NotFoundError, match="3"):
        checked(_cancelled(unknown), "job/3?signal=10")
