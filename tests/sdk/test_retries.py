"""Which failed attempts are repeated, how often, and after how long."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator

import pytest

from tests.support.answers import fault, one
from tests.support.faces import Face
from tests.support.scripted import CutAt, Json, Reset, ScriptedServer, Step, Unanswered, WrongLength
from vantage_sdk import (
    DeadlineExceeded,
    RateLimitError,
    ResourceNotFoundError,
    ServerError,
)
from vantage_sdk.core.quota import CAPACITY, COST, Quota
from vantage_sdk.core.request import Safety
from vantage_sdk.core.retry import TABLE, Cause
from vantage_sdk.testing import instant_retries

GOOD = one()
TEMPLATE = {"name": "n", "command": "true"}


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    with instant_retries() as asked:
        yield asked


def test_the_table_has_a_verdict_for_every_cause_and_kind_of_call() -> None:
    assert {cause: set(row) for cause, row in TABLE.items()} == {cause: set(Safety) for cause in Cause}


@pytest.mark.parametrize(
    "failure",
    [Json(408), fault(425), fault(429), fault(500), fault(502), fault(503), fault(504), Reset(), Unanswered()]
    + [CutAt(40, GOOD), WrongLength(GOOD, 10)],
    ids=lambda step: f"{type(step).__name__}{getattr(step, 'status', '')}",
)
async def test_a_read_is_repeated_after_a_passing_failure(face: Face, pauses: list[float], failure: Step) -> None:
    with ScriptedServer([failure, failure, GOOD]) as server:
        async with face.client(server.url) as client:
            raw = await client.with_raw.jobs.get("job-1")
    assert (raw.data.id, len(server.requests)) == ("job-1", 3)
    assert [attempt.number for attempt in raw.attempts] == [1, 2]
    assert all(attempt.wait is not None and attempt.cause for attempt in raw.attempts)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 501])
async def test_a_definite_refusal_is_not_repeated(face: Face, pauses: list[float], status: int) -> None:
    with ScriptedServer([fault(status)]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(Exception, match=f"^{status} some_code: it failed") as caught:
                await client.jobs.get("job-1")
    assert len(server.requests) == 1
    assert caught.value.attempts[0].status_code == status


@pytest.mark.parametrize("retries", [0, 1, 5])
async def test_max_retries_counts_the_attempts_after_the_first(face: Face, pauses: list[float], retries: int) -> None:
    with ScriptedServer(lambda request, connection: fault(503)) as server:
        async with face.client(server.url, max_retries=retries) as client:
            with pytest.raises(ServerError) as caught:
                await client.jobs.get("job-1")
    assert len(server.requests) == retries + 1
    assert str(caught.value).endswith(f"attempt {retries + 1} of {retries + 1})")
    assert [a.wait is None for a in caught.value.attempts] == [False] * retries + [True]


async def test_max_retries_can_be_given_per_call(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(lambda request, connection: fault(503)) as server:
        async with face.client(server.url) as client:
            with pytest.raises(ServerError):
                await client.jobs.get("job-1", max_retries=1)
    assert len(server.requests) == 2


async def test_jitter_stays_below_an_exponential_ceiling(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(lambda request, connection: fault(500)) as server:
        async with face.client(server.url, max_retries=8) as client:
            with pytest.raises(ServerError):
                await client.jobs.get("job-1")
    ceilings = [min(8.0, 0.5 * 2**n) for n in range(8)]
    assert all(0 <= pause <= ceiling for pause, ceiling in zip(pauses, ceilings, strict=True))
    assert len({round(pause, 6) for pause in pauses}) > 1


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        (
            {
                "Retry-After": email.utils.formatdate(1_700_000_020, usegmt=True),
                "Date": email.utils.formatdate(1_700_000_000, usegmt=True),
            },
            20,
        ),
        ({"X-RateLimit-Reset": "9"}, 9),
        ({"Retry-After": "junk", "X-RateLimit-Window": "11"}, 11),
    ],
)
async def test_the_server_says_how_long_to_wait(
    face: Face, pauses: list[float], headers: dict[str, str], least: int
) -> None:
    with ScriptedServer([fault(429, headers=headers), GOOD]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
    assert least <= pauses[0] <= least * 1.1 + 1e-9


@pytest.mark.parametrize("asked", ["61", "3600"])
async def test_a_wait_above_the_cap_raises_at_once(face: Face, pauses: list[float], asked: str) -> None:
    with ScriptedServer([fault(429, headers={"Retry-After": asked})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(RateLimitError) as caught:
                await client.jobs.get("job-1")
    assert (len(server.requests), pauses) == (1, [])
    assert caught.value.retry_after == int(asked)


@pytest.mark.parametrize("asked", ["9999999999", "-1", "nan", "inf", "1e400", "soon", ""])
async def test_an_absurd_wait_is_replaced_by_our_own(face: Face, pauses: list[float], asked: str) -> None:
    with ScriptedServer([fault(429, headers={"Retry-After": asked}), GOOD]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
    assert 0 <= pauses[0] <= 1


async def test_what_is_left_of_a_rate_limit_delays_nothing_else(face: Face, pauses: list[float]) -> None:
    budget = {"X-RateLimit-Remaining": "999", "X-RateLimit-Reset": "3600", "X-RateLimit-Window": "3600"}
    with ScriptedServer([fault(503, headers=budget), GOOD, fault(404, headers=budget)]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            with pytest.raises(ResourceNotFoundError) as caught:
                await client.jobs.get("job-1")
    assert pauses[0] <= 0.5
    assert caught.value.retry_after is None


async def test_a_wait_past_the_deadline_raises_at_once(face: Face, pauses: list[float]) -> None:
    with ScriptedServer([fault(429, headers={"Retry-After": "30"})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(RateLimitError) as caught:
                await client.jobs.get("job-1", deadline=10)
    assert (pauses, caught.value.retry_after) == ([], 30)


async def test_a_deadline_that_leaves_no_time_for_another_try_says_so(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vantage_sdk.core.retry.random.random", lambda: 1.0)
    with ScriptedServer(lambda request, connection: fault(503)) as server:
        async with face.client(server.url, max_retries=1000) as client:
            with pytest.raises(DeadlineExceeded, match=r"deadline of 0\.4 s left no time") as caught:
                await client.jobs.get("job-1", deadline=0.4)
    assert len(server.requests) == 1
    assert isinstance(caught.value.__cause__, ServerError)
    assert caught.value.status_code == 503


async def test_retries_stop_when_the_shared_quota_is_used_up(face: Face, pauses: list[float]) -> None:
    with ScriptedServer(lambda request, connection: fault(500)) as server:
        async with face.client(server.url) as client:
            copy = client.with_options(timeout=5)
            for n in range(60):
                with pytest.raises(ServerError):
                    await (copy if n % 2 else client).jobs.get("job-1")
    assert len(server.requests) == 60 + CAPACITY // COST


def test_success_refills_the_quota_but_never_above_its_capacity() -> None:
    quota = Quota(20)
    assert quota.take(15)
    assert not quota.take(10)
    quota.give_back(100)
    assert quota.left == 20
