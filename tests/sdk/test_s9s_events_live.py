"""Live events and output of the bundled server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.cutting import Cutter
from tests.support.faces import Face
from tests.support.hub import complete_or_told
from vantage_sdk import AuthenticationError, JobUpdate, ResourceNotFoundError, Resynced, ValidationError
from vantage_sdk.testing import instant_retries

SCRIPT = {"name": "n", "script": "echo one; sleep 5; echo two", "partition": "cpu"}


@pytest.fixture
def url() -> Iterator[str]:
    with MockServer(clock="auto", s9s_port=0, rate_limits=False) as server:
        assert server.s9s_url is not None
        yield server.s9s_url


async def states(updates: Any, job_id: str) -> list[str]:
    """Return the states that a job goes through, up to its end."""
    found: list[str] = []
    async for item in updates:
        assert isinstance(item, JobUpdate)
        if item.resource_id == job_id and item.data is not None:
            found.append(item.data.state)
            if item.data.is_terminal:
                return found
    return found


async def test_a_job_is_seen_from_its_submission_to_its_end(face: Face, url: str) -> None:
    async with face.s9s(url) as client:
        async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
            job = await client.jobs.submit(**SCRIPT)
            assert await states(updates, job.job_id) == ["PENDING", "RUNNING", "COMPLETED"]


async def test_a_filter_keeps_others_out_and_an_update_that_leaves_it_in(face: Face, url: str) -> None:
    async with face.s9s(url) as client:
        async with client.events.subscribe("jobs", {"user": "alice", "state": "RUNNING"}) as updates:
            job = await client.jobs.submit(**SCRIPT)
            assert await states(updates, job.job_id) == ["RUNNING", "COMPLETED"]
        async with client.events.subscribe("jobs", {"user": "nobody"}, after=0) as updates:
            assert await updates.poll(0.1) is None


async def test_several_channels_of_one_server(face: Face, url: str) -> None:
    async with face.s9s(url) as client:
        async with client.events.subscribe({"jobs": None, "nodes": None, "alerts": None}) as updates:
            await client.jobs.submit(**SCRIPT)
            seen: set[str] = set()
            while seen < {"jobs", "nodes"}:
                seen.add((await anext(updates)).channel)


async def test_another_program_goes_on_where_one_has_ended(face: Face, url: str) -> None:
    async with face.s9s(url) as client:
        async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
            job = await client.jobs.submit(**SCRIPT)
            while (first := await anext(updates)).resource_id != job.job_id:
                pass
        await client.jobs.wait(job.job_id, poll_interval=0.01)
        async with client.events.subscribe("jobs", {"user": "alice"}, after=first.sequence) as updates:
            assert await states(updates, job.job_id) == ["RUNNING", "COMPLETED"]


@pytest.mark.parametrize("at", range(160, 1000, 90))
async def test_a_connection_that_is_cut_goes_on(face: Face, url: str, at: int) -> None:
    async with face.s9s(url) as client:
        with Cutter(url) as cutter, instant_retries():
            async with face.s9s(cutter.url) as watching:
                async with watching.events.subscribe("jobs", {"user": "alice"}) as updates:
                    before = len(cutter.passed["down"])
                    cutter.cut("down", max(0, at - before))
                    job = await client.jobs.submit(**SCRIPT)
                    items: list[Any] = []
                    while not (items and items[-1].data.is_terminal and items[-1].resource_id == job.job_id):
                        items.append(await anext(updates))
    assert not [item for item in items if isinstance(item, Resynced)]
    numbers = [item.sequence for item in items]
    assert numbers == sorted({*numbers})
    assert [item.data.state for item in items if item.resource_id == job.job_id] == ["PENDING", "RUNNING", "COMPLETED"]


async def test_output_is_followed_to_its_end(face: Face, url: str) -> None:
    async with face.s9s(url) as client:
        job = await client.jobs.submit(**SCRIPT)
        assert [line async for line in client.jobs.follow(job.job_id)] == ["one", "two"]
        assert [line async for line in client.jobs.follow(job.job_id, "error")] == []
        with pytest.raises(ResourceNotFoundError):
            await anext(client.jobs.follow("99999"))


async def test_output_that_is_cut_goes_on(face: Face, url: str) -> None:
    lines = [f"line {number}" for number in range(1, 8)]
    script = "; ".join(f"echo {line}" for line in lines)
    async with face.s9s(url) as client:
        job = await client.jobs.submit(name="n", script=script, partition="cpu")
        await client.jobs.wait(job.job_id, poll_interval=0.01)
        with Cutter(url) as cutter, instant_retries():
            async with face.s9s(cutter.url) as watching:
                for at in range(10, 900, 80):
                    cutter.cut("down", at)
                    assert [line async for line in watching.jobs.follow(job.job_id)] == lines


async def test_refusals_are_the_usual_errors(face: Face, url: str) -> None:
    async with face.s9s(url) as client:
        with pytest.raises(ValidationError):
            async with client.events.subscribe("jobs", {"colour": "red"}):
                pass
    async with face.s9s(url, token="wrong") as client:
        with pytest.raises(AuthenticationError):
            await anext(client.events.subscribe("jobs"))


async def test_a_server_that_has_forgotten_says_so_and_the_state_is_fetched(face: Face, url: str) -> None:
    """A number that it never gave: of another server, before this one began."""
    async with face.s9s(url) as client:
        job = await client.jobs.submit(**SCRIPT)
        async with client.events.subscribe("jobs", {"user": "alice"}, after=1_000_000) as updates:
            gap = await anext(updates)
            assert isinstance(gap, Resynced)
            assert (gap.channel, gap.since) == ("jobs", 1_000_000)
            assert job.job_id in [known.job_id for known in gap.state]
            complete_or_told([gap], [1])


async def test_updates_go_on_with_the_next_token(face: Face) -> None:
    who = {"client_id": "your_client_id", "client_secret": "your_client_secret"}
    with MockServer(clock="manual", s9s_port=0, rate_limits=False) as server, instant_retries():
        async with face.s9s(server.s9s_url, **who) as client:
            async with client.events.subscribe("jobs") as updates:
                job = await client.jobs.submit(**{**SCRIPT, "script": "sleep 5000", "time_limit": "02:00:00"})
                server.advance(1)
                while (first := await anext(updates)).resource_id != job.job_id or first.data.state != "RUNNING":
                    assert isinstance(first, JobUpdate)
                server.advance(4000)
                server.advance(2000)
                assert await states(updates, job.job_id) == ["COMPLETED"]
        assert [record.path for record in server.journal].count("/oauth/token") == 2
        assert [record.status for record in server.journal if record.path.endswith("/ws")] == [101, 101]
