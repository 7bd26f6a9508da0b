"""How the service is: an answer, be it a bad one, and nobody is asked who they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import Json, Reply, ScriptedServer, Step
from vantage_sdk import Readiness, ServerError
from vantage_sdk.testing import instant_retries

DEGRADED = {"status": "degraded", "checks": {"database": "ok", "redis": "error", "kubernetes": "ok"}}


def never() -> str:
    raise AssertionError("nobody may ask for a token")


@pytest.mark.parametrize("status", [200, 503])
async def test_degraded_is_an_answer_and_not_tried_again(face: Face, status: int) -> None:
    with ScriptedServer([Json(status, DEGRADED), Json(status, DEGRADED)]) as server:
        async with face.job_service(server.url) as client:
            ready = await client.health.ready()
            raw = await client.with_raw.health.ready()
    assert (ready.status, ready.is_ok, ready.failing) == ("degraded", False, ["redis"])
    assert ready.to_dict() == DEGRADED
    assert (raw.status_code, raw.attempts) == (status, ())
    assert isinstance(raw.data, Readiness)


@pytest.mark.parametrize(
    "answer",
    [
        Json(503, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "down", "request_id": "req-1"}}),
        Json(503, {**DEGRADED, "error": "down"}),
        Reply(503, b"<html>no server", {"Content-Type": "text/html"}),
        Reply(503, b""),
        Json(503, ["degraded"]),
        Json(500, DEGRADED),
    ],
)
async def test_an_error_is_an_error_all_the_same(face: Face, answer: Step) -> None:
    with ScriptedServer([answer, answer]) as server, instant_retries():
        async with face.job_service(server.url, max_retries=1) as client:
            with pytest.raises(ServerError):
                await client.health.ready()
    assert len(server.requests) == 2


async def test_a_degraded_answer_is_no_answer_elsewhere(face: Face) -> None:
    with ScriptedServer([Json(503, DEGRADED), Json(503, DEGRADED)]) as server:
        async with face.job_service(server.url, max_retries=0) as client:
            for call in (client.health.live, client.metrics.get):
                with pytest.raises(ServerError):
                    await call()


@pytest.mark.parametrize("token", ["a-token", never])
async def test_no_credential_is_sent_or_asked_for(face: Face, token: Any) -> None:
    with ScriptedServer([Json(200, {"status": "ok"}), Json(200, {"status": "ok"})]) as server:
        async with face.job_service(server.url, token=token) as client:
            assert (await client.health.live()).is_ok
            assert (await client.health.ready()).is_ok
    assert [request.target for request in server.requests] == ["/api/v1/health/live", "/api/v1/health/ready"]
    assert all(request.header("authorization") is None for request in server.requests)
