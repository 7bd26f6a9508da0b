"""Jobs that go wrong: what is told of them is what happened, and the others are followed on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.slurm.test_golden import WANTED
from tests.slurm.waiting import Gate, until
from tests.support.slurm import Site

WAITING = {"PENDING", "RUNNING"}


def _submitted(s9s: httpx.Client, script: str, **fields: Any) -> str:
    answer = s9s.post("/v1/jobs", json={"script": script, **fields})
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def _ended(s9s: httpx.Client, job_id: str, timeout: float = 60.0) -> dict[str, Any]:
    return until(lambda: s9s.get(f"/v1/jobs/{job_id}").json(), lambda job: job["state"] not in WAITING, timeout)


def _facts(server: MockServer, job_id: str) -> tuple[str, str | None, int | None, int | None]:
    job = server.cluster.job(job_id)
    return job.state.value, job.reason, job.exit_code, job.signal


def _lines(s9s: httpx.Client, job_id: str, stream: str = "output") -> list[str]:
    lines: list[str] = s9s.get(f"/v1/jobs/{job_id}/{stream}").json()["lines"]
    return lines


@pytest.mark.parametrize(
    ("script", "code", "signal"),
    [
        ("exit 300", 44, None),
        ("exit 255", 255, None),
        ("nosuchcommand", 127, None),
        ("kill -9 $$", None, 9),
        ("kill -TERM $$", None, 15),
        ("sh -c 'kill -SEGV $$'", 139, None),
    ],
)
def test_how_a_script_ends(
    s9s: httpx.Client, server: MockServer, script: str, code: int | None, signal: int | None
) -> None:
    job_id = _submitted(s9s, script)
    assert (_ended(s9s, job_id)["state"], s9s.get(f"/v1/jobs/{job_id}").json()["exit_code"]) == ("FAILED", code)
    reason = "NonZeroExitCode" if signal is None else f"RaisedSignal:{signal}"
    assert _facts(server, job_id) == ("failed", reason, code, signal)


def test_output_that_is_not_there_yet_is_empty(s9s: httpx.Client) -> None:
    held = _submitted(s9s, "echo there", hold=True)
    assert (_lines(s9s, held), _lines(s9s, held, "error")) == ([], [])
    assert s9s.put(f"/v1/jobs/{held}/release").status_code == 200
    assert _ended(s9s, held)["state"] == "COMPLETED"
    assert (_lines(s9s, held), _lines(s9s, held, "error")) == (["there"], [])


@pytest.mark.parametrize("path", ["{state}/etc/job.out", "/nonexistent/job.out", "/etc/passwd", "{state}/out"])
def test_output_that_cannot_be_written_fails_the_job(
    s9s: httpx.Client, server: MockServer, site: Site, path: str
) -> None:
    if site.account == site.operator:
        pytest.skip("jobs run as the account to which the directory belongs")
    job_id = _submitted(s9s, "echo lost", standard_output=path.format(state=site.state))
    assert _ended(s9s, job_id)["state"] == "FAILED"
    assert _facts(server, job_id) == ("failed", "JobLaunchFailure", None, None)
    assert _lines(s9s, job_id) == []
    after = _submitted(s9s, "echo kept")
    assert _ended(s9s, after)["state"] == "COMPLETED"
    assert _lines(s9s, after) == ["kept"]


def test_a_full_disk_is_the_job_s_failure(s9s: httpx.Client, server: MockServer) -> None:
    job_id = _submitted(s9s, "echo lost", standard_output="/dev/full")
    assert _ended(s9s, job_id)["state"] == "FAILED"
    assert _facts(server, job_id) == ("failed", "NonZeroExitCode", 1, None)
    assert (_lines(s9s, job_id), len(_lines(s9s, job_id, "error"))) == ([], 1)


def test_what_belongs_to_others_is_left_alone(site: Site) -> None:
    """Without an operator the server may do what the account of its jobs may."""
    if site.account == site.operator:
        pytest.skip("there is only one account")
    with (
        MockServer(slurm=site.settings(operator=None), world="empty", rate_limits=False) as server,
        httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as s9s,
    ):
        gate = Gate(site.directory)
        dies = f"{gate.script}; kill -9 $$"
        job_id = site.command("sbatch", "--parsable", "-o", "/dev/null", "--wrap", dies).strip()
        until(lambda: s9s.get(f"/v1/jobs/{job_id}").json().get("state"), lambda state: state == "RUNNING")
        for refused in (s9s.delete(f"/v1/jobs/{job_id}"), s9s.put(f"/v1/jobs/{job_id}/hold")):
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
        gate.open()
        # That it ends by a signal afterwards is no cancellation.
        assert _ended(s9s, job_id)["state"] == "FAILED"
        own = _submitted(s9s, "sleep 60")
        assert s9s.delete(f"/v1/jobs/{own}").status_code == 200
        assert _ended(s9s, own)["state"] == "CANCELLED"


def _listed(site: Site, name: str) -> set[str]:
    return set(site.command("squeue", "-h", "-a", "-t", "all", "-n", name, "-o", "%i").split())


@pytest.fixture
def drained(s9s: httpx.Client) -> Iterator[None]:
    """No node takes jobs."""
    nodes = [node["node_name"] for node in s9s.get("/v1/nodes").json()["nodes"]]
    for node in nodes:
        assert s9s.put(f"/v1/nodes/{node}/drain", json={"reason": "all"}).status_code == 200
    try:
        yield
    finally:
        for node in nodes:
            assert s9s.put(f"/v1/nodes/{node}/resume").status_code in {200, 409}


@pytest.mark.usefixtures("drained")
def test_a_job_for_which_there_is_no_node_now_is_taken_in_once(s9s: httpx.Client, site: Site) -> None:
    """Slurm takes it in with an error in its answer."""
    before = _listed(site, "nowhere-now")
    job_id = _submitted(s9s, "true", name="nowhere-now")
    job = until(lambda: s9s.get(f"/v1/jobs/{job_id}").json(), lambda job: job["reason"] is not None)
    # Slurm says ReqNodeNotAvail, or Resources while a node has yet to become empty.
    assert (job["state"], job["start_time"]) == ("PENDING", None)
    assert s9s.delete(f"/v1/jobs/{job_id}").status_code == 200
    assert _listed(site, "nowhere-now") - before == {job_id}


def test_a_job_ends_at_its_time_limit(s9s: httpx.Client, server: MockServer) -> None:
    if not os.environ.get(WANTED):
        pytest.skip(f"Slurm counts minutes; {WANTED}=1 make test-slurm runs it")
    job_id = _submitted(s9s, "echo begun; sleep 600", time_limit="00:01:00")
    assert _ended(s9s, job_id, 180.0)["state"] == "TIMEOUT"
    assert _facts(server, job_id) == ("failed", "TimeLimit", None, 15)
    assert _lines(s9s, job_id) == ["begun"]
