"""Sixty requests a minute are no event: the client slows down before a refusal, or waits one out."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
import trio

from tests.support.answers import jobs
from tests.support.envelopes import enveloped, refused, run_of, summary
from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer
from vantage_sdk import AsyncVantageClient, DeadlineExceeded, RateLimitError, VantageClient
from vantage_sdk.core.limiter import MARGIN, WINDOW
from vantage_sdk.testing import instant_retries

WORKFLOW = {**summary(42), "nodes": [], "edges": []}
SPAN = WINDOW + MARGIN


def good(request: Request, connection: int) -> Json:
    return jobs() if request.path.startswith("/v1/") else enveloped(WORKFLOW)


async def test_a_client_with_a_limit_waits_before_the_server_refuses(face: Face) -> None:
    with ScriptedServer(good) as server, instant_retries() as pauses:
        async with face.client(server.url, requests_per_minute=3) as client:
            copy = client.with_options(timeout=5)
            for _ in range(2):
                await client.workflows.get(42)
                await copy.keys.revoke(1)
    assert len(server.requests) == 4
    assert [round(pause) for pause in pauses] == [SPAN]


async def test_the_platform_is_not_held_up(face: Face) -> None:
    with ScriptedServer(good) as server, instant_retries() as pauses:
        async with face.client(server.url, requests_per_minute=1) as client:
            for _ in range(5):
                await client.jobs.list()
    assert pauses == []


async def test_every_attempt_needs_a_turn(face: Face) -> None:
    script = [refused(500, "INTERNAL_ERROR"), enveloped(WORKFLOW)]
    with ScriptedServer(script) as server, instant_retries() as pauses:
        async with face.client(server.url, requests_per_minute=1) as client:
            await client.workflows.get(42)
    assert len(server.requests) == 2
    assert [round(pause) for pause in pauses if pause > 1] == [SPAN]


async def test_a_turn_after_the_deadline_raises_at_once_and_is_given_back(face: Face) -> None:
    with ScriptedServer(good) as server, instant_retries() as pauses:
        async with face.client(server.url, requests_per_minute=1) as client:
            await client.workflows.get(42)
            for _ in range(5):
                with pytest.raises(DeadlineExceeded, match=r"1 requests a minute leave no turn .* of 30 s") as caught:
                    await client.workflows.get(42, deadline=30)
            await client.workflows.get(42, deadline=90)
    assert caught.value.retry_after in (SPAN, SPAN - 1)
    assert [round(pause) for pause in pauses] == [SPAN]
    assert len(server.requests) == 2


async def test_no_turn_within_the_deadline_of_a_repeat_ends_the_call(face: Face) -> None:
    with ScriptedServer([refused(429, "RATE_LIMITED", {"Retry-After": "1"})]) as server, instant_retries():
        async with face.client(server.url, requests_per_minute=1) as client:
            with pytest.raises(DeadlineExceeded, match="leave no turn") as caught:
                await client.workflows.execute(42, deadline=20)
    assert [attempt.status_code for attempt in caught.value.attempts] == [429, None]


async def test_a_refusal_without_a_hint_is_waited_out(face: Face) -> None:
    script = [*[refused(429, "RATE_LIMITED")] * 3, enveloped(run_of([]))]
    with ScriptedServer(script) as server, instant_retries() as pauses:
        async with face.client(server.url) as client:
            await client.workflows.execute(42)
    assert len({request.header("idempotency-key") for request in server.requests}) == 1
    assert len(pauses) == 3
    assert WINDOW <= sum(pauses) <= WINDOW + 3


async def test_a_refusal_with_a_hint_is_waited_out_as_it_says(face: Face) -> None:
    script = [refused(429, "RATE_LIMITED", {"Retry-After": "7"}), enveloped(WORKFLOW)]
    with ScriptedServer(script) as server, instant_retries() as pauses:
        async with face.client(server.url) as client:
            await client.workflows.get(42)
    assert 7 <= pauses[0] <= 8


async def test_a_refusal_is_not_waited_out_beyond_the_deadline(face: Face) -> None:
    with ScriptedServer([refused(429, "RATE_LIMITED")]) as server, instant_retries() as pauses:
        async with face.client(server.url) as client:
            with pytest.raises(RateLimitError) as caught:
                await client.workflows.get(42, deadline=10)
    assert (pauses, caught.value.retry_after) == ([], None)


def test_a_cancelled_wait_gives_its_turn_back() -> None:
    async def turns_after_a_cancellation(client: AsyncVantageClient, cancel: Any) -> int:
        limiter = client._sender.shared.beside(client.workflows._sender.dialect).limiter
        assert limiter is not None
        await client.workflows.get(42)
        await cancel(client)
        return len(limiter._turns)

    async def on_asyncio(url: str) -> int:
        async def cancel(client: AsyncVantageClient) -> None:
            task = asyncio.ensure_future(client.workflows.get(42))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        async with AsyncVantageClient("key", url, trust_env=False, requests_per_minute=1) as client:
            return await turns_after_a_cancellation(client, cancel)

    async def on_trio(url: str) -> int:
        async def cancel(client: AsyncVantageClient) -> None:
            with trio.CancelScope() as scope:
                scope.cancel()
                await client.workflows.get(42)

        async with AsyncVantageClient("key", url, trust_env=False, requests_per_minute=1) as client:
            return await turns_after_a_cancellation(client, cancel)

    with ScriptedServer(good) as server:
        assert asyncio.run(on_asyncio(server.url)) == 1
        assert trio.run(on_trio, server.url) == 1
    assert len(server.requests) == 2


def test_an_unpickled_client_has_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANTAGE_API_KEY", "key")
    twin = pickle.loads(pickle.dumps(VantageClient(requests_per_minute=7)))
    limiter = twin.workflows._sender.shared.limiter
    assert limiter.limit == 7
