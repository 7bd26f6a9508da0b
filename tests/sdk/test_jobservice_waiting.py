"""Waiting for jobs of the job service: one, or many within its rate limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer, Step
from vantage_sdk import DeadlineExceeded, JobFailedError, JobServiceJob, ResourceNotFoundError
from vantage_sdk.core.waiting import Pace
from vantage_sdk.jobservice.job_watch import AT_ONCE
from vantage_sdk.testing import instant_retries


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    with instant_retries() as asked:
        yield asked


class Lives:
    """A server whose jobs go through some states, one at every look."""

    def __init__(self, *states: str, **others: list[str]) -> None:
        self.states = [*states]
        self.others = others
        self.looks: Counter[str] = Counter()

    def __call__(self, request: Request, _: int) -> Step:
        job_id = request.target.rpartition("/")[2]
        states = self.others.get(job_id, self.states)
        status = states[min(self.looks[job_id], len(states) - 1)]
        self.looks[job_id] += 1
        return Json(200, {"id": job_id, "status": status, "job_type": "train"})


async def test_a_job_is_waited_for_to_its_end(face: Face, pauses: list[float]) -> None:
    seen: list[str] = []
    with ScriptedServer(Lives("pending", "queued", "queued", "running", "succeeded")) as server:
        async with face.job_service(server.url) as client:
            job = await client.jobs.wait("job-1", on_update=lambda job: seen.append(job.status))
    assert (job.status, job.succeeded) == ("succeeded", True)
    assert seen == ["pending", "queued", "running", "succeeded"]
    assert len(pauses) == 4
    assert all(0.8 <= pause <= 1.2 for pause in pauses)


async def test_any_end_is_returned_unless_success_is_asked_for(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(Lives("running", "failed")) as server:
        async with face.job_service(server.url) as client:
            assert (await client.jobs.wait("job-1")).status == "failed"
            with pytest.raises(JobFailedError, match=r"job job-1 \(train\) failed") as caught:
                await client.jobs.wait("job-1", raise_on_failure=True)
    assert isinstance(caught.value.job, JobServiceJob)


async def test_a_wait_ends_earlier_where_it_is_told_to(face: Face, pauses: list[float]) -> None:
    for until in (["running"], lambda job: job.status == "running", "running"):
        with ScriptedServer(Lives("pending", "running", "succeeded")) as server:
            async with face.job_service(server.url) as client:
                assert (await client.jobs.wait("job-1", until=until)).status == "running"


async def test_a_wait_that_takes_too_long_says_how_to_go_on(face: Face) -> None:
    with ScriptedServer(Lives("running")) as server:
        async with face.job_service(server.url) as client:
            with pytest.raises(DeadlineExceeded, match="not finished within the timeout of 0.1 s") as caught:
                await client.jobs.wait("job-1", timeout=0.1, poll_interval=0.01)
            assert "resume with client.jobs.wait('job-1')" in caught.value.__notes__[0]
            with pytest.raises(DeadlineExceeded) as caught:
                _ = [job async for job in client.jobs.as_completed(["a", "b"], timeout=0.1, poll_interval=0.01)]
    assert "2 jobs go on; resume with client.jobs.as_completed(['a', 'b'])" in caught.value.__notes__[0]


async def test_jobs_come_as_they_end(face: Face, pauses: list[float]) -> None:
    lives = Lives("running", a=["running", "running", "succeeded"], b=["failed"], c=["queued", "cancelled"])
    given = ["a", JobServiceJob.from_dict({"id": "b", "status": "pending"}), "c", "a"]
    with ScriptedServer(lives) as server:
        async with face.job_service(server.url) as client:
            ended = [(job.id, job.status) async for job in client.jobs.as_completed(given)]
    assert ended == [("b", "failed"), ("c", "cancelled"), ("a", "succeeded")]
    assert lives.looks == {"a": 3, "b": 1, "c": 2}


async def test_a_crowd_of_jobs_is_looked_at_in_turns(face: Face, pauses: list[float]) -> None:
    ids = [f"job-{number}" for number in range(3 * AT_ONCE)]
    with ScriptedServer(Lives("running", "succeeded")) as server:
        async with face.job_service(server.url) as client:
            ended = [job.id async for job in client.jobs.as_completed(ids)]
    assert sorted(ended) == sorted(ids)
    looked = [request.target.rpartition("/")[2] for request in server.requests]
    for turn in range(6):
        assert len({*looked[turn * AT_ONCE : (turn + 1) * AT_ONCE]}) == AT_ONCE
    assert {*looked[: 3 * AT_ONCE]} == {*ids}
    assert len(pauses) == 5
    assert min(pauses) >= 0.8  # so that 600 looks a minute are never passed


def test_turns_of_a_crowd_do_not_slow_down_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("vantage_sdk.core.waiting.time.monotonic", lambda: now)
    pace = Pace(1.0, None, {})
    now += 200
    assert 16 <= pace.next() <= 24
    assert 1.6 <= pace.next(share=0.1) <= 2.4
    assert 0.8 <= pace.next(share=0.01) <= 1.2


async def test_passing_failures_are_overlooked_others_not(face: Face, pauses: list[float]) -> None:
    broken = Json(503, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "m"}})
    done = Json(200, {"id": "job-1", "status": "succeeded"})
    with ScriptedServer([broken, broken, done]) as server:
        async with face.job_service(server.url, max_retries=0) as client:
            assert (await client.jobs.wait("job-1")).succeeded
    gone = Json(404, {"error": {"code": "NOT_FOUND", "message": "m"}})
    for wait in ("wait", "as_completed"):
        with ScriptedServer([gone]) as server:
            async with face.job_service(server.url, max_retries=0) as client:
                with pytest.raises(ResourceNotFoundError):
                    if wait == "wait":
                        await client.jobs.wait("job-1")
                    else:
                        _ = [job async for job in client.jobs.as_completed(["job-1"])]


async def test_wrong_arguments_are_refused(face: Face) -> None:
    bad: list[dict[str, Any]] = [{"poll_interval": None}, {"poll_interval": 0}, {"timeout": -1}]
    async with face.job_service("http://127.0.0.1:9") as client:
        for options in bad:
            with pytest.raises(ValueError, match="poll_interval|timeout"):
                await client.jobs.wait("job-1", **options)
        with pytest.raises(TypeError, match="jobs takes several ids"):
            _ = [job async for job in client.jobs.as_completed("job-1")]
