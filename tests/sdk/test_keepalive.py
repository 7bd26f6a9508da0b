"""Connections that a server closes while they are kept alive, and what may be sent again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import Close, CutAt, Json, Request, Reset, ScriptedServer, Step, Unanswered
from vantage_sdk import SubmitOutcomeUnknown, VantageConnectionError
from vantage_sdk.testing import instant_retries

JOB = Json(200, {"id": "job-1", "status": "running"})
LAST = Json(200, {"id": "job-1", "status": "running"}, {"Connection": "close"})
HONOURING = Json(200, {"id": "job-1", "status": "running"}, {"X-Idempotency-Supported": "true"})
EMPTY = Json(200, {"jobs": [], "total": 0})
TEMPLATE = {"name": "n", "command": "true"}


def posts(server: ScriptedServer) -> list[Request]:
    return [request for request in server.requests if request.method == "POST"]


async def test_calls_one_after_the_other_share_a_connection(face: Face) -> None:
    with ScriptedServer([JOB] * 5) as server:
        async with face.client(server.url) as client:
            for _ in range(5):
                await client.jobs.get("job-1")
    assert server.connections == 1


@pytest.mark.parametrize("ending", [LAST, [JOB, Close()]], ids=["announced", "unannounced"])
async def test_an_idle_connection_that_was_closed_is_not_used(face: Face, ending: Step | list[Step]) -> None:
    with ScriptedServer(lambda request, connection: ending) as server:
        async with face.client(server.url, max_retries=0) as client:
            for _ in range(3):
                await client.jobs.get("job-1")
                server.join()
                for thread in list(server._threads):  # the end of a connection is on its way once its thread is done
                    thread.join(60)
    assert server.connections == len(server.requests) == 3


@pytest.mark.parametrize("gone", [Unanswered(), Reset()], ids=["closed", "reset"])
async def test_a_get_on_a_lost_connection_is_repeated_at_once(face: Face, gone: Step) -> None:
    with instant_retries() as pauses, ScriptedServer([JOB, gone, JOB]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            assert (await client.jobs.get("job-1")).id == "job-1"
    assert pauses == [0.0]
    assert server.connections == 2


async def test_a_lost_connection_is_no_excuse_without_retries(face: Face) -> None:
    with ScriptedServer([JOB, Unanswered()]) as server:
        async with face.client(server.url, max_retries=0) as client:
            await client.jobs.get("job-1")
            with pytest.raises(VantageConnectionError):
                await client.jobs.get("job-1")
    assert len(server.requests) == 2


async def test_the_first_bytes_of_an_answer_make_a_loss_ordinary(face: Face) -> None:
    with instant_retries() as pauses, ScriptedServer([JOB, CutAt(12, JOB), JOB]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            await client.jobs.get("job-1")
    assert len(pauses) == 1
    assert pauses[0] > 0


async def test_a_fresh_connection_that_is_lost_is_an_ordinary_loss(face: Face) -> None:
    with instant_retries() as pauses, ScriptedServer([Unanswered(), JOB]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
    assert len(pauses) == 1
    assert pauses[0] > 0


async def test_a_submission_is_not_repeated_where_keys_may_be_unknown(face: Face) -> None:
    with instant_retries(), ScriptedServer([JOB, Unanswered(), EMPTY]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            with pytest.raises(SubmitOutcomeUnknown) as caught:
                await client.jobs.submit(TEMPLATE)
    assert len(posts(server)) == 1
    assert caught.value.idempotency_key == posts(server)[0].header("idempotency-key")


async def test_a_submission_is_repeated_with_its_key_where_keys_are_honoured(face: Face) -> None:
    with instant_retries(), ScriptedServer([HONOURING, Unanswered(), HONOURING]) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("job-1")
            job: Any = await client.jobs.submit(TEMPLATE)
    assert job.id == "job-1"
    first, second = posts(server)
    assert first.header("idempotency-key") == second.header("idempotency-key")
    assert first.body == second.body
    assert first.connection != second.connection
