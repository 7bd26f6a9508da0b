"""Graphs as they come in and as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from mock_server.errors import Fault, invalid
from mock_server.pipelines.catalogue import NODE_TYPES
from mock_server.pipelines.checking import MAX_EDGES, MAX_NODES
from mock_server.pipelines.graph import Edge, Graph, Node, order
from mock_server.validation import StrictBody
from mock_server.world.workflow_store import EdgeDraft, NodeDraft, WorkflowStore

NodeRole = Literal["getter", "setter", "terminator"]
Slot = Annotated[str, Field(min_length=1, max_length=100)]


class NodeWrite(StrictBody):
    """A node to make."""

    node_type: Annotated[str, Field(min_length=1, max_length=200)]
    node_role: NodeRole
    label: Annotated[str, Field(max_length=255)] = ""
    config: dict[str, Any] = Field(default_factory=dict[str, Any])


class EdgeWrite(StrictBody):
    """An edge to make; nodes are told by their place in the list."""

    source_node_index: Annotated[int, Field(ge=0)]
    target_node_index: Annotated[int, Field(ge=0)]
    source_key: Slot = "output1"
    target_key: Slot = "input1"


class NodeView(TypedDict):
    """A node."""

    id: int
    node_type: str
    node_role: NodeRole
    label: str
    config: dict[str, Any]


class EdgeView(TypedDict):
    """An edge."""

    id: int
    source_node_id: int
    target_node_id: int
    source_key: str
    target_key: str


def built(store: WorkflowStore, nodes: Sequence[NodeWrite] | None, edges: Sequence[EdgeWrite] | None) -> Graph | None:
    """Return the graph for what was sent, ``None`` if there was none; refuse it whole if anything in it is wrong.

    What a draft may still lack, as a terminator or a setting, is left to validation.
    """
    if nodes is None:
        if edges is not None:
            raise invalid([Fault("edges", "invalid_value", "Edges need the nodes that they connect")])
        return None
    if faults := [*_of_nodes(nodes), *_of_edges(nodes, edges or ())]:
        raise invalid(faults)
    drafts = [NodeDraft(node.node_type, node.node_role, node.label or _label(node), node.config) for node in nodes]
    links = [
        EdgeDraft(edge.source_node_index, edge.target_node_index, edge.source_key, edge.target_key)
        for edge in edges or ()
    ]
    if cycle := _cycle(drafts, links):
        raise invalid([Fault("edges", "invalid_value", f"The edges make a cycle through nodes {cycle}")])
    return store.graph(drafts, links)


def _of_nodes(nodes: Sequence[NodeWrite]) -> list[Fault]:
    if len(nodes) > MAX_NODES:
        return [Fault("nodes", "invalid_value", f"At most {MAX_NODES} nodes")]
    return [
        Fault(f"nodes.{place}.node_type", "invalid_value", f"Unknown node type: {node.node_type}")
        for place, node in enumerate(nodes)
        if node.node_type not in NODE_TYPES
    ]


def _of_edges(nodes: Sequence[NodeWrite], edges: Sequence[EdgeWrite]) -> list[Fault]:
    if len(edges) > MAX_EDGES:
        return [Fault("edges", "invalid_value", f"At most {MAX_EDGES} edges")]
    faults: list[Fault] = []
    for place, edge in enumerate(edges):
        faults += [
            Fault(f"edges.{place}.{name}", "invalid_value", f"There are {len(nodes)} nodes")
            for name in ("source_node_index", "target_node_index")
            if getattr(edge, name) >= len(nodes)
        ]
        if edge.source_node_index == edge.target_node_index:
            faults.append(Fault(f"edges.{place}", "invalid_value", "An edge connects two different nodes"))
    return faults


def _cycle(nodes: Sequence[NodeDraft], edges: Sequence[EdgeDraft]) -> str:
    """Return the places of nodes that lie on a cycle or behind one, nothing if there is none."""
    numbered = tuple(Node(place, node.node_type, node.node_role, "", {}) for place, node in enumerate(nodes))
    graph = Graph(numbered, tuple(Edge(place, edge.source, edge.target) for place, edge in enumerate(edges)))
    done = {node.id for node in order(graph)}
    return ", ".join(str(place) for place in range(len(nodes)) if place not in done)


def _label(node: NodeWrite) -> str:
    found = NODE_TYPES.get(node.node_type)
    return found.label if found else node.node_type


def view_nodes(graph: Graph) -> list[NodeView]:
    """Show the nodes of a graph."""
    return [
        {
            "id": node.id,
            "node_type": node.node_type,
            "node_role": node.node_role,  # type: ignore[typeddict-item]
            "label": node.label,
            "config": dict(node.config),
        }
        for node in graph.nodes
    ]


def view_edges(graph: Graph) -> list[EdgeView]:
    """Show the edges of a graph."""
    return [
        {
            "id": edge.id,
            "source_node_id": edge.source_node_id,
            "target_node_id": edge.target_node_id,
            "source_key": edge.source_key,
            "target_key": edge.target_key,
        }
        for edge in graph.edges
    ]


def node_id_map(graph: Graph) -> dict[str, int]:
    """Return the ids of nodes by their place."""
    return {str(place): node.id for place, node in enumerate(graph.nodes)}
