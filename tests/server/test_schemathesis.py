"""A foreign judge: schemathesis makes requests from the description and checks the answers with all it knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import Resources
from tests.support.effort import effort

CONFIG = Path(__file__).parent / "data" / "schemathesis.toml"
ENDLESS = Resources(cpus=10**9, memory=10**40, gpus=10**9)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    # An automatic clock, because followed logs must end, on nodes that can hold whatever is asked for.
    server = MockServer(clock="auto", world="empty", rate_limits=False)
    for cluster in server.cluster.clusters.values():
        cluster.node_shape = ENDLESS
        for node in cluster.nodes.values():
            node.capacity = node.free = ENDLESS
    with server:
        done = run(server.url, tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "40 selected / 40 total" in done.stdout
    assert not [record for record in server.journal if record.status is not None and record.status >= 500]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nor_with_workflows(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer vntg_your_key_here"}
    with MockServer(rate_limits=False) as server:
        for number in (43, 44):  # to be changed and to be deleted
            made = httpx.post(f"{server.url}/api/v1/workflows", json={"title": "made"}, headers=headers)
            assert made.json()["data"]["id"] == number
        # A revoked key stays where it is, and can still be given another name.
        stays = ("--exclude-checks", "use_after_free")
        done = run(server.url, tmp_path, "/api/v1/openapi.json", "vntg_your_key_here", stays)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "13 selected / 13 total" in done.stdout
    assert server.workflows.executions
    assert not [record for record in server.journal if record.status is not None and record.status >= 500]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nor_with_the_job_service(tmp_path: Path) -> None:
    with MockServer(clock="auto", rate_limits=False) as server:
        done = run(server.url, tmp_path, "/jobservice/openapi.json", "<token>")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "12 selected / 12 total" in done.stdout
    assert not [record for record in server.journal if record.status is not None and record.status >= 500]


def run(
    url: str, directory: Path, description: str = "/api/openapi", key: str = "YOUR_API_KEY", more: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    arguments = f"--max-examples {effort(4, 30)} --generation-deterministic --checks all --mode all --no-color"
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *("run", url + description, "-H", f"Authorization: Bearer {key}"),
            *arguments.split(),
            *more,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(CONFIG.parent)},
    )
