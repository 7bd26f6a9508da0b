"""Building a workflow from its nodes, without counting their positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vantage_sdk.models.graph_checks import circle, label_of, settings

LONGEST_TITLE = 255
OUTPUT, INPUT = "output1", "input1"
TERMINATOR = "terminator"


@dataclass(frozen=True, slots=True, eq=False)
class GraphNode:
    """A node of a graph; give it, or one of its outputs, as ``after`` or in ``inputs`` of another.

    ``id`` is its database id if it comes from a stored workflow.
    """

    node_type: str
    node_role: str
    label: str
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    id: int | None = None

    def output(self, key: str) -> GraphOutput:
        """Return another output than ``output1``; ``key``: its name."""
        return GraphOutput(self, _name(key, "key"))


@dataclass(frozen=True, slots=True)
class GraphOutput:
    """One output of a node."""

    node: GraphNode
    key: str = OUTPUT


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """What leads from an output of one node to an input of another."""

    source: GraphNode
    target: GraphNode
    source_key: str = OUTPUT
    target_key: str = INPUT


Source = GraphNode | GraphOutput


class WorkflowGraph:
    """A workflow to be written: its title and description, its nodes, and what leads from one to the next.

    ``title``: at most 255 characters; ``description``: any text.  ``client.workflows.create(graph)`` stores it.
    """

    def __init__(self, title: str, *, description: str | None = None) -> None:
        self.title = _text(title, "title")
        self.description = description
        self._nodes: list[GraphNode] = []
        self._edges: list[GraphEdge] = []
        self._dangling: list[str] = []

    @classmethod
    def of(
        cls, title: str, description: str | None, nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]]
    ) -> WorkflowGraph:
        """Return the graph of a stored workflow.

        ``title``, ``description``, ``nodes``, ``edges``: as the server tells them, edges by the ids of nodes.
        """
        graph = cls(title, description=description)
        by_id: dict[Any, GraphNode] = {}
        for stored in nodes:
            node_type, role = str(stored.get("node_type")), str(stored.get("node_role"))
            label = stored.get("label") or label_of(node_type)
            node = GraphNode(node_type, role, label, dict(stored.get("config") or {}), stored.get("id"))
            by_id[node.id] = node
            graph._nodes.append(node)
        for edge in edges:
            source, target = (by_id.get(edge.get(f"{end}_node_id")) for end in ("source", "target"))
            if source is None or target is None:
                ends = f"{edge.get('source_node_id')} -> {edge.get('target_node_id')}"
                graph._dangling.append(f"an edge leads from or to a node that is not there: {ends}")
                continue
            keys = (edge.get("source_key") or OUTPUT, edge.get("target_key") or INPUT)
            graph._edges.append(GraphEdge(source, target, *keys))
        return graph

    @property
    def nodes(self) -> Sequence[GraphNode]:
        """Return the nodes in the order in which they are sent."""
        return tuple(self._nodes)

    @property
    def edges(self) -> Sequence[GraphEdge]:
        """Return what leads from node to node."""
        return tuple(self._edges)

    def getter(
        self,
        node_type: str,
        /,
        *,
        label: str | None = None,
        after: Source | list[Source] | tuple[Source, ...] | None = None,
        inputs: Mapping[str, Source] | None = None,
        config: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> GraphNode:
        """Add a node that fetches data; parameters as ``setter``."""
        return self._add("getter", node_type, label, after, inputs, config, settings)

    def setter(
        self,
        node_type: str,
        /,
        *,
        label: str | None = None,
        after: Source | list[Source] | tuple[Source, ...] | None = None,
        inputs: Mapping[str, Source] | None = None,
        config: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> GraphNode:
        """Add a node that changes data, and return it.

        ``node_type``: as in ``queryoperators/filter``; ``label``: default made from the type; ``after``: the node that it reads
        from, or several for ``input1``, ``input2`` and so on; ``inputs``: instead of ``after``, a node for each input by
        name; ``config``: settings whose names are those of a parameter; further keywords: all other settings.  Raises
        ``ValueError`` for a node of another graph.
        """
        return self._add("setter", node_type, label, after, inputs, config, settings)

    def terminator(
        self,
        node_type: str,
        /,
        *,
        label: str | None = None,
        after: Source | list[Source] | tuple[Source, ...] | None = None,
        inputs: Mapping[str, Source] | None = None,
        config: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> GraphNode:
        """Add a node that brings out the result; parameters as ``setter``."""
        return self._add(TERMINATOR, node_type, label, after, inputs, config, settings)

    def connect(self, source: Source, target: GraphNode, *, target_key: str = INPUT) -> None:
        """Let ``target`` read from ``source`` at its input ``target_key``, default ``input1``.

        Raises ``ValueError`` if that input is taken, or if the data would go round in a circle.
        """
        added = self._edges_to(self._own(target), {target_key: source})
        if circle(self._nodes, [(edge.source, edge.target) for edge in (*self._edges, *added)]):
            raise ValueError(f"{target.label!r} would read what it makes itself: the data would go round in a circle")
        self._edges += added

    def problems(self) -> list[str]:
        """Return what is wrong with the graph in itself; what the types of its nodes ask for is known to the server."""
        found = list(self._dangling)
        if not 0 < len(self.title) <= LONGEST_TITLE:
            found.append(f"the title has 1 to {LONGEST_TITLE} characters")
        if not any(node.node_role == TERMINATOR for node in self._nodes):
            found.append("there is no terminator: add one with terminator()")
        inputs = [(edge.target, edge.target_key) for edge in self._edges]
        for node, key in dict.fromkeys(inputs):
            if inputs.count((node, key)) > 1:
                found.append(f"several edges lead to {key} of {node.label!r}")
        if round_trip := circle(self._nodes, [(edge.source, edge.target) for edge in self._edges]):
            found.append("the data goes round in a circle: " + " -> ".join(repr(node.label) for node in round_trip))
        return found

    def check(self) -> None:
        """Raise ``ValueError`` that names all ``problems`` of the graph, if there are any."""
        if found := self.problems():
            raise ValueError(f"the workflow {self.title!r} cannot run: {'; '.join(found)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the documented body, edges by the positions of nodes; nothing is checked, so a draft may be unfinished."""
        place = {node: position for position, node in enumerate(self._nodes)}
        head = {"title": self.title} | ({} if self.description is None else {"description": self.description})
        nodes = [
            {"node_type": node.node_type, "node_role": node.node_role, "label": node.label, "config": dict(node.config)}
            for node in self._nodes
        ]
        edges = [
            {
                "source_node_index": place[edge.source],
                "target_node_index": place[edge.target],
                "source_key": edge.source_key,
                "target_key": edge.target_key,
            }
            for edge in self._edges
        ]
        return {**head, "nodes": nodes, "edges": edges}

    def _add(
        self,
        role: str,
        node_type: str,
        label: str | None,
        after: Source | list[Source] | tuple[Source, ...] | None,
        inputs: Mapping[str, Source] | None,
        config: Mapping[str, Any] | None,
        given: Mapping[str, Any],
    ) -> GraphNode:
        name = label_of(_name(node_type, "node_type")) if label is None else _name(label, "label")
        node = GraphNode(node_type, role, name, settings(config, given))
        self._edges += self._edges_to(node, _slots(after, inputs))
        self._nodes.append(node)
        return node

    def _edges_to(self, target: GraphNode, slots: Mapping[str, Source]) -> list[GraphEdge]:
        taken = {edge.target_key for edge in self._edges if edge.target is target}
        added: list[GraphEdge] = []
        for key, given in slots.items():
            source = given if isinstance(given, GraphOutput) else GraphOutput(given)
            self._own(source.node)
            if key in taken:
                raise ValueError(f"{key} of {target.label!r} reads from another node already")
            added.append(GraphEdge(source.node, target, source.key, _name(key, "the name of an input")))
        return added

    def _own(self, node: Any) -> GraphNode:
        if not isinstance(node, GraphNode):
            raise TypeError(f"after, inputs and connect() take nodes of this graph, not {type(node).__name__}")
        if not any(node is mine for mine in self._nodes):
            raise ValueError(f"{node.label!r} is a node of another graph")
        return node

    def _lines(self) -> Iterator[tuple[str, str, str, str, str]]:
        place = {node: str(position) for position, node in enumerate(self._nodes)}
        for node, number in place.items():
            sources = [edge for edge in self._edges if edge.target is node]
            reads = ", ".join(
                place[edge.source]
                + ("" if edge.source_key == OUTPUT else f".{edge.source_key}")
                + ("" if edge.target_key == INPUT else f" as {edge.target_key}")
                for edge in sources
            )
            config = ", ".join(f"{name}={value!r}" for name, value in node.config.items())
            yield number, f"{node.label} ({node.node_type})", node.node_role, reads, config

    def __str__(self) -> str:
        lines = [
            f"{number:>3}  {role:<10}  {label}" + (f"  <- {reads}" if reads else "")
            for number, label, role, reads, _ in self._lines()
        ]
        return "\n".join([self.title, *lines])

    def __repr__(self) -> str:
        return f"<WorkflowGraph {self.title!r}: {len(self._nodes)} nodes, {len(self._edges)} edges>"

    def _repr_html_(self) -> str:
        from vantage_sdk.notebook import table

        return table(self.title, ("", "node", "role", "reads", "config"), self._lines())


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} takes text, not {type(value).__name__}")
    return value


def _name(value: Any, what: str) -> str:
    if not _text(value, what):
        raise ValueError(f"{what} is empty")
    return str(value)


def _slots(
    after: Source | list[Source] | tuple[Source, ...] | None, inputs: Mapping[str, Source] | None
) -> Mapping[str, Source]:
    if after is not None and inputs is not None:
        raise ValueError("after and inputs are two ways to say the same: give one of them")
    if inputs is not None:
        return inputs
    if after is None:
        return {}
    several = after if isinstance(after, list | tuple) else [after]
    return {f"input{number}": source for number, source in enumerate(several, 1)}
