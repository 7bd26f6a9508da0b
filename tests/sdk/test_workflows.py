"""Workflows: what is sent and what is made of the answers."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.envelopes import META, enveloped, example, refused, summary
from tests.support.faces import Face
from tests.support.scripted import Json, Reply, Request, Reset, ScriptedServer
from vantage_sdk import (
    AuthenticationError,
    AuthorizationError,
    DataExpiredError,
    RateLimitError,
    ResourceNotFoundError,
    ServerError,
    SubmitOutcomeUnknown,
    ValidationError,
    VantageAPIError,
    Workflow,
    WorkflowGraph,
)
from vantage_sdk.testing import instant_retries

WORKFLOW = {**summary(42), "nodes": [], "edges": []}
LIST = example("workflows_list.response")
GET = example("workflows_get.response")


async def test_the_documented_workflow_is_read(face: Face) -> None:
    with ScriptedServer([Json(200, GET)]) as server:
        async with face.client(server.url) as client:
            workflow = await client.workflows.get(42)
    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/api/v1/workflows/42")
    assert server.requests[0].header("authorization") == "Bearer your-api-key"
    assert workflow.to_dict() == GET["data"]
    assert (workflow.id, workflow.title, workflow.is_active) == (42, "Daily Sales Report", True)
    assert workflow.created == datetime(2026, 3, 15, 9, tzinfo=UTC)
    assert [(node.id, node.node_role) for node in workflow.nodes] == [
        (101, "getter"),
        (102, "setter"),
        (103, "terminator"),
    ]
    assert (workflow.edges[0].source_node_id, workflow.edges[0].target_node_id) == (101, 102)
    assert workflow.meta.request_id == "req_def456"
    assert workflow.meta.timestamp == datetime(2026, 4, 29, 12, tzinfo=UTC)
    for twin in (copy.deepcopy(workflow), pickle.loads(pickle.dumps(workflow))):
        assert (twin, twin.meta) == (workflow, workflow.meta)


async def test_without_an_envelope_or_meta_answers_are_read_all_the_same(face: Face) -> None:
    answers = [Json(200, WORKFLOW, {"X-Request-ID": "req_h"}), Json(200, {"success": True, "data": WORKFLOW})]
    with ScriptedServer(answers) as server:
        async with face.client(server.url) as client:
            bare, half = await client.workflows.get("42"), await client.workflows.get(42)
    assert bare.to_dict() == half.to_dict() == WORKFLOW
    assert (bare.meta.request_id, bare.meta.timestamp) == ("req_h", None)
    assert (half.meta.request_id, half.meta.timestamp) == (None, None)
    assert Workflow.from_dict(WORKFLOW).meta.request_id is None


@pytest.mark.parametrize("body", [[1], {"success": True, "data": [1]}, {"success": False, "data": WORKFLOW}, None])
async def test_an_answer_that_is_no_such_object_is_an_error(face: Face, body: Any) -> None:
    with ScriptedServer([Json(200, body)]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.workflows.get(42)
    assert caught.value.code == "invalid_response"


async def test_pages_are_numbered_from_zero_and_nobody_notices(face: Face) -> None:
    def answer(request: Request, connection: int) -> Json:
        page, limit = int(request.query.get("page", 0)), min(int(request.query.get("limit", 50)), 100)
        found = [summary(number) for number in range(page * limit, min(230, (page + 1) * limit))]
        return enveloped({"workflows": found, "total": 230, "page": page, "limit": limit})

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            first = await client.workflows.list()
            assert (len(first), first.page, first.limit, first.offset, first.total) == (50, 0, 50, 0, 230)
            assert first.meta.request_id == META["request_id"]
            second = await client.workflows.list(page_token=first.next_page_token)
            assert (second[0].id, second.page) == (50, 1)
            assert second == await client.workflows.list(page=1)
            numbers = [workflow.id async for workflow in client.workflows.list_all()]
            clamped = [len(page) async for page in client.workflows.list_paginated(page_size=500, prefetch=1)]
            some = [workflow.id async for workflow in client.workflows.list_all(page_size=7, max_items=10)]
            last = await client.workflows.list(limit=100, page=2)
    assert numbers == list(range(230))
    assert clamped == [100, 100, 30]
    assert some == list(range(10))
    assert (len(last), last.has_next) == (30, False)


async def test_a_list_without_totals_or_echoes_is_one_page(face: Face) -> None:
    with ScriptedServer([Json(200, {"workflows": [summary(1)]}), Json(200, {"data": {"items": []}})]) as server:
        async with face.client(server.url) as client:
            page = await client.workflows.list()
            assert (len(page), page.has_next, page.total, page.limit, page.page) == (1, False, None, 50, 0)
            with pytest.raises(VantageAPIError, match="no list under 'workflows'"):
                await client.workflows.list()


async def test_a_page_that_is_short_because_something_was_deleted_is_not_the_last(face: Face) -> None:
    pages = [[summary(1)], [summary(3), summary(4)], [summary(5)]]

    def answer(request: Request, connection: int) -> Json:
        page = int(request.query.get("page", 0))
        return enveloped({"workflows": pages[page], "total": 6 - (page > 1), "page": page, "limit": 2})

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            assert [workflow.id async for workflow in client.workflows.list_all(page_size=2)] == [1, 3, 4, 5]


async def test_a_token_goes_on_with_the_page_size_that_it_was_made_for(face: Face) -> None:
    def answer(request: Request, connection: int) -> Json:
        page, limit = int(request.query.get("page", 0)), int(request.query["limit"])
        return enveloped({"workflows": [summary(page * limit)], "total": 99, "page": page, "limit": limit})

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            token = (await client.workflows.list(limit=10)).next_page_token
            assert [(await client.workflows.list(limit=limit, page_token=token))[0].id for limit in (20, 7)] == [10, 10]


async def test_an_empty_page_ends_a_list_whose_total_is_wrong(face: Face) -> None:
    def answer(request: Request, connection: int) -> Json:
        found = [summary(1), summary(2)] if request.query.get("page", "0") == "0" else []
        return enveloped({"workflows": found, "total": 99, "page": int(request.query.get("page", 0)), "limit": 2})

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            assert [workflow.id async for workflow in client.workflows.list_all()] == [1, 2]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"limit": 0}, "limit is a number from 1, not 0"),
        ({"page": -1}, "page is a number from 0, not -1"),
        ({"page": True}, "page is a number from 0, not True"),
        ({"page": 1, "page_token": "x"}, "give no page beside it"),
        ({"page_token": "x"}, "page_token is not valid"),
    ],
)
async def test_contradictory_pages_are_refused_before_anything_is_sent(
    face: Face, given: dict[str, Any], says: str
) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=says):
            await client.workflows.list(**given)


async def test_the_documented_bodies_are_sent_as_they_are(face: Face) -> None:
    create, replace = example("workflows_create.request"), example("workflows_update.graph.request")
    metadata = example("workflows_update.metadata.request")
    with ScriptedServer(lambda request, connection: Json(200, GET)) as server:
        async with face.client(server.url) as client:
            await client.workflows.create(create)
            await client.workflows.update(42, **metadata)
            await client.workflows.update(42, graph=replace)
            await client.workflows.update(42, graph=replace, title="other")
    assert [(request.method, request.path) for request in server.requests] == [
        ("POST", "/api/v1/workflows"),
        *[("PATCH", "/api/v1/workflows/42")] * 3,
    ]
    sent = [request.json() for request in server.requests]
    assert sent == [create, metadata, replace, {**replace, "title": "other"}]
    assert all(request.header("idempotency-key") for request in server.requests)


@pytest.mark.parametrize(
    "reply",
    [
        enveloped({**WORKFLOW, "node_id_map": {"0": 301}}),
        Json(200, {"success": True, "data": WORKFLOW, "node_id_map": {"0": 301}}),
        Json(200, {"node_id_map": {"0": 301}}),
    ],
    ids=["inside", "beside", "alone"],
)
async def test_the_map_of_nodes_is_found_wherever_it_is(face: Face, reply: Json) -> None:
    graph = WorkflowGraph("t")
    graph.terminator("termination/dashboardOutput")
    with ScriptedServer([reply]) as server:
        async with face.client(server.url) as client:
            workflow = await client.workflows.update(42, graph=graph)
    assert (workflow.id, workflow.node_id_map) == (42, {"0": 301})
    assert server.requests[0].json() == graph.to_dict()


async def test_what_makes_no_sense_is_refused_before_anything_is_sent(face: Face) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        for call in (client.workflows.create, lambda graph: client.workflows.update(42, graph=graph)):
            with pytest.raises(TypeError, match="graph takes a WorkflowGraph or a mapping, not list"):
                await call([])
            with pytest.raises(ValueError, match="'t' cannot run: there is no terminator"):
                await call(WorkflowGraph("t"))
        with pytest.raises(ValueError, match="nothing to update"):
            await client.workflows.update(42)
        for bad, kind in ((-1, ValueError), (True, TypeError), (1.0, TypeError), ("..", ValueError), ("", ValueError)):
            with pytest.raises(kind, match="workflow_id"):
                await client.workflows.get(bad)


async def test_an_id_cannot_leave_its_place_in_the_path(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(200, GET)) as server:
        async with face.client(server.url) as client:
            await client.workflows.get("../keys")
            await client.workflows.results("1/x", "dataRef:a/b?c")
    assert [request.path for request in server.requests] == [
        "/api/v1/workflows/..%2Fkeys",
        "/api/v1/workflows/1%2Fx/data/dataRef%3Aa%2Fb%3Fc",
    ]


async def test_delete_answers_nothing_and_the_repeat_of_a_lost_delete_is_done(face: Face) -> None:
    with ScriptedServer([Reply(204), Reset(), refused(404, "WORKFLOW_NOT_FOUND")]) as server, instant_retries():
        async with face.client(server.url) as client:
            assert await client.workflows.delete(42) is None
            assert await client.workflows.delete(42) is None
    assert {request.method for request in server.requests} == {"DELETE"}


async def test_validation_has_both_lists_and_is_true_if_it_is_valid(face: Face) -> None:
    good, bad = example("workflows_validate.valid.response"), example("workflows_validate.invalid.response")
    with ScriptedServer([Json(200, good), Reset(), Json(200, bad)]) as server, instant_retries():
        async with face.client(server.url) as client:
            valid, invalid = await client.workflows.validate(42), await client.workflows.validate(42)
    assert valid
    assert (valid.warnings, valid.errors, valid.to_dict()) == ([], [], good["data"])
    assert not invalid
    assert invalid.warnings == []
    assert [(problem.node_id, problem.message) for problem in invalid.errors] == [
        (102, "Missing required config field: column_name"),
        (None, "No terminator node found in workflow"),
    ]
    assert invalid.to_dict() == bad["data"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_INPUT", ValidationError),
        (400, "INVALID_BODY", ValidationError),
        (401, "UNAUTHORIZED", AuthenticationError),
        (403, "FORBIDDEN", AuthorizationError),
        (404, "WORKFLOW_NOT_FOUND", ResourceNotFoundError),
        (404, "DATA_EXPIRED", DataExpiredError),
        (404, "USER_NOT_FOUND", ResourceNotFoundError),
        (404, "KEY_NOT_FOUND", ResourceNotFoundError),
        (410, "DATA_EXPIRED", VantageAPIError),
        (429, "RATE_LIMITED", RateLimitError),
        (500, "INTERNAL_ERROR", ServerError),
        (503, "SERVICE_UNAVAILABLE", ServerError),
    ],
)
async def test_every_documented_code_has_its_exception(face: Face, status: int, code: str, kind: type[Any]) -> None:
    with ScriptedServer([refused(status, code)]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.workflows.get(42, max_retries=0)
    error = caught.value
    assert type(error) is kind
    assert (error.status_code, error.code, error.message, error.request_id) == (status, code, "it failed", "req_1")
    assert type(pickle.loads(pickle.dumps(error))) is kind


async def test_a_workflow_is_not_created_twice(face: Face) -> None:
    with ScriptedServer([Reset()]) as server, instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown) as caught:
                await client.workflows.create({"title": "t"})
    assert len(server.requests) == 1
    assert caught.value.idempotency_key == server.requests[0].header("idempotency-key")
