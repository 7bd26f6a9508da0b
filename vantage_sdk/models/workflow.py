"""Workflows: a summary in lists, else the whole graph."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.envelope import Enveloped
from vantage_sdk.models.workflow_graph import WorkflowGraph


class WorkflowNode(Model):
    """A node of a stored workflow; ``node_role`` is ``getter``, ``setter`` or ``terminator``."""

    id: int
    node_type: str
    node_role: str | None = None
    label: str | None = None
    config: dict[str, Any] = Field(default_factory=dict[str, Any])


class WorkflowEdge(Model):
    """What leads from an output of one node to an input of another."""

    id: int | None = None
    source_node_id: int
    target_node_id: int
    source_key: str = "output1"
    target_key: str = "input1"


class WorkflowSummary(Model):
    """A workflow as it stands in a list."""

    id: int
    title: str | None = None
    description: str | None = None
    is_active: bool | None = None
    created: Timestamp | None = None
    modified: Timestamp | None = None
    node_count: int | None = None
    edge_count: int | None = None


class Workflow(Enveloped):
    """A workflow with its nodes and edges.

    After its graph was written, ``node_id_map`` leads from the position of a node in what was sent, as text, to its id.
    """

    id: int
    title: str | None = None
    description: str | None = None
    is_active: bool | None = None
    created: Timestamp | None = None
    modified: Timestamp | None = None
    nodes: list[WorkflowNode] = Field(default_factory=list[WorkflowNode])
    edges: list[WorkflowEdge] = Field(default_factory=list[WorkflowEdge])
    node_id_map: dict[str, int] | None = None

    @property
    def graph(self) -> WorkflowGraph:
        """Return the graph as one that can be looked at, changed, and given to ``update``; each time a new one."""
        nodes = [node.to_dict() for node in self.nodes]
        return WorkflowGraph.of(self.title or "", self.description, nodes, [edge.to_dict() for edge in self.edges])
