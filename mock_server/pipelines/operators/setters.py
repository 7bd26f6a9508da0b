"""The setters, as node types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config
from mock_server.pipelines.node_type import Category, NodeType, Step
from mock_server.pipelines.operators.aggregating import Aggregation, aggregate
from mock_server.pipelines.operators.computing import ComputedColumn, compute
from mock_server.pipelines.operators.filtering import Filter, keep

OPERATORS = Category(1, "Query Operators")
_PAIR = ("input1", "input2")


def _type(
    name: str,
    label: str,
    description: str,
    config: type[Config],
    run: Callable[[Step[Any]], pl.DataFrame],
    inputs: tuple[str, ...] = ("input1",),
) -> NodeType:
    return NodeType(f"queryoperators/{name}", OPERATORS, label, "setter", description, config, run, inputs=inputs)


NODE_TYPES = (
    _type("filter", "Filter", "Keep the rows whose field compares to a value", Filter, keep),
    _type("computedColumn", "Computed Column", "Add a column computed from the others", ComputedColumn, compute),
    _type("aggregation", "Aggregation", "Make one row of all rows of a group", Aggregation, aggregate),
)
