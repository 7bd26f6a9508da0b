"""Jobs that a real Slurm has forgotten, on a cluster that forgets soon and has an accounting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from tests.slurm.conftest import cluster
from tests.slurm.waiting import Gate, until
from tests.support.slurm import ACCOUNTING, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def forgetful() -> Iterator[Site]:
    with cluster(*ACCOUNTING, accounting=True, GPU_NODES=0, MIN_JOB_AGE=2) as site:
        yield site


def _submit(server: MockServer, script: str, **fields: Any) -> httpx.Response:
    body = {"script": script, "memory": "1MB", **fields}
    return httpx.post(f"{server.s9s_url}/v1/jobs", json=body, headers={"Authorization": "Bearer YOUR_TOKEN"})


def test_how_a_forgotten_job_ended_is_known_and_counts(forgetful: Site, tmp_path: Path) -> None:
    settings, gate = forgetful.settings(), Gate(forgetful.directory)
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        jobs = [_submit(server, f"{gate.script}; exit {code}").json()["job_id"] for code in (0, 3)]
        until(lambda: [server.cluster.job(job).state.value for job in jobs], lambda seen: seen == ["running"] * 2)
    gate.open()
    until(lambda: forgetful.command("squeue", "--noheader", "--states=all"), lambda seen: not seen.strip(), 120.0)
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        done, failed = (
            until(lambda job=job: server.cluster.job(job), lambda seen: seen.state.is_terminal) for job in jobs
        )
        assert (done.state.value, done.exit_code, done.reason) == ("completed", 0, None)
        assert (failed.state.value, failed.reason) == ("failed", "NonZeroExitCode")
        assert failed.exit_code in {3, None}  # which Slurm 22.05 does not tell
        refused = _submit(server, "true", dependencies=[{"type": "afterok", "job_id": failed.id}])
        assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (400, "dependencies")
        for kind, other in (("afterok", done), ("afternotok", failed)):
            then = _submit(server, "true", dependencies=[{"type": kind, "job_id": other.id}]).json()["job_id"]
            until(lambda job=then: server.cluster.job(job).state.value, lambda seen: seen == "completed")
