"""Nothing of a cluster is left when the process that started it is killed, even with its controller away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.slurm.waiting import until

if TYPE_CHECKING:
    from tests.support.slurm import Site

STARTS = """
import sys, time
from tests.support.slurm import Site
site = Site(GPU_NODES=0)
print(site.state, flush=True)
site.up()
begun = site.directory / "begun"
site.command("sbatch", "-o", "/dev/null", "--wrap", f"touch {begun}; sleep 600 & sleep 600")
while not begun.exists():
    time.sleep(0.1)
if sys.argv[1] == "alone":
    site.end_controller()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("controller", ["there", "alone"])
def test_nothing_outlives_who_started_it(site: Site, controller: str) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", STARTS, controller), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        state = process.stdout.readline().strip()
        assert process.stdout.readline() == "up\n"
        until(lambda: set(_of(state).values()), lambda names: names >= {"slurmd", "slurmstepd", "sleep", "munged"})
        process.kill()
    until(lambda: (Path(state).exists(), _of(state)), lambda left: left == (False, {}))
    assert site.command("sinfo", "-h")


def _of(state: str) -> dict[str, str]:
    """Return the processes that have to do with a cluster, by the number each has."""
    found: dict[str, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            told += os.fsencode((process / "cwd").readlink())
            if state.encode() in told and "State:\tZ" not in (process / "status").read_text():
                found[process.name] = (process / "comm").read_text().strip()
        except OSError:  # it is over, or another user's
            continue
    return found
