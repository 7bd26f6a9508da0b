"""Waiting for one job of S9S and for many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.s9s_answers import fault, job, one
from tests.support.scripted import Json, Request, Reset, ScriptedServer, Step
from vantage_sdk import DeadlineExceeded, JobFailedError, ResourceNotFoundError, S9SJob, ServerError
from vantage_sdk.testing import instant_retries


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    with instant_retries() as asked:
        yield asked


class Cluster:
    """A server whose jobs go through states, one further with each request that shows them."""

    def __init__(self, jobs: dict[str, list[str]], **fields: Any) -> None:
        self.left = {job_id: [*states] for job_id, states in jobs.items()}
        self.fields = fields
        self.others = 0

    def shown(self, job_id: str) -> dict[str, Any]:
        states = self.left[job_id]
        state = states.pop(0) if len(states) > 1 else states[0]
        return job(job_id, state, submit_time=f"2024-01-15T10:{int(job_id):02d}:00Z", **self.fields)

    def __call__(self, request: Request, connection: int) -> Step:
        if request.path != "/v1/jobs":
            job_id = request.path.rpartition("/")[2]
            return Json(200, self.shown(job_id)) if job_id in self.left else fault(404, "RESOURCE_NOT_FOUND")
        newer = [job(f"new-{n}", submit_time="2024-02-01T00:00:00Z") for n in range(self.others)]
        found = newer + [self.shown(job_id) for job_id in sorted(self.left, key=int, reverse=True)]
        offset, limit = int(request.query.get("offset", 0)), min(10, int(request.query["limit"]))
        page = found[offset : offset + limit]
        return Json(200, {"jobs": page, "total": len(found), "limit": limit, "has_more": offset + limit < len(found)})


LONG = ["PENDING", "RUNNING", "RUNNING", "COMPLETED"]


async def test_wait_returns_the_job_whatever_its_end(face: Face, pauses: list[float]) -> None:
    for end in ("COMPLETED", "FAILED", "CANCELLED"):
        seen: list[str] = []
        with ScriptedServer(Cluster({"1": ["PENDING", "PENDING", "RUNNING", end]})) as server:
            async with face.s9s(server.url) as client:
                ended = await client.jobs.wait(1, on_update=lambda j, seen=seen: seen.append(j.state))
        assert (type(ended), ended.state) == (S9SJob, end)
        assert seen == ["PENDING", "RUNNING", end]
        assert len(server.requests) == 4


@pytest.mark.parametrize("until", ["RUNNING", ["RUNNING"], lambda j: j.state == "RUNNING"])
async def test_until_ends_the_wait_earlier(face: Face, pauses: list[float], until: Any) -> None:
    with ScriptedServer(Cluster({"1": LONG})) as server:
        async with face.s9s(server.url) as client:
            assert (await client.jobs.wait("1", until=until)).state == "RUNNING"


async def test_raise_on_failure_raises_with_the_job(face: Face, pauses: list[float]) -> None:
    with ScriptedServer([one("1", "FAILED", exit_code=3, reason="NonZeroExitCode")]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(JobFailedError, match=r"job 1 \(n\) FAILED: NonZeroExitCode, exit code 3") as caught:
                await client.jobs.wait("1", raise_on_failure=True)
    assert isinstance(caught.value.job, S9SJob)
    assert caught.value.job.exit_code == 3


async def test_a_state_of_slurm_that_no_document_has_is_an_end_once_the_job_has_one(
    face: Face, pauses: list[float]
) -> None:
    ended = one("1", "NODE_FAIL", end_time="2024-01-15T10:00:00Z")
    with ScriptedServer([one("1", "COMPLETING"), one("1", "NODE_FAIL"), ended]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(JobFailedError, match="NODE_FAIL"):
                await client.jobs.wait("1", raise_on_failure=True)
    assert len(server.requests) == 3


async def test_a_timeout_says_how_to_go_on(face: Face) -> None:
    with ScriptedServer(Cluster({"1": ["RUNNING"]})) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(DeadlineExceeded, match=r"timeout of 1 s") as caught:
                await client.jobs.wait(1, timeout=1, poll_interval=0.02)
            with pytest.raises(DeadlineExceeded):
                await client.jobs.wait_all([1], deadline=0.1, poll_interval=0.02)
    assert "job 1 goes on (last status: RUNNING); resume with client.jobs.wait('1')" in caught.value.__notes__


async def test_passing_failures_do_not_end_the_wait(face: Face, pauses: list[float]) -> None:
    answers: list[Step] = [one(), Reset(), fault(503), fault(429, headers={"Retry-After": "30"}), one("1", "COMPLETED")]
    with ScriptedServer(answers) as server:
        async with face.s9s(server.url, max_retries=0) as client:
            assert (await client.jobs.wait("1")).succeeded
    assert max(pauses) >= 30


async def test_failures_that_stay_end_it(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(lambda request, connection: fault(500)) as server:
        async with face.s9s(server.url, max_retries=0) as client:
            with pytest.raises(ServerError):
                await client.jobs.wait("1")
            with pytest.raises(ServerError):
                await client.jobs.wait_all(["1", "2"])
    assert len(server.requests) < 20


async def test_a_job_that_is_not_there_is_an_error(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(Cluster({"1": LONG})) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(ResourceNotFoundError):
                await client.jobs.wait_all(["1", "99"])


# Many


def asked(server: ScriptedServer) -> list[str]:
    return ["list" if request.path == "/v1/jobs" else "get" for request in server.requests]


async def test_few_are_looked_at_one_by_one(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(Cluster({"1": LONG, "2": ["FAILED"]})) as server:
        async with face.s9s(server.url) as client:
            ended = [job.job_id async for job in client.jobs.as_completed([1, "2", 1])]
    assert ended == ["2", "1"]
    assert "list" not in asked(server)


async def test_many_are_looked_at_with_one_list(face: Face, pauses: list[float]) -> None:
    jobs = {str(number): [*LONG[: number % 3 + 1], "COMPLETED"] for number in range(1, 9)}
    with ScriptedServer(Cluster(jobs)) as server:
        async with face.s9s(server.url) as client:
            ended = await client.jobs.wait_all(list(jobs))
    assert [job.job_id for job in ended] == list(jobs)
    assert {job.state for job in ended} == {"COMPLETED"}
    calls = asked(server)
    assert calls[:8] == ["get"] * 8
    assert calls.count("list") >= 1
    assert len(calls) < 8 + 8
    query = next(request.query for request in server.requests if request.path == "/v1/jobs")
    assert query == {"user": "alice", "sort": "submit_time", "order": "desc", "limit": "1000"}


async def test_jobs_of_several_users_are_listed_without_a_user(face: Face, pauses: list[float]) -> None:
    cluster = Cluster({str(number): LONG for number in range(1, 6)})
    shown = cluster.shown
    cluster.shown = lambda job_id: {**shown(job_id), "user": f"user{job_id}"}  # type: ignore[method-assign]
    with ScriptedServer(cluster) as server:
        async with face.s9s(server.url) as client:
            assert len(await client.jobs.wait_all(range(1, 6))) == 5
    assert all("user" not in request.query for request in server.requests)
    assert "list" in asked(server)


@pytest.mark.parametrize("others", [7, 25])
async def test_a_list_that_does_not_reach_far_enough_is_completed_one_by_one(
    face: Face, pauses: list[float], others: int
) -> None:
    cluster = Cluster({str(number): LONG for number in range(1, 6)})
    cluster.others = others
    with ScriptedServer(cluster) as server:
        async with face.s9s(server.url) as client:
            assert {job.state for job in await client.jobs.wait_all(range(1, 6))} == {"COMPLETED"}
    assert "list" in asked(server)
    assert len(pauses) <= len(LONG) - 1


async def test_jobs_without_a_time_are_looked_at_one_by_one(face: Face, pauses: list[float]) -> None:
    cluster = Cluster({str(number): LONG for number in range(1, 6)})
    shown = cluster.shown
    cluster.shown = lambda job_id: {**shown(job_id), "submit_time": None}  # type: ignore[method-assign]
    with ScriptedServer(cluster) as server:
        async with face.s9s(server.url) as client:
            assert len(await client.jobs.wait_all(range(1, 6))) == 5
    assert "list" not in asked(server)


async def test_a_job_that_has_ended_already_is_believed(face: Face) -> None:
    done = S9SJob.from_dict(job("1", "COMPLETED"))
    async with face.s9s("http://127.0.0.1:1") as client:
        assert await client.jobs.wait_all([done]) == [done]
        assert await client.jobs.wait_all([]) == []


async def test_what_a_submission_returned_is_looked_at_again(face: Face, pauses: list[float]) -> None:
    submitted = S9SJob.from_dict({"job_id": "1", "state": "PENDING", "message": "m"})
    with ScriptedServer(Cluster({"1": LONG})) as server:
        async with face.s9s(server.url) as client:
            [ended] = await client.jobs.wait_all([submitted])
    assert (ended.state, ended.user) == ("COMPLETED", "alice")


@pytest.mark.parametrize("jobs", ["12", 12])
async def test_one_id_is_not_several(face: Face, jobs: Any) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(TypeError, match="jobs takes several ids or jobs, not"):
            await client.jobs.wait_all(jobs)
