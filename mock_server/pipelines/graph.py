"""A workflow's graph: nodes, the edges between them, and what may be wrong with either."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """One step; ``config`` are the settings of its type."""

    id: int
    node_type: str
    node_role: str
    label: str
    config: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What to call the node in a message."""
        return f"{self.label or self.node_type} (node {self.id})"


@dataclass(frozen=True, slots=True)
class Edge:
    """Rows go from an output slot of one node to an input slot of another."""

    id: int
    source_node_id: int
    target_node_id: int
    source_key: str = "output1"
    target_key: str = "input1"


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges, in the order in which they were given."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong, with a node or with the graph as a whole."""

    node_id: int | None
    message: str


def order(graph: Graph) -> list[Node]:
    """Return the nodes, each behind those it gets rows from; what lies on a cycle or behind one is left out."""
    waiting = {node.id: 0 for node in graph.nodes}
    behind: dict[int, list[int]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        if edge.source_node_id in behind and edge.target_node_id in behind:
            waiting[edge.target_node_id] += 1
            behind[edge.source_node_id].append(edge.target_node_id)
    nodes = {node.id: node for node in graph.nodes}
    ready = deque(node_id for node_id, count in waiting.items() if not count)
    done: list[Node] = []
    while ready:
        node_id = ready.popleft()
        done.append(nodes[node_id])
        for target in behind[node_id]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return done


def reachable(graph: Graph, starts: Iterable[int], *, backwards: bool = False) -> set[int]:
    """Return the ids of the nodes that rows from ``starts`` can get to, or come from with ``backwards``."""
    ends = [(edge.source_node_id, edge.target_node_id) for edge in graph.edges]
    following: dict[int, list[int]] = {}
    for source, target in ends:
        first, second = (target, source) if backwards else (source, target)
        following.setdefault(first, []).append(second)
    found = set(starts)
    waiting = list(found)
    while waiting:
        new = set(following.get(waiting.pop(), ())) - found
        found |= new
        waiting.extend(new)
    return found
