"""The setters, as node types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config
from mock_server.pipelines.node_type import Category, NodeType, Step
from mock_server.pipelines.operators.aggregating import Aggregation, aggregate
from mock_server.pipelines.operators.combining import Join, Union, join, union
from mock_server.pipelines.operators.computing import ComputedColumn, compute
from mock_server.pipelines.operators.filtering import Filter, keep
from mock_server.pipelines.operators.ordering import Deduplicate, Limit, Sort, deduplicate, limit, sort
from mock_server.pipelines.operators.shaping import Rename, Select, rename, select

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
    _type("sort", "Sort", "Sort the rows by fields", Sort, sort),
    _type("join", "Join", "Put together the rows of two tables whose keys are equal", Join, join, _PAIR),
    _type("union", "Union", "Put the rows of one table behind those of another", Union, union, _PAIR),
    _type("limit", "Limit", "Keep the first rows", Limit, limit),
    _type("rename", "Rename", "Give columns other names", Rename, rename),
    _type("select", "Select", "Keep some of the columns", Select, select),
    _type("deduplicate", "Deduplicate", "Keep one of several equal rows", Deduplicate, deduplicate),
)
