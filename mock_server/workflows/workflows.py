"""Workflows: definitions with their graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from mock_server.errors import ApiError
from mock_server.pipelines.graph import Graph
from mock_server.routes import Call, Routes
from mock_server.validation import Maybe, QueryCount, QueryNumber, StrictBody, StrictQuery
from mock_server.workflows.dialect import stamp
from mock_server.workflows.graphs import (
    EdgeView,
    EdgeWrite,
    NodeView,
    NodeWrite,
    built,
    node_id_map,
    view_edges,
    view_nodes,
)

if TYPE_CHECKING:
    from mock_server.world.workflow_store import Workflow

READ, WRITE = "workflows:read", "workflows:write"
MAX_LIMIT = 100

routes = Routes("workflows", prefix="/api/v1")

Title = Annotated[str, Field(min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=10_000)]


class Paging(StrictQuery):
    """Which part of the list."""

    page: QueryCount = Field(default=0, description="Page number from 0.")
    limit: QueryNumber = Field(default=50, description="Page size; more than 100 is taken as 100.")


class WorkflowCreate(StrictBody):
    """A new workflow; edges tell nodes by their place."""

    title: Title
    description: Maybe[Description] = None
    nodes: Maybe[list[NodeWrite]] = None
    edges: Maybe[list[EdgeWrite]] = None


class WorkflowUpdate(StrictBody):
    """What to change; ``nodes`` replace the whole graph."""

    title: Maybe[Title] = None
    description: Maybe[Description] = None
    is_active: Maybe[bool] = None
    nodes: Maybe[list[NodeWrite]] = None
    edges: Maybe[list[EdgeWrite]] = None


class WorkflowSummary(TypedDict):
    """A workflow in a list."""

    id: int
    title: str
    description: str | None
    is_active: bool
    created: str
    modified: str
    node_count: int
    edge_count: int


class WorkflowPage(TypedDict):
    """One page of workflows."""

    workflows: list[WorkflowSummary]
    total: int
    page: int
    limit: int


class WorkflowView(TypedDict):
    """A workflow with its graph; the map from places to ids is there after the graph was written."""

    id: int
    title: str
    description: str | None
    is_active: bool
    created: str
    modified: str
    nodes: list[NodeView]
    edges: list[EdgeView]
    node_id_map: NotRequired[dict[str, int]]


@routes.get("/workflows", scope=READ)
async def list_(call: Call[Paging, None]) -> WorkflowPage:
    """List workflows."""
    found, limit = call.state.workflows.visible(call.credential), min(call.query.limit, MAX_LIMIT)
    start = call.query.page * limit
    return {
        "workflows": [view_summary(workflow) for workflow in found[start : start + limit]],
        "total": len(found),
        "page": call.query.page,
        "limit": limit,
    }


@routes.get("/workflows/{workflow_id}", scope=READ)
async def get(call: Call[None, None]) -> WorkflowView:
    """Get a workflow."""
    return view_workflow(workflow_of(call))


@routes.post("/workflows", status=201, scope=WRITE, conflicts=True)
async def create(call: Call[None, WorkflowCreate]) -> WorkflowView:
    """Create a workflow."""
    body, store = call.body, call.state.workflows
    graph = built(store, body.nodes, body.edges) or Graph((), ())
    workflow = store.create(body.title, body.description, call.credential, graph)
    return {**view_workflow(workflow), "node_id_map": node_id_map(graph)}


@routes.patch("/workflows/{workflow_id}", scope=WRITE, conflicts=True)
async def update(call: Call[None, WorkflowUpdate]) -> WorkflowView:
    """Update a workflow."""
    workflow, body, store = workflow_of(call), call.body, call.state.workflows
    graph = built(store, body.nodes, body.edges)
    store.change(workflow, body.model_dump(exclude_unset=True, exclude={"nodes", "edges"}), graph)
    view = view_workflow(workflow)
    return view if graph is None else {**view, "node_id_map": node_id_map(graph)}


@routes.delete("/workflows/{workflow_id}", scope=WRITE)
async def delete(call: Call[None, None]) -> None:
    """Delete a workflow."""
    call.state.workflows.delete(workflow_of(call))


def workflow_of(call: Call[Any, Any]) -> Workflow:
    """Return the workflow that the path names, or raise a 404, also for one out of the key's reach."""
    text = call.path["workflow_id"]
    workflow = call.state.workflows.get(number_of(text), call.credential)
    if workflow is None:
        raise ApiError(404, f"Workflow {text[:50]} not found", code="WORKFLOW_NOT_FOUND")
    return workflow


def number_of(text: str) -> int:
    """Return the id in a path, one that nothing has for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def view_summary(workflow: Workflow) -> WorkflowSummary:
    """Show a workflow in a list."""
    return {
        "id": workflow.id,
        "title": workflow.title,
        "description": workflow.description,
        "is_active": workflow.is_active,
        "created": stamp(workflow.created_at),
        "modified": stamp(workflow.modified_at),
        "node_count": len(workflow.graph.nodes),
        "edge_count": len(workflow.graph.edges),
    }


def view_workflow(workflow: Workflow) -> WorkflowView:
    """Show a workflow with its graph."""
    return {
        "id": workflow.id,
        "title": workflow.title,
        "description": workflow.description,
        "is_active": workflow.is_active,
        "created": stamp(workflow.created_at),
        "modified": stamp(workflow.modified_at),
        "nodes": view_nodes(workflow.graph),
        "edges": view_edges(workflow.graph),
    }
