"""The documented program of S9S, run word for word but for its host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mock_server import MockServer
from tests.contract.reference import HERE

ORIGIN = "https://api.example.com"


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", s9s_port=0) as running:
        yield running


def test_the_client(server: MockServer) -> None:
    path = HERE / "snippets" / "004_s9s_client.py"
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(path.read_text().replace(ORIGIN, server.s9s_url), path, "exec"), space)
    with space["client"]:
        assert {job.state for job in space["jobs"]} == {"RUNNING"}
        assert {job.user for job in space["jobs"]} == {"alice"}
        details = space["job_details"]
        assert (details.job_name, details.node_count, details.cpu_count) == ("test_job", 2, 32)
        assert space["client"].jobs.get(space["job"].job_id).state == "CANCELLED"
    assert [(record.method, record.status) for record in server.journal] == [
        ("GET", 200),
        ("POST", 201),
        ("GET", 200),
        ("DELETE", 200),
        ("GET", 200),
    ]
