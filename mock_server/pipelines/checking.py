"""Whether a graph can run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mock_server.pipelines.catalogue import NODE_TYPES
from mock_server.pipelines.config import messages
from mock_server.pipelines.graph import Edge, Graph, Node, Problem, order, reachable
from mock_server.pipelines.node_type import ROLES

MAX_NODES = 500
MAX_EDGES = 2_000


def problems(graph: Graph) -> list[Problem]:
    """Return what keeps a graph from running: first what concerns a node, then its edges, then the whole."""
    if len(graph.nodes) > MAX_NODES or len(graph.edges) > MAX_EDGES:
        return [Problem(None, f"A workflow has at most {MAX_NODES} nodes and {MAX_EDGES} edges")]
    return [*_of_nodes(graph), *_of_edges(graph), *_of_inputs(graph), *_of_the_whole(graph)]


def warnings(graph: Graph) -> list[Problem]:
    """Return what is odd about a graph but does not keep it from running."""
    return [*_unused(graph), *_roles(graph), *_ignored(graph)]


def _of_nodes(graph: Graph) -> Iterator[Problem]:
    for node_id, count in Counter(node.id for node in graph.nodes).items():
        if count > 1:
            yield Problem(node_id, "There are several nodes with this id")
    for node in graph.nodes:
        if node.node_role not in ROLES:
            yield Problem(node.id, f"Unknown node role: {node.node_role}")
        if node.node_type not in NODE_TYPES:
            yield Problem(node.id, f"Unknown node type: {node.node_type}")
        else:
            for message in messages(NODE_TYPES[node.node_type].config, node.config):
                yield Problem(node.id, message)


def _of_edges(graph: Graph) -> Iterator[Problem]:
    nodes = {node.id: node for node in graph.nodes}
    taken: Counter[tuple[int, str]] = Counter()
    for edge in graph.edges:
        missing = [end for end in (edge.source_node_id, edge.target_node_id) if end not in nodes]
        if missing:
            yield Problem(None, f"Edge {edge.id} refers to node {missing[0]}, which is not in the workflow")
            continue
        yield from _of_slots(edge, nodes[edge.source_node_id], nodes[edge.target_node_id])
        taken[edge.target_node_id, edge.target_key] += 1
    for (node_id, key), count in taken.items():
        if count > 1:
            yield Problem(node_id, f"Input {key} has {count} edges; it takes one")


def _of_slots(edge: Edge, source: Node, target: Node) -> Iterator[Problem]:
    from_type, to_type = NODE_TYPES.get(source.node_type), NODE_TYPES.get(target.node_type)
    if from_type is not None and edge.source_key not in from_type.outputs:
        yield Problem(source.id, f"Unknown output: {edge.source_key}")
    if to_type is not None and edge.target_key not in to_type.inputs:
        yield Problem(target.id, f"Unknown input: {edge.target_key}")


def _of_inputs(graph: Graph) -> Iterator[Problem]:
    taken = {(edge.target_node_id, edge.target_key) for edge in graph.edges}
    for node in graph.nodes:
        node_type = NODE_TYPES.get(node.node_type)
        for key in node_type.required_inputs if node_type else ():
            if (node.id, key) not in taken:
                yield Problem(node.id, f"Nothing is connected to {key}")


def _of_the_whole(graph: Graph) -> Iterator[Problem]:
    done = {node.id for node in order(graph)}
    left = [node for node in graph.nodes if node.id not in done]
    on_cycle = [node for node in left if node.id in _after(graph, node.id)]
    if on_cycle:
        names = ", ".join(node.title for node in on_cycle[:10])
        yield Problem(on_cycle[0].id, f"The workflow has a cycle through {names}")
    if not any(node.node_role == "terminator" for node in graph.nodes):
        yield Problem(None, "No terminator node found in workflow")


def _after(graph: Graph, node_id: int) -> set[int]:
    return reachable(graph, [edge.target_node_id for edge in graph.edges if edge.source_node_id == node_id])


def _unused(graph: Graph) -> Iterator[Problem]:
    ends = [node.id for node in graph.nodes if node.node_role == "terminator"]
    used = reachable(graph, ends, backwards=True)
    for node in graph.nodes:
        if ends and node.id not in used:
            yield Problem(node.id, "The rows of this node reach no terminator")


def _roles(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes:
        node_type = NODE_TYPES.get(node.node_type)
        if node_type is not None and node.node_role in ROLES and node_type.role != node.node_role:
            yield Problem(node.id, f"{node.node_type} is a {node_type.role}, not a {node.node_role}")


def _ignored(graph: Graph) -> Iterator[Problem]:
    into = {edge.target_node_id for edge in graph.edges}
    for node in graph.nodes:
        node_type = NODE_TYPES.get(node.node_type)
        if node_type is not None and node_type.role == "getter" and node.id in into:
            yield Problem(node.id, "A getter does not use the rows that are connected to it")
