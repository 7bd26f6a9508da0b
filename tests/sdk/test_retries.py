"""Which failed attempts are repeated, how often, and after how long."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.answers import HONOURS, fault, job, one
from tests.support.faces import Face
from tests.support.scripted import CutAt, Json, Reset, ScriptedServer, Step, Unanswered, WrongLength
from vantage_sdk import (
    ConflictError,
    DeadlineExceeded,
    RateLimitError,
    ResourceNotFoundError,
    ServerError,
    SubmitOutcomeUnknown,
    ValidationError,
    VantageConnectionError,
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


async def test_a_deadline_that_leaves_no_time_for_another_try_says_so(face: Face) -> None:
    with ScriptedServer(lambda request, connection: fault(503)) as server:
        async with face.client(server.url, max_retries=1000) as client:
            begun = time.monotonic()
            with pytest.raises(DeadlineExceeded, match=r"deadline of 0\.3 s") as caught:
                await client.jobs.get("job-1", deadline=0.3)
    assert time.monotonic() - begun < 5
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


@pytest.mark.parametrize(
    "failure", [fault(500), fault(502), fault(504), Reset(), Unanswered(), CutAt(40, GOOD)], ids=repr
)
async def test_a_submission_is_repeated_with_its_key_when_the_server_honours_keys(
    face: Face, pauses: list[float], failure: Step
) -> None:
    script = [Json(200, job(), HONOURS), failure, Json(201, job(), HONOURS)]
    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            assert (await client.jobs.submit(TEMPLATE)).id == "job-1"
    keys = {request.header("idempotency-key") for request in server.requests[1:]}
    assert len(server.requests) == 3
    assert len(keys) == 1
    assert None not in keys


@pytest.mark.parametrize("failure", [Reset(), Unanswered(), CutAt(40, GOOD), fault(500), fault(504)], ids=repr)
async def test_a_submission_is_not_repeated_when_the_server_may_not_honour_keys(
    face: Face, pauses: list[float], failure: Step
) -> None:
    with ScriptedServer([failure, Json(200, {"jobs": [job("other")], "total": 1})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown) as caught:
                await client.jobs.submit(TEMPLATE)
    assert [request.method for request in server.requests] == ["POST", "GET"]
    assert caught.value.idempotency_key == server.requests[0].header("idempotency-key")
    assert caught.value.idempotency_key in str(caught.value)


async def test_a_submission_that_never_left_is_repeated_anyway(face: Face, pauses: list[float]) -> None:
    with ScriptedServer([]) as gone:
        url = gone.url
    async with face.client(url) as client:
        with pytest.raises(VantageConnectionError, match="cannot connect to http://127.0.0.1") as caught:
            await client.jobs.submit(TEMPLATE)
    assert not isinstance(caught.value, SubmitOutcomeUnknown)
    assert len(caught.value.attempts) == 4


@pytest.mark.parametrize("status", [425, 429])
async def test_a_refused_submission_is_repeated_with_the_same_key(face: Face, pauses: list[float], status: int) -> None:
    with ScriptedServer([fault(status), Json(201, job())]) as server:
        async with face.client(server.url) as client:
            await client.jobs.submit(TEMPLATE)
    assert len({request.header("idempotency-key") for request in server.requests}) == 1


async def test_503_on_a_submission_is_final_for_a_server_without_keys(face: Face, pauses: list[float]) -> None:
    with ScriptedServer([fault(503, headers={"Retry-After": "1"})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(ServerError):
                await client.jobs.submit(TEMPLATE)
    assert len(server.requests) == 1


async def test_a_definite_answer_after_a_lost_one_is_what_is_raised(face: Face, pauses: list[float]) -> None:
    with ScriptedServer([Json(200, job(), HONOURS), Unanswered(), fault(400, "validation_error")]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            with pytest.raises(ValidationError) as caught:
                await client.jobs.submit(TEMPLATE)
    assert len(caught.value.attempts) == 2


async def test_a_conflict_is_waited_out_while_the_first_request_with_the_key_runs(
    face: Face, pauses: list[float]
) -> None:
    busy = fault(409, "resource_conflict", {"Retry-After": "1"}, details={"code": "idempotency_in_progress"})
    with ScriptedServer([busy, Json(201, job())]) as server:
        async with face.client(server.url) as client:
            assert (await client.jobs.submit(TEMPLATE)).id == "job-1"


async def test_a_conflict_at_the_first_attempt_is_raised(face: Face, pauses: list[float]) -> None:
    with ScriptedServer([fault(409, "resource_conflict", details={"code": "idempotency_key_reused"})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(ConflictError):
                await client.jobs.submit(TEMPLATE, idempotency_key="mine")
    assert server.requests[0].header("idempotency-key") == "mine"


async def test_a_rejected_repeat_is_settled_by_looking_the_job_up(face: Face, pauses: list[float]) -> None:
    found: list[Any] = []

    def script(request: Any, connection: int) -> Step:
        key = request.header("idempotency-key")
        if request.method == "POST":
            found.append(key)
            return Unanswered() if len(found) == 1 else fault(409, "resource_conflict")
        if "idempotency_key" in request.target:
            return Json(200, {"jobs": [job("job-9", idempotency_key=found[0])], "total": 1}, HONOURS)
        return Json(200, job(), HONOURS)

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            assert (await client.jobs.submit(TEMPLATE)).id == "job-9"


async def test_the_404_of_a_repeated_deletion_is_success(face: Face, pauses: list[float]) -> None:
    with ScriptedServer([Unanswered(), fault(404)]) as server:
        async with face.client(server.url) as client:
            assert await client.jobs.delete("job-1") is None
    assert len(server.requests) == 2


async def test_every_call_has_a_key_of_its_own(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(201, job(), HONOURS)) as server:
        async with face.client(server.url) as client:
            await client.jobs.submit(TEMPLATE)
            await client.jobs.submit(TEMPLATE)
            await client.jobs.cancel("job-1")
            await client.jobs.get("job-1")
    keys = [request.header("idempotency-key") for request in server.requests]
    assert len({*keys}) == 4
    assert keys[3] is None


async def test_the_body_is_fixed_before_the_first_attempt(face: Face, pauses: list[float]) -> None:
    template = {"name": "n", "command": "true", "environment": {"A": "1"}}

    def script(request: Any, connection: int) -> Step:
        template["environment"] = {"A": "changed"}
        return fault(429) if len(server.requests) == 1 else Json(201, job())

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            await client.jobs.submit(template)
    assert server.requests[0].body == server.requests[1].body
