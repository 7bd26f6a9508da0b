"""Running a graph: every node once, in topological order, over rows in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mock_server.pipelines.catalogue import NODE_TYPES
from mock_server.pipelines.checking import problems
from mock_server.pipelines.config import Config, filled, messages
from mock_server.pipelines.delivery import Delivery
from mock_server.pipelines.errors import PipelineError, TooLargeError
from mock_server.pipelines.graph import Graph, Node, order
from mock_server.pipelines.node_type import NodeType, Source, Step, World
from mock_server.pipelines.sources.reading import overridden
from mock_server.pipelines.table import MAX_ROWS, Table

if TYPE_CHECKING:
    from mock_server.pipelines import lazy_polars as pl

MAX_BYTES = 1024**3
"""How much memory the rows that leave one node may take."""

_DASHBOARD = "termination/dashboardOutput"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of an execution; a failed one has an ``error`` and has sent nothing."""

    status: Literal["completed", "failed"]
    error: str | None = None
    table: Table | None = None
    deliveries: tuple[Delivery, ...] = ()


def run(
    graph: Graph, params: Mapping[str, Any], *, seed: int, now: float, tables: Mapping[str, Source] | None = None
) -> Run:
    """Run a graph and return the rows of its dashboard, or else of its first terminator.

    ``params`` take the place of settings of getters and of ``{{name}}`` in any config.  ``tables`` are from elsewhere and
    take the place of what getters would make up, by node type.  What a workflow's author can cause is a failed run, never an exception.
    """
    if found := problems(graph):
        return Run("failed", found[0].message)
    running = _Running(graph, World(seed, now, params, tables or {}))
    for node in order(graph):
        try:
            running.step(node)
        except PipelineError as error:
            return Run("failed", f"{node.title}: {error}")
    return Run("completed", None, Table(running.result()), running.deliveries())


class _Running:
    """The rows between the nodes of one run; rows that nobody needs any more are let go."""

    def __init__(self, graph: Graph, world: World) -> None:
        self._graph = graph
        self._world = world
        self._outputs: dict[int, pl.DataFrame] = {}
        self._readers = Counter(edge.source_node_id for edge in graph.edges)
        self._result_id = _result_node(graph).id
        self._sent: list[Delivery] = []

    def step(self, node: Node) -> None:
        """Run one node."""
        node_type = NODE_TYPES[node.node_type]
        step = Step(node, self._config(node, node_type), self._inputs(node), self._world)
        frame = node_type.run(step)
        if frame.height > MAX_ROWS or frame.estimated_size() > MAX_BYTES:
            raise TooLargeError(f"more than {MAX_ROWS:,} rows or {MAX_BYTES // 1024**3} GiB")
        if node_type.deliver is not None:
            self._sent.append(node_type.deliver(step))
        if self._readers[node.id] or node.id == self._result_id:
            self._outputs[node.id] = frame

    def result(self) -> pl.DataFrame:
        return self._outputs[self._result_id]

    def deliveries(self) -> tuple[Delivery, ...]:
        return tuple(self._sent)

    def _config(self, node: Node, node_type: NodeType) -> Config:
        config = filled(node.config, self._world.params)
        if node_type.role == "getter":
            config = overridden(config, self._world.params, node_type.config)
        if found := messages(node_type.config, config, final=True):
            raise PipelineError(found[0])
        return node_type.config.model_validate(config)

    def _inputs(self, node: Node) -> dict[str, pl.DataFrame]:
        found: dict[str, pl.DataFrame] = {}
        for edge in self._graph.edges:
            if edge.target_node_id == node.id:
                source = edge.source_node_id
                found[edge.target_key] = self._outputs[source]
                self._readers[source] -= 1
                if not self._readers[source] and source != self._result_id:
                    del self._outputs[source]
        return found


def _result_node(graph: Graph) -> Node:
    ends = [node for node in graph.nodes if node.node_role == "terminator"]
    return next((node for node in ends if node.node_type == _DASHBOARD), ends[0])
