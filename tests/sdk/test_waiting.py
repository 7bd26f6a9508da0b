"""Waiting for one job and for many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.answers import fault, job, jobs, one
from tests.support.faces import Face
from tests.support.scripted import Reset, ScriptedServer, Step
from vantage_sdk import (
    AsyncVantageClient,
    DeadlineExceeded,
    Job,
    JobFailedError,
    ResourceNotFoundError,
    ServerError,
    wait_for_completion,
)
from vantage_sdk.testing import instant_retries


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    with instant_retries() as asked:
        yield asked


def states(*words: str) -> Any:
    """A server whose job is in one state after the other, and stays in the last."""
    left = list(words)

    def script(request: Any, connection: int) -> Step:
        return one(status=left.pop(0) if len(left) > 1 else left[0])

    return script


async def test_wait_returns_the_job_whatever_its_end(face: Face, pauses: list[float]) -> None:
    for end in ("completed", "failed", "cancelled"):
        with ScriptedServer(states("pending", "queued", "running", end)) as server:
            async with face.client(server.url) as client:
                assert (await client.jobs.wait("job-1")).status == end
        assert len(server.requests) == 4


async def test_on_update_sees_every_change_once(face: Face, pauses: list[float]) -> None:
    seen: list[str] = []
    with ScriptedServer(states("pending", "pending", "running", "running", "completed")) as server:
        async with face.client(server.url) as client:
            await client.jobs.wait("job-1", on_update=lambda j: seen.append(j.status))
    assert seen == ["pending", "running", "completed"]


@pytest.mark.parametrize(
    "until", ["running", ["running"], lambda j: j.status == "running"], ids=["word", "words", "function"]
)
async def test_until_ends_the_wait_earlier(face: Face, pauses: list[float], until: Any) -> None:
    with ScriptedServer(states("pending", "running", "completed")) as server:
        async with face.client(server.url) as client:
            assert (await client.jobs.wait("job-1", until=until)).status == "running"


async def test_a_new_status_word_is_no_end(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(states("hibernating", "hibernating", "completed")) as server:
        async with face.client(server.url) as client:
            assert (await client.jobs.wait("job-1")).status == "completed"


async def test_raise_on_failure_raises_with_the_job(face: Face, pauses: list[float]) -> None:
    failed = one(status="failed", exit_code=3, reason="NonZeroExitCode")
    with ScriptedServer(lambda request, connection: failed) as server:
        async with face.client(server.url) as client:
            with pytest.raises(JobFailedError, match=r"job job-1 \(n\) failed: NonZeroExitCode, exit code 3") as caught:
                await client.jobs.wait("job-1", raise_on_failure=True)
    assert caught.value.job.exit_code == 3


async def test_a_timeout_raises_and_says_how_to_go_on(face: Face) -> None:
    with ScriptedServer(states("running")) as server:
        async with face.client(server.url) as client:
            with pytest.raises(DeadlineExceeded, match=r"timeout of 0\.2 s") as caught:
                await client.jobs.wait("job-1", timeout=timedelta(seconds=0.2), poll_interval=0.05)
    assert "job job-1 goes on (last status: running)" in caught.value.__notes__[0]
    assert "client.jobs.wait('job-1')" in caught.value.__notes__[0]


async def test_a_deadline_spans_the_wait(face: Face) -> None:
    with ScriptedServer(states("running")) as server:
        async with face.client(server.url) as client:
            with pytest.raises(DeadlineExceeded):
                await client.jobs.wait("job-1", deadline=0.2, poll_interval=0.05)
            with pytest.raises(DeadlineExceeded):
                await client.with_options(deadline=0.2).jobs.wait("job-1", poll_interval=0.05)


async def test_passing_failures_do_not_end_the_wait(face: Face, pauses: list[float]) -> None:
    def script(request: Any, connection: int) -> Step:
        number = len(server.requests)
        return one(status="completed") if number > 9 else Reset() if number % 2 else fault(503)

    with ScriptedServer(script) as server:
        async with face.client(server.url, max_retries=1) as client:
            assert (await client.jobs.wait("job-1")).status == "completed"


async def test_a_rate_limit_is_waited_out(face: Face, pauses: list[float]) -> None:
    answers = iter([one(), fault(429, headers={"Retry-After": "90"}), one(status="completed")])
    with ScriptedServer(lambda request, connection: next(answers)) as server:
        async with face.client(server.url) as client:
            assert (await client.jobs.wait("job-1")).status == "completed"
    assert max(pauses) >= 90


async def test_a_failure_that_stays_ends_the_wait(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(lambda request, connection: fault(500)) as server:
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(ServerError):
                await client.jobs.wait("job-1")
    assert len(server.requests) == 5


async def test_a_job_that_is_not_there_is_an_error_at_once(face: Face, pauses: list[float], server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(ResourceNotFoundError):
            await client.jobs.wait("job-none")
        with pytest.raises(ResourceNotFoundError):
            await client.jobs.wait_all(["job_123", "job-none"])


async def test_ctrl_c_leaves_the_job_running_and_says_so(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    from vantage_sdk.core.io.asynchronous import AnyIO
    from vantage_sdk.core.io.blocking import BlockingIO

    async def interrupted(_: Any, seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BlockingIO, "sleep", interrupted)
    monkeypatch.setattr(AnyIO, "sleep", interrupted)
    with ScriptedServer(states("running")) as server:
        async with face.client(server.url) as client:
            with pytest.raises(KeyboardInterrupt) as caught:
                await client.jobs.wait("job-1")
            assert "resume with client.jobs.wait('job-1')" in caught.value.__notes__[0]
            with pytest.raises(KeyboardInterrupt) as caught:
                await client.jobs.wait_all(["job-1"])
            assert "1 jobs go on; resume with client.jobs.wait_all(['job-1'])" in caught.value.__notes__[0]
    assert {request.method for request in server.requests} == {"GET"}


async def test_the_pause_grows_to_a_tenth_of_the_time_waited(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    from vantage_sdk.core import waiting

    now = 1000.0
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now)
    pace = waiting.Pace(2.0, None, {})
    first = pace.next()
    now += 100
    later = pace.next()
    now += 10_000
    assert 1.6 <= first <= 2.4
    assert 8 <= later <= 12
    assert 24 <= pace.next() <= 36
    pace.changed()
    assert pace.next() <= 2.4


@pytest.mark.parametrize("bad", [{"poll_interval": 0}, {"poll_interval": "1"}, {"timeout": -1}, {"timeout": True}])
async def test_odd_times_are_refused(face: Face, bad: dict[str, Any]) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises((ValueError, TypeError), match=next(iter(bad))):
            await client.jobs.wait("job-1", **bad)


async def test_wait_all_returns_jobs_in_the_order_given(face: Face, pauses: list[float], server: MockServer) -> None:
    async with face.client(server.url) as client:
        made = [
            await client.jobs.submit({"name": f"n{n}", "command": f"sleep {9 - n}; exit {n % 2}"}) for n in range(6)
        ]
        ended = await client.jobs.wait_all(made)
        assert [j.id for j in ended] == [j.id for j in made]
        assert [j.status for j in ended] == ["completed", "failed"] * 3
        again = await client.jobs.wait_all([j.id for j in made])
        assert [j.to_dict() for j in again] == [j.to_dict() for j in ended]
        with pytest.raises(JobFailedError):
            await client.jobs.wait_all(made, raise_on_failure=True)
        assert list(await client.jobs.wait_all([])) == []
        with pytest.raises(TypeError, match="not one text"):
            await client.jobs.wait_all("job-1")


async def test_as_completed_yields_each_job_when_it_ends(face: Face, pauses: list[float], server: MockServer) -> None:
    async with face.client(server.url) as client:
        made = [await client.jobs.submit({"name": str(n), "command": f"sleep {n * 5}"}) for n in (3, 1, 2)]
        assert [j.name async for j in client.jobs.as_completed(made)] == ["1", "2", "3"]


async def test_a_tick_costs_one_list_call_however_many_jobs_there_are(face: Face, pauses: list[float]) -> None:
    with MockServer(clock="auto", world="empty", rate_limits=False) as server:
        async with face.client(server.url) as client:
            made = await client.jobs.submit_many([{"name": "n", "command": "sleep 60"}] * 50)
            server.cluster  # noqa: B018
            before = len(server.journal)
            await client.jobs.wait_all(made)
    calls = [record for record in server.journal[before:] if record.method == "GET"]
    lists = [record for record in calls if record.path == "/v1/jobs"]
    assert len(lists) >= 1
    assert len(calls) <= 2 * len(pauses) + 3


async def test_jobs_of_a_server_without_change_times_are_fetched_one_by_one(face: Face, pauses: list[float]) -> None:
    polls: dict[str, int] = {}

    def script(request: Any, connection: int) -> Step:
        job_id = request.target.rsplit("/", 1)[1]
        polls[job_id] = polls.get(job_id, 0) + 1
        return one(job_id, "completed" if polls[job_id] >= 3 else "running")

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            ended = await client.jobs.wait_all(["a", "b"])
    assert [j.status for j in ended] == ["completed"] * 2
    assert polls == {"a": 3, "b": 3}


async def test_a_job_deleted_while_waited_for_is_an_error(face: Face, pauses: list[float]) -> None:
    def script(request: Any, connection: int) -> Step:
        if "?" in request.target:
            return jobs()
        seen = sum("/job-1" in r.target for r in server.requests)
        return one(updated_at="2024-01-15T10:30:00Z") if seen == 1 else fault(404, "resource_not_found")

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            with pytest.raises(ResourceNotFoundError):
                await client.jobs.wait_all(["job-1"])


async def test_a_flood_of_other_changes_is_not_walked(face: Face, pauses: list[float]) -> None:
    ticks = 0

    def script(request: Any, connection: int) -> Step:
        nonlocal ticks
        if request.target.startswith("/v1/jobs?"):
            flood = [job(f"other-{n}", updated_at="2024-02-01T00:00:00Z") for n in range(100)]
            return jobs(*flood, total=100_000, per_page=100)
        ticks += 1
        return one(status="completed" if ticks > 2 else "running", updated_at="2024-01-15T10:30:00Z")

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            await client.jobs.wait_all(["job-1"])
    assert len(server.requests) < 12


async def test_wait_for_completion_serves_both_kinds_of_client(
    face: Face, pauses: list[float], server: MockServer
) -> None:
    async with face.client(server.url) as client:
        made = await client.jobs.submit({"name": "n", "command": "sleep 5"})
        real = client if isinstance(client, AsyncVantageClient) else client.blocking
        result: Any = wait_for_completion(real, made.id, timeout=60)
        ended: Job = result if isinstance(result, Job) else await result
        assert ended.status == "completed"
