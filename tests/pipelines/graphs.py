"""Graphs of a few words, and what comes of running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mock_server.pipelines.engine import Run, run
from mock_server.pipelines.graph import Edge, Graph, Node
from mock_server.pipelines.node_type import Source
from mock_server.pipelines.table import Kind, Table

NOW = 1_705_314_900.0  # 2024-01-15T10:35:00Z
CHARGES = ("stripe/listCharges", {})
OUTPUT = ("termination/dashboardOutput", {})
ROLES = {"termination": "terminator", "queryoperators": "setter", "email": "terminator", "export": "terminator"}

Part = tuple[str, Mapping[str, Any]]


def role(node_type: str) -> str:
    return "terminator" if node_type == "slack/sendMessage" else ROLES.get(node_type.partition("/")[0], "getter")


def graph(parts: Sequence[Part], *links: tuple[int, int] | tuple[int, int, str]) -> Graph:
    """Return a graph of nodes numbered from 1, linked as said: from, to and the slot if it is not the first."""
    nodes = tuple(Node(i, name, role(name), f"Step {i}", config) for i, (name, config) in enumerate(parts, 1))
    edges = [Edge(i, link[0], link[1], target_key=(*link, "input1")[2]) for i, link in enumerate(links, 1)]
    return Graph(nodes, tuple(edges))


def chain(*parts: Part) -> Graph:
    """Return nodes one behind the other."""
    return graph(parts, *((i, i + 1) for i in range(1, len(parts))))


def ran(graph: Graph, tables: Mapping[str, Table] | None = None, **params: Any) -> Run:
    """Run a graph; ``tables`` take the place of the rows of getters."""
    sources: dict[str, Source] = {name: lambda table=table: table for name, table in (tables or {}).items()}
    return run(graph, params, seed=7, now=NOW, tables=sources)


def rows_of(done: Run) -> list[dict[str, Any]]:
    """Return the rows of a run that has completed."""
    assert done.error is None
    assert done.table is not None
    return done.table.rows()


def over(
    records: Sequence[Mapping[str, Any]], *setters: tuple[str, Mapping[str, Any]], **kinds: Kind
) -> list[dict[str, Any]]:
    """Send rows through setters, named without what is before the slash."""
    return rows_of(over_run(records, *setters, **kinds))


def over_run(records: Sequence[Mapping[str, Any]], *setters: tuple[str, Mapping[str, Any]], **kinds: Kind) -> Run:
    parts = [(f"queryoperators/{name}", config) for name, config in setters]
    return ran(chain(CHARGES, *parts, OUTPUT), {"stripe/listCharges": Table.of(records, kinds)})


def both(left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]], name: str, **config: Any) -> Run:
    """Put two tables into one by a setter."""
    parts: list[Part] = [CHARGES, ("jira/listIssues", {}), (f"queryoperators/{name}", config), OUTPUT]
    tables = {"stripe/listCharges": Table.of(left), "jira/listIssues": Table.of(right)}
    return ran(graph(parts, (1, 3), (2, 3, "input2"), (3, 4)), tables)


def computed(expression: str, record: Mapping[str, Any] | None = None, **kinds: Kind) -> Any:
    """Return the value of an expression over one row."""
    (row,) = over([record or {"x": 1}], ("computedColumn", {"column_name": "it", "expression": expression}), **kinds)
    return row["it"]


def failure(expression: str, record: Mapping[str, Any] | None = None, **kinds: Kind) -> str:
    """Return why an expression cannot be computed."""
    done = over_run([record or {"x": 1}], ("computedColumn", {"column_name": "it", "expression": expression}), **kinds)
    assert (done.status, done.table, done.deliveries) == ("failed", None, ())
    assert done.error is not None
    return done.error.removeprefix("Step 2 (node 2): ").removeprefix("Invalid config field expression: ")
