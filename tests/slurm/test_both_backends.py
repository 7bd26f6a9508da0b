"""The life of jobs through the SDK: the same facts on the simulation and on a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import Job, JobRequest
from tests.slurm.backends import COMMANDS, SIMULATED, SLURMRESTD, served
from tests.slurm.waiting import Gate, until
from tests.support.faces import Face
from vantage_sdk import ConflictError, JobFailedError, ResourceNotFoundError, S9SClient, ValidationError

JOB = {"name": "life", "command": "true"}
QUICK = {"poll_interval": 0.2, "timeout": 60.0}


@pytest.fixture(params=[SIMULATED, SLURMRESTD, COMMANDS])
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    face: Face | None = request.getfixturevalue("face") if "face" in request.fixturenames else None
    if request.param == COMMANDS and face is not None and face.name != "blocking":
        pytest.skip("how the server reaches Slurm makes no difference to the faces of the client")
    with served(request) as running:
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
        gate = Gate.of(server)
        first = await client.jobs.submit(script=gate.script, name="first")
        then = [{"type": "afterok", "job_id": first.job_id}]
        second = await client.jobs.submit(script="true", name="second", dependencies=then)
        until(lambda: _job(server, second.job_id).reason, lambda why: why == "Dependency")
        gate.open()
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


@pytest.mark.parametrize(
    ("script", "signal", "died_of"),
    [
        ("sleep 3600", "SIGTERM", 15),
        ("sleep 3600", "SIGUSR1", 10),
        ("trap 'echo caught; exit 3' TERM; echo ready; sleep 3600 & wait", "SIGTERM", 15),
    ],
)
def test_what_ends_a_job_that_is_cancelled(server: MockServer, script: str, signal: str, died_of: int) -> None:
    with S9SClient(server.s9s_url, token="YOUR_TOKEN") as client:
        job = client.jobs.submit(script=script, name="ends")
        until(lambda: _job(server, job.job_id).state.value, lambda state: state == "running")
        if "ready" in script:
            until(lambda: list(client.jobs.output(job.job_id).lines), lambda lines: lines == ["ready"])
        client.jobs.cancel(job.job_id, signal=signal)
        until(lambda: _job(server, job.job_id).state.is_terminal, bool)
    done = server.cluster.job(job.job_id)
    assert (done.state.value, done.reason, done.exit_code, done.signal) == ("cancelled", None, None, died_of)
    assert _kinds(server, job.job_id) == ["job.created", "job.started", "job.cancelled"]


def test_a_held_job_waits_until_it_is_released(server: MockServer) -> None:
    job = server.cluster.submit(JobRequest("held", "true", "user_456", hold=True, id_form="s9s"))
    with S9SClient(server.s9s_url, token="YOUR_TOKEN") as client:
        until(lambda: _job(server, job.id).reason, lambda reason: reason == "JobHeldUser")
        held = client.jobs.get(job.id)
        assert (held.state, held.reason, held.start_time) == ("PENDING", "JobHeldUser", None)
        client.jobs.release(job.id)
        done = client.jobs.wait(job.id, poll_interval=0.2, timeout=60.0)
        assert (done.state, done.reason, done.exit_code) == ("COMPLETED", None, 0)
        assert done.submit_time <= done.start_time <= done.end_time
        with pytest.raises(ConflictError):
            client.jobs.hold(job.id)
    assert _kinds(server, job.id) == ["job.created", "job.released", "job.started", "job.completed"]


def test_a_dependency_that_fails(server: MockServer) -> None:
    with S9SClient(server.s9s_url, token="YOUR_TOKEN") as client:
        first = client.jobs.submit(script="exit 1", name="first")
        never, other, whatever = (
            client.jobs.submit(script="true", name=kind, dependencies=[{"type": kind, "job_id": first.job_id}]).job_id
            for kind in ("afterok", "afternotok", "afterany")
        )
        done = client.jobs.wait_all([other, whatever], poll_interval=0.2, timeout=60.0)
        assert [job.state for job in done] == ["COMPLETED", "COMPLETED"]
        until(lambda: _job(server, never).reason, lambda reason: reason == "DependencyNeverSatisfied")
        assert client.jobs.get(never).state == "PENDING"
        client.jobs.cancel(never)
        gone = client.jobs.get(never)
        assert (gone.state, gone.reason, gone.start_time, gone.exit_code) == ("CANCELLED", None, None, None)
        assert server.cluster.job(never).signal is None


def test_an_array_of_which_some_fail(server: MockServer) -> None:
    with S9SClient(server.s9s_url, token="YOUR_TOKEN") as client:
        array = client.jobs.submit(script="exit $SLURM_ARRAY_TASK_ID", name="some", array="0-2").job_id
        tasks = [f"{array}_{task}" for task in range(3)]
        done = client.jobs.wait_all(tasks, poll_interval=0.2, timeout=60.0)
        facts = [(job.state, job.reason, job.exit_code) for job in done]
        failed = [("FAILED", "NonZeroExitCode", code) for code in (1, 2)]
        assert facts == [("COMPLETED", None, 0), *failed]
        assert client.jobs.get(array).state == "FAILED"
        never, then = (
            client.jobs.submit(script="true", name=kind, dependencies=[{"type": kind, "job_id": array}]).job_id
            for kind in ("afterok", "afterany")
        )
        assert client.jobs.wait(then, poll_interval=0.2, timeout=60.0).state == "COMPLETED"
        until(lambda: _job(server, never).reason, lambda reason: reason == "DependencyNeverSatisfied")
        client.jobs.cancel(never)


def test_refusals_look_the_same(server: MockServer) -> None:
    """In each family's form; how much a node has may differ."""
    platform, s9s, service = (
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"})
        for url, token in (
            (server.url, "YOUR_API_KEY"),
            (server.s9s_url, "YOUR_TOKEN"),
            (server.url, "<token>"),
        )
    )
    with platform, s9s, service:
        for path, fields, field in (
            ("/v1/jobs", {"cluster_id": "nowhere"}, None),
            ("/v1/jobs", {"resources": {"gpus": 99}}, "gpus"),
        ):
            answer = platform.post(path, json={**JOB, **fields})
            assert answer.status_code == (404 if field is None else 400)
            assert answer.json()["error"] == ("resource_not_found" if field is None else "validation_error")
            assert answer.json()["details"].get("field") == field
        for fields, field in (
            ({"partition": "nowhere"}, "partition"),
            ({"cpus_per_node": 9999}, "cpus_per_node"),
            ({"memory": "9999GB"}, "memory"),
            ({"qos": "nowhere"}, "qos"),
            ({"dependencies": [{"type": "afterok", "job_id": "99999"}]}, "dependencies.0.job_id"),
        ):
            answer = s9s.post("/v1/jobs", json={"script": "true", **fields})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
            assert answer.json()["error"]["details"]["field"] == field
        job = {"job_type": "batch", "image": "any", "config": {"command": "true"}, "resources": {"gpu": 99}}
        answer = service.post("/api/v1/jobs/", json=job)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert answer.json()["error"]["details"][0]["field"] == "resources.gpu"
        for answer, code in (
            (s9s.delete("/v1/jobs/99999"), "RESOURCE_NOT_FOUND"),
            (s9s.put("/v1/jobs/99999/hold"), "RESOURCE_NOT_FOUND"),
            (s9s.get("/v1/nodes/nowhere"), "RESOURCE_NOT_FOUND"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
