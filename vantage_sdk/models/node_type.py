"""What the nodes of a workflow can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from vantage_sdk.models.base import Model
from vantage_sdk.models.envelope import Enveloped


class NodeCategory(Model):
    """A group of node types, and how many of them the catalogue has."""

    id: int
    name: str
    node_count: int | None = None


class NodeType(Model):
    """A kind of node: its name as in ``stripe/listCharges``, its role, and the slots that edges lead to and from.

    ``config_schema`` is what its settings may be, as JSON Schema, if the server tells.
    """

    node_type: str
    category: str | None = None
    label: str | None = None
    node_role: str | None = None
    description: str | None = None
    inputs: list[str] = Field(default_factory=list[str])
    outputs: list[str] = Field(default_factory=list[str])
    requires_credential: bool | None = None
    config_schema: dict[str, Any] | None = None


class NodeTypes(Enveloped):
    """The node types that were asked for, itself a sequence of them, and their categories."""

    node_types: list[NodeType] = Field(default_factory=list[NodeType])
    categories: list[NodeCategory] = Field(default_factory=list[NodeCategory])
    total: int | None = None

    def __iter__(self) -> Iterator[NodeType]:  # type: ignore[override]
        return iter(self.node_types)

    def __len__(self) -> int:
        return len(self.node_types)

    def __getitem__(self, index: int) -> NodeType:
        return self.node_types[index]
