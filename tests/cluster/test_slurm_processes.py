"""Slurm's programs as processes, and what their failures mean; no Slurm is needed."""

from __future__ import annotations

import asyncio
import os
import pwd
from pathlib import Path

import pytest

from mock_server.cluster.backend import (
    ClusterError,
    DeniedError,
    NotFoundError,
    RequestError,
    StateError,
    UnsupportedError,
)
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.accounts import rights
from mock_server.cluster.slurm.refusals import refusal, submission_refusal
from tests.cluster.slurm_programs import OWN, FakeSlurm


@pytest.fixture
def slurm(tmp_path: Path) -> FakeSlurm:
    return FakeSlurm(tmp_path)


def test_a_program_that_does_not_end_is_ended(slurm: FakeSlurm) -> None:
    slurm.shell("sbatch", "exec sleep 1000")
    with pytest.raises(UnansweredError, match=r"sbatch did not come to an end within 0\.3 seconds"):
        asyncio.run(slurm.programs(timeout=0.3).run("sbatch"))


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_a_program_that_prints_for_ever_is_ended(slurm: FakeSlurm, stream: str) -> None:
    slurm.shell("squeue", f"exec yes{stream}")
    with pytest.raises(InDoubtError, match="more than the 100000 bytes"):
        asyncio.run(slurm.programs(timeout=60).run("squeue", limit=100_000))


def test_a_program_that_reads_nothing_says_why(slurm: FakeSlurm) -> None:
    slurm.shell("sbatch", "echo 'sbatch: error: one' >&2; echo 'sbatch: fatal: two' >&2; exit 3")
    output = asyncio.run(slurm.programs().run("sbatch", stdin="x" * 1_000_000))
    assert (output.code, output.complaint) == (3, "one; two")


def test_what_is_not_waited_for_does_not_run_on(slurm: FakeSlurm) -> None:
    told = slurm.folder / "pid"
    os.mkfifo(told)
    slurm.shell("squeue", f"echo $$ > '{told}'\nexec sleep 1000")

    async def body() -> None:
        task = asyncio.create_task(slurm.programs(timeout=60).run("squeue"))
        pid = int(await asyncio.to_thread(told.read_text))
        task.cancel()
        await asyncio.wait([task])
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(body())


def test_programs_that_cannot_be_run(slurm: FakeSlurm) -> None:
    with pytest.raises(UnsupportedError, match="needs Slurm's sbatch"):
        asyncio.run(slurm.programs().run("sbatch"))
    (slurm.folder / "sbatch").write_text("#!/nowhere/at/all\n")
    (slurm.folder / "sbatch").chmod(0o755)
    with pytest.raises(UnsupportedError, match="cannot be run on this machine"):
        asyncio.run(slurm.programs().run("sbatch"))


def test_only_root_acts_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rights(None) == rights(OWN) == {}
    with pytest.raises(DeniedError, match="no account 'nobody-has-this-name'"):
        rights("nobody-has-this-name")
    other = next(entry for entry in pwd.getpwall() if entry.pw_uid not in {0, os.geteuid()})
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert rights(other.pw_name) == {
        "user": other.pw_uid,
        "group": other.pw_gid,
        "extra_groups": os.getgrouplist(other.pw_name, other.pw_gid),
    }
    monkeypatch.setattr(os, "geteuid", lambda: other.pw_uid + 1)
    with pytest.raises(DeniedError, match="only a server that runs as root"):
        rights(other.pw_name)


@pytest.mark.parametrize(
    ("text", "kind", "field"),
    [
        ("Batch job submission failed: Invalid partition name specified", RequestError, "partition"),
        ("Batch job submission failed: Requested node configuration is not available", RequestError, "resources"),
        ("Memory specification can not be satisfied", RequestError, "resources"),
        ("Batch job submission failed: Invalid job array specification", RequestError, "array"),
        ("Batch job submission failed: Job dependency problem", RequestError, "dependencies"),
        ("Batch job submission failed: Invalid node name specified", RequestError, "nodes"),
        ("Batch script contains DOS line breaks (\\r\\n)", RequestError, "command"),
        ("Batch job submission failed: Invalid wckey specification", RequestError, "job"),
        ("Batch job submission failed: User's group not permitted to use this partition", DeniedError, None),
        ("Batch job submission failed: Access/permission denied", DeniedError, None),
        ("Unable to contact slurm controller (connect failure)", InDoubtError, None),
        ("Batch job submission failed: Socket timed out on send/recv operation", UnansweredError, None),
        ("Batch job submission failed: Zero Bytes were transmitted or received", UnansweredError, None),
        ("Could not establish a configuration source", InDoubtError, None),
        ("Munge encode failed: Failed to access '/run/munge/munge.socket.2'", InDoubtError, None),
        ("something that nobody has seen yet", ClusterError, None),
    ],
)  # fmt: skip
def test_why_a_submission_failed(text: str, kind: type[ClusterError], field: str | None) -> None:
    error = submission_refusal(text)
    assert (type(error), getattr(error, "field", None)) == (kind, field)
    assert text in str(error)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("slurm_suspend error: Invalid job id specified", NotFoundError),
        ("Job has already finished for job 12", StateError),
        ("Invalid user id for job 2", DeniedError),
        ("Kill job error on job id 2: Access/permission denied", DeniedError),
        ("Unexpected message received for job 2", InDoubtError),
    ],
)
def test_why_a_command_failed(text: str, kind: type[ClusterError]) -> None:
    assert type(refusal(text, "2")) is kind
    assert type(submission_refusal(text)) is not NotFoundError
