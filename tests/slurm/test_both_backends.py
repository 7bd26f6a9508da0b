"""The life of jobs through the SDK: the same facts on the simulation and on a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mock_server import MockServer
from mock_server.cluster.job import Job, JobRequest
from tests.slurm.waiting import until
from tests.support.faces import Face
from tests.support.slurm import Site
from vantage_sdk import ConflictError, JobFailedError, ResourceNotFoundError, ValidationError

JOB = {"name": "life", "command": "true"}
QUICK = {"poll_interval": 0.2, "timeout": 60.0}


@pytest.fixture(params=["simulated", "slurm", "slurm without slurmrestd"])
def server(request: pytest.FixtureRequest, face: Face) -> Iterator[MockServer]:
    """A server over either backend; the real one is there under make test-slurm only, reached in two ways."""
    if request.param == "slurm without slurmrestd" and face.name != "blocking":
        pytest.skip("how the server reaches Slurm makes no difference to the faces of the client")
    if request.param == "simulated":
        with MockServer(world="empty", clock="auto", rate_limits=False) as running:
            yield running
    else:
        site: Site = request.getfixturevalue("site")
        settings = site.settings() if request.param == "slurm" else site.without_slurmrestd()
        with MockServer(slurm=settings, world="empty", rate_limits=False) as running:
            yield running


def _job(server: MockServer, job_id: str) -> Job:
    """Return a job of the cluster, a second later where time stands still otherwise."""
    if server.app.state.slurm is None:
        server.advance(1)
    return server.cluster.job(job_id)


def _kinds(server: MockServer, job_id: str) -> list[str]:
    """Return what happened to a job, reasons for waiting apart: how often they change is the scheduler's affair."""
    kinds = [event.kind for event in server.cluster.events() if event.subject == job_id]
    return [kind for kind in kinds if kind not in {"job.updated", "job.log"}]


async def test_success(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        job = await client.jobs.submit({**JOB, "command": "echo $WORD; echo two", "environment": {"WORD": "one"}})
        assert (job.status, job.exit_code, job.started_at) == ("pending", None, None)
        done = await client.jobs.wait(job.id, **QUICK)
        assert (done.status, done.exit_code, done.reason) == ("completed", 0, None)
        assert done.created_at <= done.started_at <= done.completed_at
        assert list((await client.jobs.logs(job.id)).lines) == ["one", "two"]
        assert (await client.jobs.output(job.id)).stdout == "one\ntwo\n"
    assert _kinds(server, job.id) == ["job.created", "job.started", "job.completed"]


async def test_failure(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        job = await client.jobs.submit({**JOB, "command": "echo so far; exit 7"})
        with pytest.raises(JobFailedError):
            await client.jobs.wait(job.id, raise_on_failure=True, **QUICK)
        done = await client.jobs.get(job.id)
        assert (done.status, done.exit_code, done.reason) == ("failed", 7, "NonZeroExitCode")
        with pytest.raises(ConflictError):
            await client.jobs.cancel(job.id)
    assert _kinds(server, job.id) == ["job.created", "job.started", "job.failed"]


async def test_cancelled_while_it_runs(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        job = await client.jobs.submit({**JOB, "command": "sleep 3600"})
        # Not waited for by the SDK: where time jumps to the next event, that would be the end.
        until(lambda: _job(server, job.id).state.value, lambda state: state == "running")
        done = await client.jobs.cancel(job.id, reason="enough")
        assert (done.status, done.cancel_reason, done.exit_code) == ("cancelled", "enough", None)
        assert done.started_at <= done.completed_at
        assert (await client.jobs.cancel(job.id)).status == "cancelled"
    assert server.cluster.job(job.id).signal == 15
    assert _kinds(server, job.id) == ["job.created", "job.started", "job.cancelled"]


async def test_cancelled_before_it_starts(face: Face, server: MockServer) -> None:
    job = server.cluster.submit(JobRequest("held", "true", "user_456", hold=True, id_form="s9s"))
    async with face.s9s(server.s9s_url) as client:
        held = until(lambda: _job(server, job.id), lambda job: job.reason is not None)
        assert (held.state.value, held.reason, held.held) == ("pending", "JobHeldUser", True)
        await client.jobs.cancel(job.id)
        done = await client.jobs.get(job.id)
        assert (done.state, done.start_time, done.exit_code) == ("CANCELLED", None, None)
    assert server.cluster.job(job.id).signal is None
    assert _kinds(server, job.id) == ["job.created", "job.cancelled"]


async def test_what_depends_runs_after(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url) as client:
        first = await client.jobs.submit(script="sleep 3", name="first")
        then = [{"type": "afterok", "job_id": first.job_id}]
        second = await client.jobs.submit(script="true", name="second", dependencies=then)
        until(lambda: _job(server, second.job_id).reason, lambda why: why == "Dependency")
        done = await client.jobs.wait(second.job_id, **QUICK)
        assert done.state == "COMPLETED"
        assert done.start_time >= (await client.jobs.get(first.job_id)).end_time


async def test_an_array(face: Face, server: MockServer) -> None:
    async with face.s9s(server.s9s_url) as client:
        array = await client.jobs.submit(script="echo $SLURM_ARRAY_TASK_ID", name="sweep", array="0-2")
        tasks = [f"{array.job_id}_{task}" for task in range(3)]
        done: Any = await client.jobs.wait_all(tasks, **QUICK)
        assert [job.state for job in done] == ["COMPLETED"] * 3
        assert [list((await client.jobs.output(task)).lines) for task in tasks] == [["0"], ["1"], ["2"]]


async def test_what_there_is_not(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(ResourceNotFoundError):
            await client.jobs.get("job_987654321")
        with pytest.raises(ResourceNotFoundError):
            await client.jobs.submit({**JOB, "cluster_id": "nowhere"})
        with pytest.raises(ValidationError):
            await client.jobs.submit({**JOB, "resources": {"cpus": 9999}})
    async with face.s9s(server.s9s_url) as client:
        with pytest.raises(ValidationError):
            await client.jobs.submit(script="true", partition="nowhere")


async def test_a_key_submits_once(face: Face, server: MockServer) -> None:
    key = f"only-once-{face.name}"
    async with face.client(server.url) as client:
        ids = {(await client.jobs.submit(JOB, idempotency_key=key)).id for _ in range(2)}
        assert len(ids) == 1
