"""Slurm's commands as they are run: what they are given, and what is made of what they print; no Slurm is needed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.backend import ClusterError, NotFoundError, RequestError, UnavailableError, UnsupportedError
from mock_server.cluster.job import Dependency, JobRequest, Resources
from mock_server.cluster.slurm import cli as slurm_cli
from mock_server.cluster.slurm.access import InDoubtError
from mock_server.cluster.slurm.cli import Cli
from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.rest import Rest
from mock_server.cluster.slurm.sbatch import options, plain
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.submission import PATH, description, located
from tests.cluster.slurm_programs import OWN, FakeSlurm

HOSTILE = "--uid=0 $(id) `id` ;'\"\\\n--wrap=x, y=ü"


@pytest.fixture
def slurm(tmp_path: Path) -> FakeSlurm:
    return FakeSlurm(tmp_path)


def _job(**fields: Any) -> dict[str, Any]:
    request = JobRequest(**{"name": "a", "command": "true", "user_id": "u", **fields})
    settings = SlurmSettings(directory="/out")
    return description(located(request, settings), "normal", "c", (0, 0, 38), settings)


def _submit(cli: Cli, script: str = "#!/bin/sh\ntrue\n", **fields: Any) -> int:
    return asyncio.run(cli.submit(script, _job(**fields), OWN))


def test_nothing_that_a_user_says_becomes_an_option_or_a_variable(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SBATCH_PARTITION", "SLURM_JWT", "SQUEUE_STATES", "SECRET"):
        monkeypatch.setenv(name, "of the server")
    slurm.tells("sbatch", "17;cluster\n")
    script = f"#!/bin/sh\necho {HOSTILE}\n"
    assert _submit(slurm.cli(), script, name=HOSTILE, account=HOSTILE, environment={"A": HOSTILE, "B": ""}) == 17
    [call] = slurm.calls("sbatch")
    words = [argument.partition("=") for argument in call["given"]]
    assert {name for name, _, _ in words} >= {"--parsable", "--ignore-pbs", "--job-name", "--export-file"}
    assert all(name.startswith("--") for name, _, _ in words)
    assert {name for name, _, value in words if value == HOSTILE} == {"--job-name", "--account"}
    assert "--uid" not in {name for name, _, _ in words}
    assert call["exported"] == [f"SLURM_SUBMIT_DIR=/out\0PATH={PATH}\0A={HOSTILE}\0B=\0"]
    assert call["stdin"] == script
    assert set(call["environment"]) <= {"PATH", "LD_LIBRARY_PATH", "SLURM_CONF", "LC_ALL", "LC_CTYPE"}
    assert call["cwd"] == "/"


def test_a_large_environment_and_a_long_script_arrive_whole(slurm: FakeSlurm) -> None:
    slurm.tells("sbatch", "17\n")
    script = "#!/bin/sh\n" + "# and so on\n" * 50_000
    assert _submit(slurm.cli(), script, environment={"A": "x" * 500_000}) == 17
    [call] = slurm.calls("sbatch")
    assert call["stdin"] == script
    assert call["exported"][0].endswith(f"PATH={PATH}\0A={'x' * 500_000}\0")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "job"),
        ({"environment": {"A": "x\0B=y"}}, "environment"),
        ({"environment": {"A": "\udc00"}}, "environment"),
        ({"required_nodes": ("/etc/passwd",)}, "required_nodes"),
        ({"name": "x" * 3_000_000}, "job"),
        ({"script": "#!/bin/sh\n\0"}, "script"),
    ],
)
def test_what_cannot_be_passed_is_refused(slurm: FakeSlurm, fields: dict[str, Any], field: str) -> None:
    slurm.tells("sbatch", "17\n")
    with pytest.raises(RequestError) as caught:
        _submit(slurm.cli(), **fields)
    assert (caught.value.field, slurm.calls("sbatch")) == (field, [])


def test_everything_that_a_job_can_have_is_an_option() -> None:
    asked = Resources(4, 10**9, 2)
    whole = _job(
        resources=asked, nodes=2, time_limit=61.0, array=(1, 2, 7), array_limit=2, hold=True, account="me", qos="high",
        dependencies=(Dependency("afterok", "job_5"), Dependency("singleton", None)), required_nodes=("n1", "n2"),
    )  # fmt: skip
    assert options(whole) == [
        "--parsable", "--ignore-pbs", "--propagate=NONE", "--export=ALL", "--job-name=a", "--partition=normal", "--comment=c", "--chdir=/out",
        "--input=/dev/null", "--output=/out/%A_%a.out", "--error=/out/%A_%a.err", "--open-mode=append", "--requeue",
        "--ntasks=2", "--cpus-per-task=4", "--account=me", "--qos=high", "--time=2", "--hold", "--array=1-2,7%2",
        "--dependency=afterok:5,singleton", "--nodelist=n1,n2", "--ntasks-per-node=1", "--nodes=2-2", "--mem=954M",
        "--gres=gpu:2",
    ]  # fmt: skip
    gang = options(_job(resources=asked, gang=3))
    assert {"--ntasks=3", "--gpus-per-task=2", "--mem-per-cpu=239M"} <= set(gang)


@pytest.mark.parametrize(
    ("script", "passed"),
    [
        ("#!/bin/sh\n#SBATCH --uid=0\n\n # x\n#SBATCH -p gpu\necho\n#SBATCH y",
         "#!/bin/sh\n# SBATCH --uid=0\n\n # x\n# SBATCH -p gpu\necho\n#SBATCH y"),
        ("#!/bin/sh\n #SBATCH\r\n#sbatch\n\f\n#SBATCHx", "#!/bin/sh\n #SBATCH\r\n#sbatch\n\f\n# SBATCHx"),
        ("#!/bin/sh\necho '\n#SBATCH --wait\n'", "#!/bin/sh\necho '\n#SBATCH --wait\n'"),
    ],
)  # fmt: skip
def test_lines_for_sbatch_are_comments(script: str, passed: str) -> None:
    assert plain(script) == passed


def test_a_refusal_is_told_in_slurms_words(slurm: FakeSlurm) -> None:
    slurm.tells("sbatch", err="sbatch: error: invalid partition specified: x\nsbatch: error: Invalid one\n", code=1)
    with pytest.raises(RequestError, match="^Slurm: invalid partition specified: x; Invalid one$") as caught:
        _submit(slurm.cli())
    assert caught.value.field == "partition"


def test_a_submission_without_a_number_is_in_doubt(slurm: FakeSlurm) -> None:
    slurm.tells("sbatch", "Submitted batch job 17\n")
    with pytest.raises(InDoubtError, match="gave no id"):
        _submit(slurm.cli())


@pytest.mark.parametrize(
    ("printed", "kind"),
    [
        ({"out": json.dumps({"errors": [{"description": "Failed while loading jobs"}], "jobs": []})}, UnavailableError),
        ({"out": json.dumps({"errors": []})}, UnavailableError),
        ({"out": "JOBID NAME"}, UnavailableError),
        ({"out": "[]"}, UnavailableError),
        ({"err": "Unable to contact slurm controller", "code": 1}, InDoubtError),
        ({"err": "who knows", "code": 1}, UnavailableError),
        ({"err": "squeue: unrecognized option '--json'", "code": 1}, UnsupportedError),
    ],
)
def test_a_list_that_failed_is_not_taken_for_an_empty_one(
    slurm: FakeSlurm, printed: dict[str, Any], kind: type[ClusterError]
) -> None:
    slurm.tells("squeue", **printed)
    with pytest.raises(ClusterError) as caught:
        asyncio.run(slurm.cli().jobs())
    assert type(caught.value) is kind


def test_jobs_but_the_finished_ones_that_have_not_begun_anew(slurm: FakeSlurm) -> None:
    states = {1: "FAILED", 2: "RUNNING", 3: "PENDING", 4: "COMPLETED"}
    jobs = [{"job_id": number, "job_state": state} for number, state in states.items()]
    slurm.tells("squeue", json.dumps({"errors": [], "jobs": jobs}))
    cli = slurm.cli()
    found = [(job.job_id, job.state) for job in asyncio.run(cli.jobs({1, 3}))]
    assert found == [(2, "RUNNING"), (3, "PENDING"), (4, "COMPLETED")]
    assert cli.calls == 1


def test_a_list_is_not_read_without_end(slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_cli, "MAX_LIST", 100_000)
    slurm.shell("squeue", "exec yes")
    with pytest.raises(UnavailableError, match="more than the 100000 bytes"):
        asyncio.run(slurm.cli().jobs())


def test_jobs_are_changed_by_their_numbers(slurm: FakeSlurm) -> None:
    slurm.tells("scontrol")
    slurm.tells("scancel")
    cli = slurm.cli()

    async def body() -> None:
        await cli.update("17_3", {"hold": True, "comment": HOSTILE})
        await cli.update("17", {"hold": False})
        await cli.update("17", {"hold": False, "begin_time": "now", "comment": "c"})
        await cli.update("17", {"priority": 5})
        await cli.cancel("17_3", "10")
        await cli.cancel("17")

    asyncio.run(body())
    assert [call["given"] for call in slurm.calls("scontrol")] == [
        ["update", "jobid=17_3", f"comment={HOSTILE}", "priority=0"],
        ["release", "17"],
        ["update", "jobid=17", "starttime=now"],
        ["release", "17"],
        ["update", "jobid=17", "comment=c"],
        ["update", "jobid=17", "priority=5"],
        ["show", "job", "17_3"],
        ["show", "job", "17"],
    ]
    assert [call["given"] for call in slurm.calls("scancel")] == [["--full", "--signal=10", "17_3"], ["17"]]


def test_a_job_has_no_other_name_than_its_number(slurm: FakeSlurm) -> None:
    for key in ("", "-1", "17 18", "17,18", "--user=root", "17_", "name=x"):
        with pytest.raises(ValueError, match="no number of a job"):
            asyncio.run(slurm.cli().cancel(key))
        with pytest.raises(ValueError, match="no number of a job"):
            asyncio.run(slurm.cli().update(key, {"hold": True}))
    with pytest.raises(KeyError, match="time_limit"):
        asyncio.run(slurm.cli().update("17", {"time_limit": 5}))


def test_a_priority_of_a_held_job_is_no_error(slurm: FakeSlurm) -> None:
    slurm.tells("scontrol", err="Job is in held state, pending scheduler release for job 17\n", code=1)
    asyncio.run(slurm.cli().update("17", {"priority": 5}))


def test_a_job_that_there_is_not_is_not_cancelled(slurm: FakeSlurm) -> None:
    slurm.tells("scontrol", err="slurm_load_jobs error: Invalid job id specified\n", code=1)
    slurm.tells("scancel")
    with pytest.raises(NotFoundError):
        asyncio.run(slurm.cli().cancel("17"))
    assert slurm.calls("scancel") == []


@pytest.mark.parametrize("default", [None, "b"])
def test_partitions_are_those_that_nodes_are_in(slurm: FakeSlurm, default: str | None) -> None:
    nodes = [{"name": "n1", "partitions": ["a", "b"]}, {"name": "n2", "partitions": ["a"]}, {"name": "n3"}]
    slurm.tells("sinfo", json.dumps({"errors": [], "nodes": nodes}))
    cli = slurm.cli(partition=default)
    assert [node.name for node in asyncio.run(cli.nodes())] == ["n1", "n2", "n3"]
    found = asyncio.run(cli.partitions())
    assert [(each.name, each.nodes, each.state, each.is_default) for each in found] == [
        ("a", ("n1", "n2"), "UP", False),
        ("b", ("n1",), "UP", default == "b"),
    ]
    assert cli.calls == 1


def test_newer_releases_tell_partitions_themselves(slurm: FakeSlurm) -> None:
    slurm.tells("sinfo", json.dumps({"errors": [], "sinfo": []}))
    partition = {"name": "a", "nodes": {"configured": "n[1-2]"}, "partition": {"state": ["DOWN"]}}
    nodes, partitions = json.dumps({"nodes": [{"name": "n1"}]}), json.dumps({"partitions": [partition]})
    slurm.write("scontrol", [("show nodes", 0, nodes, ""), ("show partitions", 0, partitions, "")])
    cli = slurm.cli()
    for _ in range(2):
        assert [node.name for node in asyncio.run(cli.nodes())] == ["n1"]
    [found] = asyncio.run(cli.partitions())
    assert (found.name, found.nodes, found.state) == ("a", ("n1", "n2"), "DOWN")
    assert len(slurm.calls("sinfo")) == 1


def test_the_address_decides_how_slurm_is_reached() -> None:
    assert isinstance(SlurmCluster(SlurmSettings()).rest, Cli)
    assert isinstance(SlurmCluster(SlurmSettings("http://127.0.0.1:1")).rest, Rest)
