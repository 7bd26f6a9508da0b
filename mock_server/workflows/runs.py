"""Executing and checking workflows, and the rows that came of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from mock_server.errors import ApiError, Fault as FieldFault, invalid
from mock_server.offloading import in_thread
from mock_server.pipelines import checking, engine
from mock_server.pipelines.errors import GoneError
from mock_server.routes import Call, Routes
from mock_server.validation import QueryCount, QueryNumber, StrictBody, StrictQuery
from mock_server.workflows.workflows import READ, workflow_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from mock_server.pipelines.engine import Run
    from mock_server.pipelines.graph import Problem
    from mock_server.pipelines.results import Result
    from mock_server.world.workflow_store import Workflow

EXECUTE = "workflows:execute"
INLINE = 100
MAX_ROWS = 1000
MAX_PARAMS = 200

routes = Routes("runs", prefix="/api/v1")

Schema = dict[str, str]
Row = dict[str, Any]


class Execution(StrictBody):
    """What the input nodes are given."""

    params: Annotated[dict[str, Any], Field(max_length=MAX_PARAMS)] = Field(default_factory=dict[str, Any])


class Nothing(StrictBody):
    """An empty body."""


class Window(StrictQuery):
    """Which rows."""

    page: QueryCount = Field(default=0, description="Page number from 0.")
    limit: QueryNumber = Field(default=100, description="Rows a page; more than 1000 is taken as 1000.")


class ExecutionView(TypedDict):
    """What came of a run; a failed one has an ``error`` and no rows."""

    workflow_id: int
    status: Literal["completed", "failed"]
    execution_time_ms: int
    result_id: str | None
    rows: list[Row]
    total_rows: int
    schema: Schema
    error: NotRequired[str]


class ProblemView(TypedDict):
    """Something wrong with a node, or with the graph as a whole."""

    node_id: int | None
    message: str


class Validation(TypedDict):
    """Whether a workflow can run: ``warnings`` if it can, ``errors`` if not."""

    valid: bool
    warnings: NotRequired[list[ProblemView]]
    errors: NotRequired[list[ProblemView]]


class RowPage(TypedDict):
    """One page of stored rows."""

    rows: list[Row]
    total_rows: int
    schema: Schema
    page: int
    limit: int
    has_more: bool
    next_page_url: str | None


@routes.post("/workflows/{workflow_id}/execute", scope=EXECUTE, conflicts=True, optional_body=True, refusals=(503,))
async def execute(call: Call[None, Execution]) -> ExecutionView:
    """Execute a workflow and wait for its end."""
    workflow, state = workflow_of(call), call.state
    if found := checking.problems(workflow.graph):
        raise invalid([FieldFault("workflow", "invalid_graph", _text(problem)) for problem in found])
    begun, now = time.monotonic(), state.time.now()
    run = await in_thread(
        state, partial(engine.run, workflow.graph, call.body.params, seed=state.settings.seed, now=now)
    )
    stored = None
    if run.table is not None:
        with _data_store():
            stored = await in_thread(state, partial(state.results.save, workflow.id, run.table))
    state.executions.record(workflow.id, now, run, stored)
    return _view_run(workflow, run, stored, round((time.monotonic() - begun) * 1000))


@routes.post("/workflows/{workflow_id}/validate", scope=READ, conflicts=True, optional_body=True)
async def validate(call: Call[None, Nothing]) -> Validation:
    """Check a workflow without running it."""
    graph = workflow_of(call).graph
    if found := checking.problems(graph):
        return {"valid": False, "errors": [_view_problem(problem) for problem in found]}
    return {"valid": True, "warnings": [_view_problem(problem) for problem in checking.warnings(graph)]}


@routes.get("/workflows/{workflow_id}/data/{result_id}", scope=READ, refusals=(503,))
async def data(call: Call[Window, None]) -> RowPage:
    """Read the rows of an execution."""
    workflow, window = workflow_of(call), call.query
    with _data_store():
        results = call.state.results
        result = results.get(call.path["result_id"])
    if result is None or result.workflow_id != workflow.id:
        raise _expired(call)
    limit = min(window.limit, MAX_ROWS)
    start = window.page * limit
    try:
        with _data_store():
            rows = await in_thread(call.state, partial(results.page, result, min(start, result.total_rows), limit))
    except GoneError:
        raise _expired(call) from None
    more = start + limit < result.total_rows
    return {
        "rows": rows,
        "total_rows": result.total_rows,
        "schema": dict(result.schema),
        "page": window.page,
        "limit": limit,
        "has_more": more,
        "next_page_url": _link(call, window.page + 1, limit) if more else None,
    }


def _view_run(workflow: Workflow, run: Run, stored: Result | None, milliseconds: int) -> ExecutionView:
    view: ExecutionView = {
        "workflow_id": workflow.id,
        "status": run.status,
        "execution_time_ms": milliseconds,
        "result_id": stored.id if stored else None,
        "rows": run.table.rows(0, INLINE) if run.table else [],
        "total_rows": stored.total_rows if stored else 0,
        "schema": dict(stored.schema) if stored else {},
    }
    return view if run.error is None else {**view, "error": run.error}


def _view_problem(problem: Problem) -> ProblemView:
    return {"node_id": problem.node_id, "message": problem.message}


def _text(problem: Problem) -> str:
    return problem.message if problem.node_id is None else f"node {problem.node_id}: {problem.message}"


def _expired(call: Call[Any, Any]) -> ApiError:
    """Return the refusal for rows that are not there any more, or never were: the remedy is the same."""
    return ApiError(
        404, f"The data of {call.path['result_id'][:100]} has expired; execute the workflow again", code="DATA_EXPIRED"
    )


def _link(call: Call[Any, Any], page: int, limit: int) -> str:
    """Return the next page in the documented form, below the mount that was used."""
    mount = call.family.dialect.mount
    base = mount if call.request.scope["path"].startswith(mount + "/") else ""
    workflow_id, result_id = int(call.path["workflow_id"]), call.path["result_id"]
    return f"{base}/api/v1/workflows/{workflow_id}/data/{result_id}?page={page}&limit={limit}"


@contextmanager
def _data_store() -> Generator[None]:
    """Turn what the disk refuses into the documented word for it."""
    try:
        yield
    except OSError as error:
        raise ApiError(503, f"The rows cannot be kept or read at the moment: {error.strerror}") from None
