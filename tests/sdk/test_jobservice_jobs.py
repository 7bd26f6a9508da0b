"""Jobs of the job service: created once, listed whole, cancelled for good."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import CutAt, Json, Request, ScriptedServer, Step, Unanswered
from vantage_sdk import (
    ConflictError,
    Gang,
    JobServiceResources,
    Quantity,
    RateLimitError,
    ResourceNotFoundError,
    RetryPolicy,
    ServerError,
    SubmitOutcomeUnknown,
    VantageAPIError,
)
from vantage_sdk.testing import instant_retries

HONOURS = {"X-Idempotency-Supported": "true"}


def job(job_id: str = "job-1", status: str = "pending", **fields: Any) -> dict[str, Any]:
    return {"id": job_id, "status": status, **fields}


def fault(status: int, code: str, **headers: str) -> Json:
    error = {"code": code, "message": "it failed", "details": [], "request_id": "req-1"}
    return Json(status, {"error": error}, headers)


async def create(face: Face, *args: Any, **options: Any) -> Any:
    """Create a job; return what was sent."""
    with ScriptedServer([Json(201, job())]) as server:
        async with face.job_service(server.url) as client:
            assert (await client.jobs.create(*args, **options)).id == "job-1"
    return json.loads(server.requests[0].body)


async def test_only_what_is_given_is_sent(face: Face) -> None:
    assert await create(face, "train", "img") == {"job_type": "train", "image": "img"}
    assert await create(face, "t", "i", priority=0, config={}) == {
        "job_type": "t",
        "priority": 0,
        "image": "i",
        "config": {},
    }


@pytest.mark.parametrize(
    "resources",
    [
        {"cpu": "2", "memory": "8Gi", "gpu": 1},
        JobServiceResources(cpu="2", memory="8Gi", gpu=1),
        {"cpu": 2, "memory": Quantity("8Gi"), "gpu": 1},
        JobServiceResources.from_dict({"cpu": "2", "memory": "8Gi", "gpu": 1}),
    ],
)
async def test_resources_are_quantities_as_text(face: Face, resources: Any) -> None:
    body = await create(face, "t", "i", resources=resources)
    assert body["resources"] == {"cpu": "2", "memory": "8Gi", "gpu": 1}


async def test_quantities_are_sent_as_they_were_written(face: Face) -> None:
    given = {"cpu": "500m", "memory": "8GB", "disk": "1Ti"}
    assert (await create(face, "t", "i", resources=given))["resources"] == given


async def test_the_other_parts_are_objects_or_mappings(face: Face) -> None:
    for gang, policy in (
        (Gang(enabled=True, min_members=4), RetryPolicy(max_retries=3, backoff_multiplier=2)),
        ({"enabled": True, "min_members": 4}, {"max_retries": 3, "backoff_multiplier": 2}),
    ):
        body = await create(face, "t", "i", gang=gang, retry_policy=policy, timeout_seconds=timedelta(hours=1))
        assert body["gang"] == {"enabled": True, "min_members": 4}
        assert body["retry_policy"] == {"max_retries": 3, "backoff_multiplier": 2}
        assert body["timeout_seconds"] == 3600
    assert (await create(face, "t", "i", gang=Gang(enabled=False)))["gang"] == {"enabled": False}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"job_type": ""}, "job_type cannot be empty"),
        ({"job_type": 3}, "job_type takes text, not int"),
        ({"image": " "}, "image cannot be empty"),
        ({"priority": 101}, "priority is a number from 0 to 100, not 101"),
        ({"priority": -1}, "priority is a number from 0"),
        ({"priority": True}, "priority takes a whole number"),
        ({"priority": 1.5}, "priority takes a whole number"),
        ({"config": [1]}, "config takes a mapping, not list"),
        ({"resources": "8Gi"}, "resources takes a mapping, not str"),
        ({"resources": {"cpu": "two"}}, "resources: cpu: 'two' is no quantity"),
        ({"resources": {"memory": [1]}}, "resources: memory: a quantity is text or a number, not list"),
        ({"resources": {"memory": "-1Gi"}}, "resources: memory: '-1Gi' is less than nothing"),
        ({"resources": {"gpu": "1"}}, "resources: gpu takes a whole number, not str"),
        ({"resources": {"gpu": -1}}, "resources: gpu is a number from 0"),
        ({"gang": {"enabled": "yes"}}, "gang: enabled takes True or False"),
        ({"gang": {"min_members": 0}}, "gang: min_members is a number from 1"),
        ({"retry_policy": {"max_retries": -1}}, "retry_policy: max_retries is a number from 0"),
        ({"retry_policy": {"backoff_multiplier": 0}}, "backoff_multiplier is a number above 0"),
        ({"retry_policy": {"backoff_multiplier": float("nan")}}, "backoff_multiplier is a number above 0"),
        ({"timeout_seconds": 0}, "timeout_seconds is a number from 1"),
        ({"timeout_seconds": 1.5}, "timeout_seconds takes a whole number"),
        ({"timeout_seconds": timedelta(milliseconds=1)}, "timeout_seconds takes a whole number"),
        ({"timeout_seconds": "1h"}, "timeout_seconds takes a whole number"),
        ({"config": {"x": float("inf")}}, "config cannot be sent as JSON"),
        ({"config": {"x": object()}}, "config cannot be sent as JSON"),
        ({"idempotency_key": ""}, "idempotency_key takes 1 to 255"),
    ],
)
async def test_what_is_wrong_in_itself_is_refused_before_anything_is_sent(
    face: Face, options: dict[str, Any], says: str
) -> None:
    with ScriptedServer([]) as server:
        async with face.job_service(server.url) as client:
            with pytest.raises((ValueError, TypeError), match=says):
                await client.jobs.create(**{"job_type": "t", "image": "i", **options})
    assert server.requests == []


def test_a_model_with_a_wrong_quantity_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="'8 GB' is no quantity"):
        JobServiceResources(memory="8 GB")


def test_what_a_server_sends_is_kept_however_odd(caplog: pytest.LogCaptureFixture) -> None:
    sent = {"cpu": "a lot", "memory": 8.5, "gpu": "two", "disk": "1Ti"}
    with caplog.at_level(logging.WARNING):
        read = JobServiceResources.from_dict(sent)
    assert (read.cpu, read.memory, read.gpu) == ("a lot", Quantity("8.5"), "two")
    assert read.to_dict() == sent
    assert "cpu (value_error)" in caplog.text


async def test_a_lost_creation_is_repeated_only_where_the_key_is_honoured(face: Face) -> None:
    with ScriptedServer([CutAt(40, Json(201, job()))]) as server:
        async with face.job_service(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown) as caught:
                await client.jobs.create("t", "i", idempotency_key="mine")
    assert caught.value.idempotency_key == "mine"
    script = [Json(200, job("j", "running"), HONOURS), CutAt(40, Json(201, job())), Json(201, job())]
    with ScriptedServer(script) as server, instant_retries():
        async with face.job_service(server.url) as client:
            await client.jobs.get("j")
            assert (await client.jobs.create("t", "i")).id == "job-1"
    assert server.requests[1].header("idempotency-key") == server.requests[2].header("idempotency-key")


async def test_a_refusal_for_the_rate_is_waited_for(face: Face) -> None:
    late = fault(429, "RATE_LIMITED", **{"Retry-After": "3", "X-RateLimit-Remaining": "0"})
    with ScriptedServer([late, Json(201, job())]) as server, instant_retries() as pauses:
        async with face.job_service(server.url) as client:
            await client.jobs.create("t", "i")
    assert 3 <= pauses[0] < 3.5
    with ScriptedServer([late]) as server:
        async with face.job_service(server.url, max_retries=0) as client:
            with pytest.raises(RateLimitError) as caught:
                await client.jobs.list()
    assert (caught.value.retry_after, caught.value.code, caught.value.request_id) == (3, "RATE_LIMITED", "req-1")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, "NOT_FOUND", ResourceNotFoundError), (409, "CONFLICT", ConflictError), (500, "INTERNAL_ERROR", ServerError)],
)
async def test_an_error_is_that_of_its_status(face: Face, status: int, code: str, kind: type[VantageAPIError]) -> None:
    with ScriptedServer([fault(status, code)]) as server:
        async with face.job_service(server.url, max_retries=0) as client:
            with pytest.raises(kind) as caught:
                await client.jobs.cancel("job-1")
    assert (caught.value.code, caught.value.path) == (code, "/api/v1/jobs/job-1")


def pages(total: int) -> Any:
    """Play a list of so many jobs, at most 100 a page."""

    def script(request: Request, _: int) -> Step:
        query = dict(part.split("=") for part in request.target.partition("?")[2].split("&") if part)
        limit, offset = min(100, int(query.get("limit", 50))), int(query.get("offset", 0))
        items = [job(f"job-{number}") for number in range(offset, min(total, offset + limit))]
        return Json(200, {"items": items, "total": total, "limit": limit, "offset": offset})

    return script


async def test_a_list_is_walked_by_offset(face: Face) -> None:
    with ScriptedServer(pages(120)) as server:
        async with face.job_service(server.url) as client:
            ids = [found.id async for found in client.jobs.list_all(status="pending")]
            sizes = [len(page) async for page in client.jobs.list_paginated(page_size=500)]
            first = await client.jobs.list(limit=500)
            second = await client.jobs.list(page_token=first.next_page_token)
            some = [found.id async for found in client.jobs.list_all(max_items=3, prefetch=1)]
    assert ids == [f"job-{number}" for number in range(120)]
    assert sizes == [100, 20]
    assert (first.limit, first.offset, second.offset, len(second), second.has_next) == (100, 0, 100, 20, False)
    assert some == ["job-0", "job-1", "job-2"]
    assert {request.target for request in server.requests[:3]} == {
        f"/api/v1/jobs/?status=pending{place}" for place in ("", "&limit=50&offset=50", "&limit=50&offset=100")
    }


async def test_a_page_says_where_the_server_began_it(face: Face) -> None:
    page = {"items": [job()], "total": 9, "limit": 1, "offset": 4}
    with ScriptedServer([Json(200, page), Json(200, page)]) as server:
        async with face.job_service(server.url) as client:
            found = await client.jobs.list(offset=7, limit=3)
            await client.jobs.list(page_token=found.next_page_token)
    assert (found.limit, found.offset, found.total, found.has_next) == (1, 4, 9, True)
    assert server.requests[1].target.endswith("?limit=1&offset=5")


async def test_a_cancellation_whose_answer_was_lost_is_none_the_less_done(face: Face) -> None:
    script = [Unanswered(), fault(409, "CONFLICT"), Json(200, job(status="cancelled", worker_id="w"))]
    with ScriptedServer(script) as server, instant_retries():
        async with face.job_service(server.url) as client:
            assert (await client.jobs.cancel("job-1")).worker_id == "w"
    assert [request.method for request in server.requests] == ["DELETE", "DELETE", "GET"]
    script = [Unanswered(), fault(409, "CONFLICT"), Json(200, job(status="succeeded"))]
    with ScriptedServer(script) as server, instant_retries():
        async with face.job_service(server.url) as client:
            with pytest.raises(ConflictError):
                await client.jobs.cancel("job-1")


async def test_a_repeated_cancellation_is_a_conflict(face: Face) -> None:
    with ScriptedServer([fault(409, "CONFLICT")]) as server:
        async with face.job_service(server.url) as client:
            with pytest.raises(ConflictError):
                await client.jobs.cancel("job-1")


async def test_ids_and_names_stay_one_segment(face: Face) -> None:
    with ScriptedServer(lambda request, _: Json(200, {"id": "x", "name": "x", "status": "s"})) as server:
        async with face.job_service(server.url) as client:
            await client.jobs.get("../queues/x")
            await client.queues.get("a/b c")
            await client.clusters.get("%2e%2e")
            with pytest.raises(ValueError, match="name cannot be '..'"):
                await client.queues.get("..")
    assert [request.target for request in server.requests] == [
        "/api/v1/jobs/..%2Fqueues%2Fx",
        "/api/v1/queues/a%2Fb%20c",
        "/api/v1/clusters/%252e%252e",
    ]
