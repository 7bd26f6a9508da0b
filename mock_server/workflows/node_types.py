"""What nodes can be."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from mock_server.pipelines.catalogue import CATEGORIES, NODE_TYPES, node_count
from mock_server.pipelines.node_type import NodeType
from mock_server.routes import Call, Routes
from mock_server.validation import StrictQuery
from mock_server.workflows.graphs import NodeRole
from mock_server.workflows.workflows import READ

routes = Routes("node_types", prefix="/api/v1")


class Choice(StrictQuery):
    """Which node types."""

    category: str | None = Field(default=None, description="A part of the name of their category, in any case.")
    role: NodeRole | None = Field(default=None, description="Only those for this role.")

    def wants(self, node_type: NodeType) -> bool:
        named = self.category is None or self.category.lower() in node_type.category.name.lower()
        return named and self.role in (None, node_type.role)


class CategoryView(TypedDict):
    """A category with the number of all its node types."""

    id: int
    name: str
    node_count: int


class NodeTypeView(TypedDict):
    """One node type; ``config_schema`` says what its settings may be, as JSON Schema."""

    node_type: str
    category: str
    label: str
    node_role: NodeRole
    description: str
    inputs: list[str]
    outputs: list[str]
    requires_credential: bool
    config_schema: dict[str, Any]


class NodeTypeList(TypedDict):
    """The node types that were asked for, with their categories."""

    categories: list[CategoryView]
    node_types: list[NodeTypeView]
    total: int


@routes.get("/node-types", scope=READ)
async def list_(call: Call[Choice, None]) -> NodeTypeList:
    """List available node types."""
    found = [node_type for node_type in NODE_TYPES.values() if call.query.wants(node_type)]
    used = {node_type.category for node_type in found}
    return {
        "categories": [
            {"id": category.id, "name": category.name, "node_count": node_count(category)}
            for category in CATEGORIES
            if category in used
        ],
        "node_types": [_view(node_type) for node_type in found],
        "total": len(found),
    }


def _view(node_type: NodeType) -> NodeTypeView:
    return {
        "node_type": node_type.name,
        "category": node_type.category.name,
        "label": node_type.label,
        "node_role": node_type.role,
        "description": node_type.description,
        "inputs": list(node_type.inputs),
        "outputs": list(node_type.outputs),
        "requires_credential": node_type.requires_credential,
        "config_schema": _schema(node_type.config),
    }


@cache
def _schema(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_json_schema()
