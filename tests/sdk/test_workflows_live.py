"""Workflows of the client against the server: built, run, walked, expired, repeated, refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from vantage_sdk import (
    AuthenticationError,
    AuthorizationError,
    DataExpiredError,
    RateLimitError,
    ResourceNotFoundError,
    ValidationError,
    WorkflowFailedError,
    WorkflowGraph,
)
from vantage_sdk.core.io.asynchronous import AnyIO
from vantage_sdk.core.io.blocking import BlockingIO
from vantage_sdk.testing import instant_retries

KEY = {"workflows_key": "vntg_your_key_here"}


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="manual", rate_limits=False) as running:
        yield running


def sales(rows: int, **column: Any) -> WorkflowGraph:
    """Return a workflow of so many rows."""
    graph = WorkflowGraph("Sales")
    charges = graph.getter("stripe/listCharges", limit=rows)
    column = column or {"column_name": "dollars", "expression": "amount / 100"}
    dollars = graph.setter("queryoperators/computedColumn", after=charges, **column)
    graph.terminator("termination/dashboardOutput", after=dollars)
    return graph


async def test_from_a_graph_to_all_of_its_rows(face: Face, server: MockServer) -> None:
    async with face.client(server.url, **KEY) as client:
        workflow = await client.workflows.create(sales(950))
        assert [node.node_role for node in workflow.nodes] == ["getter", "setter", "terminator"]
        assert await client.workflows.validate(workflow.id)
        result = await client.workflows.execute(workflow.id)
        assert (result.status, result.total_rows, len(result.rows), result.complete) == ("completed", 950, 100, False)
        rows = [row async for row in result.iter_rows(page_size=300)]
        assert rows == await result.to_dicts()
        assert rows[:100] == result.rows
        assert all(row["dollars"] == row["amount"] / 100 for row in rows)
        assert len({row["charge_id"] for row in rows}) == 950
        pages = [len(page.rows) async for page in result.iter_pages(page_size=300)]
        assert pages == [300, 300, 300, 50]
        again = await result.again()
        assert (again.total_rows, again.result_id == result.result_id) == (950, False)
    assert len(server.workflows.executions) == 2


async def test_rows_that_have_expired(face: Face, server: MockServer) -> None:
    async with face.client(server.url, **KEY) as client:
        workflow = await client.workflows.create(sales(150))
        result = await client.workflows.execute(workflow.id)
        server.advance(3600)
        with pytest.raises(DataExpiredError, match="again"):
            await result.to_dicts()
        assert len(await (await result.again()).to_dicts()) == 150


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "503", "cut=20"])
async def test_a_workflow_runs_once_whatever_the_connection_does(fault: str, face: Face, server: MockServer) -> None:
    server.faults.set(f"POST */execute: {fault}, ok*")
    async with face.client(server.url, **KEY) as client:
        await client.workflows.get(42)  # which tells that this server honours idempotency keys
        with instant_retries():
            result = await client.workflows.execute(42)
    assert result.succeeded
    assert len(server.workflows.executions) == 1


async def test_a_run_that_fails(face: Face, server: MockServer) -> None:
    async with face.client(server.url, **KEY) as client:
        workflow = await client.workflows.create(sales(5, column_name="x", expression="nothing + 1"))
        with pytest.raises(WorkflowFailedError, match="nothing") as caught:
            await client.workflows.execute(workflow.id)
        assert caught.value.result.rows == []
        result = await client.workflows.execute(workflow.id, raise_on_failure=False)
        assert result.status == "failed"


async def test_what_cannot_run_is_refused_on_both_sides(face: Face, server: MockServer) -> None:
    draft = WorkflowGraph("draft")
    draft.getter("stripe/listCharges")
    with pytest.raises(ValueError, match="terminator"):
        draft.check()
    async with face.client(server.url, **KEY) as client:
        stored = await client.workflows.create(draft.to_dict())
        found = await client.workflows.validate(stored.id)
        assert [problem.message for problem in found.errors] == ["No terminator node found in workflow"]
        with pytest.raises(ValidationError, match="No terminator"):
            await client.workflows.execute(stored.id)
        before = await client.workflows.get(42)
        wrong = before.graph.to_dict()["nodes"]
        wrong[1]["node_type"] = "nothing/here"
        with pytest.raises(ValidationError, match="nothing/here"):
            await client.workflows.update(42, title="half", graph={"nodes": wrong})
        assert await client.workflows.get(42) == before


async def test_lists_count_from_zero_and_nobody_notices(face: Face, server: MockServer) -> None:
    async with face.client(server.url, **KEY) as client:
        for _ in range(6):
            await client.workflows.create(sales(1))
        listed = [workflow.id async for workflow in client.workflows.list_all(page_size=2)]
        first = await client.workflows.list(limit=3)
        second = await client.workflows.list(limit=3, page_token=first.next_page_token)
    assert listed == [42, *range(43, 49)]
    assert [one.id for one in [*first, *second]] == listed[:6]


async def test_keys_with_scopes(face: Face, server: MockServer) -> None:
    async with face.client(server.url, **KEY) as client:
        made = await client.keys.create("reader", scopes=["workflows:read"])
        async with face.client(server.url, workflows_key=made.full_key.reveal()) as reader:
            assert (await reader.workflows.get(42)).id == 42
            with pytest.raises(AuthorizationError, match="workflows:execute"):
                await reader.workflows.execute(42)
            await client.keys.revoke(made.key.id)
            with pytest.raises(AuthenticationError):
                await reader.workflows.get(42)
        [left] = [key for key in await client.keys.list() if key.id == made.key.id]
        assert left.is_active is False
        with pytest.raises(ResourceNotFoundError) as caught:
            await client.keys.revoke(999)
        assert caught.value.code == "KEY_NOT_FOUND"


async def test_sixty_requests_a_minute_are_no_event(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause of the client is one of the server."""
    paused: list[float] = []

    async def pause(_: Any, seconds: float, *_abort: Any) -> None:
        paused.append(seconds)
        server.advance(seconds)

    monkeypatch.setattr(BlockingIO, "sleep", pause)
    monkeypatch.setattr(AnyIO, "sleep", pause)
    with MockServer(clock="manual") as server:
        async with face.client(server.url, **KEY) as client:
            for _ in range(125):
                await client.workflows.get(42)
            with pytest.raises(RateLimitError):
                for _ in range(60):
                    await client.workflows.get(42, deadline=30)
        assert [record.status for record in server.journal].count(429) == 3
    assert [int(seconds) for seconds in paused] == [60, 60]
