"""Which failed submissions and deletions are repeated, and with which key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.answers import HONOURS, fault, job, one
from tests.support.faces import Face
from tests.support.scripted import CutAt, Json, Reset, ScriptedServer, Step, Unanswered
from vantage_sdk import (
    ConflictError,
    ServerError,
    SubmitOutcomeUnknown,
    ValidationError,
    VantageConnectionError,
)
from vantage_sdk.testing import instant_retries

GOOD = one()
TEMPLATE = {"name": "n", "command": "true"}


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    with instant_retries() as asked:
        yield asked


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
