"""A Slurm cluster under measure: calls of it by hand, and a server before it as a user has one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

import httpx

from benchmarks.processes import environment
from tests.support.slurm import SEARCH

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.slurm import Site

VERSION = "v0.0.38"
SCRIPT = "#!/bin/sh\ntrue\n"
JOB: dict[str, Any] = {"environment": {"PATH": "/usr/bin:/bin"}, "standard_output": "/dev/null", "tasks": 1}
ACTIVE = frozenset({"PENDING", "CONFIGURING", "RUNNING", "COMPLETING"})


class ByHand:
    """A caller of slurmrestd who writes everything by hand, over one connection that is kept."""

    def __init__(self, site: Site) -> None:
        token = site.command("scontrol", "token", f"username={site.account}").strip().partition("=")[2]
        headers = {"X-SLURM-USER-NAME": site.account, "X-SLURM-USER-TOKEN": token}
        base = f"{site.url}/slurm/{VERSION}/"
        self._client = httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False)
        self._directory = str(site.directory)

    def submit(self, name: str = "by-hand") -> int:
        job = {**JOB, "name": name, "current_working_directory": self._directory}
        number: int = self._client.post("job/submit", json={"script": SCRIPT, "job": job}).json()["job_id"]
        return number

    def active(self, numbers: set[int]) -> int:
        """Return how many of these jobs have not ended."""
        jobs = self._client.get("jobs").json()["jobs"]
        return sum(job["job_id"] in numbers and job["job_state"] in ACTIVE for job in jobs)

    def close(self) -> None:
        self._client.close()


class Server:
    """``python -m mock_server`` before a cluster, a process of its own."""

    def __init__(self, site: Site, state: Path | None = None) -> None:
        options = ["--backend", "slurm", "--slurm-url", site.url, "--slurm-user", site.account]
        options += ["--slurm-operator", site.operator, "--slurm-directory", str(site.directory)]
        options += ["--slurm-conf", str(site.state / "etc" / "slurm.conf"), "--port", "0", "--world", "empty"]
        options += ["--no-rate-limits", *(() if state is None else ("--state", str(state)))]
        command = [sys.executable, "-m", "mock_server", *options]
        self._process = subprocess.Popen(
            command, env=environment(PATH=SEARCH), stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip().rpartition(" ")[2]

    @property
    def pid(self) -> int:
        return self._process.pid

    def resident(self) -> int:
        """Return how many bytes of memory the process has."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        with self._process:
            self._process.wait(20)
