"""Running workflows: what is sent, what comes back, and that it happens once."""

from __future__ import annotations

import copy
import pickle
from datetime import timedelta
from typing import Any

import pytest

from tests.support.answers import HONOURS
from tests.support.envelopes import RESULT_ID, enveloped, example, refused, run_of
from tests.support.faces import Face
from tests.support.recording import RecordingIO, client_of, json_answer
from tests.support.scripted import Json, Reset, ScriptedServer
from vantage_sdk import (
    AsyncVantageClient,
    DataExpiredError,
    SubmitOutcomeUnknown,
    VantageAPIError,
    VantageClient,
    WorkflowFailedError,
)
from vantage_sdk.core.stepping import run
from vantage_sdk.testing import instant_retries

ROWS = [{"n": number} for number in range(2345)]
RUN = example("workflows_execute.response")


async def test_the_documented_run_is_read_and_nothing_more_is_fetched(face: Face) -> None:
    with ScriptedServer([Json(200, RUN)]) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42, params={"start_date": "2026-04-01", "end_date": "2026-04-30"})
            rows = [row async for row in result.iter_rows()]
            pages = [page async for page in result.iter_pages()]
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/api/v1/workflows/42/execute")
    assert request.json() == example("workflows_execute.request")
    assert rows == result.rows == RUN["data"]["rows"]
    assert result.to_dict() == RUN["data"]
    assert (result.total_rows, result.schema) == (2, RUN["data"]["schema"])
    assert (result.status, result.succeeded, result.complete, result.error) == ("completed", True, True, None)
    assert (result.workflow_id, result.result_id) == (42, "dataRef:wf42_1714392000_abc123")
    assert result.execution_time == timedelta(milliseconds=2340)
    assert result.meta.request_id == "req_exec_789"
    assert (len(pages), [*pages[0]], pages[0].has_more, pages[0].meta) == (1, rows, False, result.meta)


async def test_a_run_without_parameters_has_no_body(face: Face) -> None:
    with ScriptedServer([Json(200, RUN)]) as server:
        async with face.client(server.url) as client:
            await client.workflows.execute("42")
    assert server.requests[0].body == b""
    assert server.requests[0].header("content-type") is None


async def test_the_documented_page_of_rows_is_read(face: Face) -> None:
    page = example("results_get.response")
    with ScriptedServer([Json(200, page)]) as server:
        async with face.client(server.url) as client:
            found = await client.workflows.results(42, RESULT_ID, page=0, limit=100)
    assert server.requests[0].path == "/api/v1/workflows/42/data/dataRef%3Awf42_abc123"
    assert server.requests[0].query == {"page": "0", "limit": "100"}
    assert found.to_dict() == page["data"]
    assert (found.total_rows, found.page, found.limit, found.has_more) == (248, 0, 100, True)
    assert [*found] == found.rows == page["data"]["rows"]
    assert (len(found), found[0], found.schema) == (2, found.rows[0], page["data"]["schema"])


async def test_after_the_rows_have_expired_the_run_is_one_call_away(face: Face) -> None:
    params = {"days": [1, 2]}
    answers = [
        enveloped(run_of(ROWS[:1], 2)),
        refused(404, "DATA_EXPIRED"),
        enveloped(run_of(ROWS[:2], result_id="dataRef:new")),
    ]
    with ScriptedServer(answers) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42, params=params)
            params["days"].append(3)
            with pytest.raises(DataExpiredError) as caught:
                _ = [row async for row in result.iter_rows()]
            anew = await result.again()
            assert await anew.to_dicts() == ROWS[:2]
    assert "again()" in caught.value.__notes__[0]
    first, _, second = server.requests
    assert first.json() == second.json() == {"params": {"days": [1, 2]}}
    assert first.header("idempotency-key") != second.header("idempotency-key")
    assert anew.result_id == "dataRef:new"


async def test_a_failed_run_raises_and_keeps_its_result(face: Face) -> None:
    failed = enveloped(run_of([], status="failed", error="division by zero", result_id=None))
    with ScriptedServer([failed, failed]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(WorkflowFailedError, match="workflow 42 failed: division by zero") as caught:
                await client.workflows.execute(42)
            result = await client.workflows.execute(42, raise_on_failure=False)
            assert await result.to_dicts() == []
    assert caught.value.result.error == "division by zero"
    assert caught.value.request_id == "req_1"
    assert (result.status, result.succeeded, result.complete) == ("failed", False, True)
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.result) == (str(caught.value), caught.value.result)


