"""Slurm's commands that answer in JSON: what they are given, and what becomes of what they say; no Slurm is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mock_server.cluster.backend import UnavailableError, UnsupportedError
from mock_server.cluster.slurm.commands import Commands
from mock_server.cluster.slurm.settings import SlurmSettings
from tests.slurm.waiting import until


def commands(directory: Path, script: str) -> Commands:
    """Return commands among which ``sacct`` is a script."""
    program = directory / "sacct"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Commands(SlurmSettings("http://127.0.0.1:1", bin_directory=str(directory)))


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo 'Slurm accounting storage is disabled' >&2; exit 1", UnsupportedError),
        ("echo \"sacct: unrecognized option '--json'\" >&2; exit 1", UnsupportedError),
        ("echo 'JobID  State'", UnsupportedError),
        ("echo 'sacct: error: unable to contact slurmdbd' >&2; exit 1", UnavailableError),
    ],
)
def test_what_a_command_cannot_do(tmp_path: Path, script: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        asyncio.run(commands(tmp_path, script).json("sacct", "--jobs=1"))
    with pytest.raises(UnsupportedError):
        asyncio.run(commands(tmp_path, script).json("sacctmgr", "show", "qos"))


def test_a_command_gets_its_words_one_by_one(tmp_path: Path) -> None:
    said = asyncio.run(
        commands(tmp_path, 'echo "{\\"words\\": $#, \\"first\\": \\"$1\\"}"').json("sacct", "a b; c", "d")
    )
    assert said == {"words": 3, "first": "--json"}


def test_a_command_that_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    async def body() -> None:
        task = asyncio.create_task(commands(tmp_path, f"echo $$ >{pid}; exec sleep 600").json("sacct"))
        await asyncio.to_thread(until, lambda: pid.exists() and pid.read_text().strip(), bool)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(body())
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