async def test_a_word_that_is_newer_than_the_sdk_is_no_failure(face: Face) -> None:
    with ScriptedServer([enveloped(run_of([], status="partially"))]) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42)
    assert (result.status, result.succeeded) == ("partially", False)


@pytest.mark.parametrize("failure", [Reset(), refused(500, "INTERNAL_ERROR"), refused(503, "SERVICE_UNAVAILABLE")])
async def test_a_run_is_never_repeated_on_a_server_that_does_not_know_keys(face: Face, failure: Any) -> None:
    with ScriptedServer([failure]) as server, instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.workflows.execute(42)
    assert len(server.requests) == 1
    assert isinstance(caught.value, SubmitOutcomeUnknown) == (getattr(failure, "status", 0) != 503)
    assert caught.value.idempotency_key == server.requests[0].header("idempotency-key")


async def test_a_server_that_honours_keys_gets_the_same_key_again(face: Face) -> None:
    answers = [enveloped({"valid": True}, headers=HONOURS), Reset(), enveloped(run_of(ROWS[:1]))]
    with ScriptedServer(answers) as server, instant_retries():
        async with face.client(server.url) as client:
            await client.workflows.validate(42)
            await client.workflows.execute(42, idempotency_key="mine")
    assert [request.header("idempotency-key") for request in server.requests[1:]] == ["mine", "mine"]


async def test_that_the_platform_honours_keys_says_nothing_of_workflows(face: Face) -> None:
    answers = [Json(200, {"jobs": [], "total": 0}, HONOURS), Reset()]
    with ScriptedServer(answers) as server, instant_retries():
        async with face.client(server.url) as client:
            await client.jobs.list()
            with pytest.raises(SubmitOutcomeUnknown):
                await client.workflows.execute(42)
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", [VantageClient, AsyncVantageClient])
def test_a_run_has_no_timeout_unless_it_is_given_one(kind: Any) -> None:
    io = RecordingIO(lambda wire: json_answer({"success": True, "data": run_of(ROWS[:1])}))
    workflows = client_of(io, kind).workflows
    for options in ({}, {"timeout": 5}, {"deadline": 5}):
        begun = workflows.execute(42, **options)
        _ = run(begun) if kind is AsyncVantageClient else begun
    assert [wire.at is None for wire in io.wires] == [True, False, False]


async def test_odd_parameters_are_refused_before_anything_is_sent(face: Face) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        for bad in ([], "x", 1):
            with pytest.raises(TypeError, match="params takes a mapping"):
                await client.workflows.execute(42, params=bad)
        with pytest.raises(TypeError, match="params cannot be sent as JSON"):
            await client.workflows.execute(42, params={"at": object()})


async def test_results_compare_by_content_and_a_pickled_one_knows_its_first_rows(face: Face) -> None:
    answers = [enveloped(run_of(ROWS[:2])), enveloped(run_of(ROWS[:2])), enveloped(run_of(ROWS[:2], 4))]
    with ScriptedServer(answers) as server:
        async with face.client(server.url) as client:
            one, two, part = [await client.workflows.execute(42) for _ in range(3)]
            results = [getattr(result, "_resource", result) for result in (one, two, part)]
    whole, same, partly = results
    assert whole == same != partly
    assert whole != "another thing"
    assert copy.copy(whole) is whole
    assert copy.deepcopy(whole) == whole
    twin, torn = pickle.loads(pickle.dumps(whole)), pickle.loads(pickle.dumps(partly))
    assert (twin, torn) == (whole, partly)
    if face.is_blocking:
        assert twin.to_dicts() == list(twin.iter_rows()) == ROWS[:2]
        assert len(twin.to_pandas()) == 2
        with pytest.raises(RuntimeError, match=r"client\.workflows\.iter_rows"):
            torn.to_dicts()
        with pytest.raises(RuntimeError, match="has no client"):
            torn.again()
    else:
        assert await twin.to_dicts() == ROWS[:2]
        assert len(await twin.to_pandas()) == 2
        with pytest.raises(RuntimeError, match="has no client"):
            await torn.to_dicts()


async def test_a_result_shows_itself_without_markup_of_others(face: Face) -> None:
    rows = [{"<b>": "<script>alert(1)</script>", "n": "x" * 1000}]
    with ScriptedServer([enveloped(run_of(rows, 5, schema={}, status="completed<i>"))]) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42)
    shown = result._repr_html_() if face.is_blocking is False else result._resource._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<i>" not in shown
    assert "<th>&lt;b&gt;</th>" in shown
    assert "… of 5" in shown
    assert "x" * 201 not in shown
    assert repr(getattr(result, "_resource", result)) == "<WorkflowResult of workflow 42: completed<i>, 5 rows>"
