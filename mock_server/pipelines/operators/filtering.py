"""Setters that keep some of the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import model_validator

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Name, listed
from mock_server.pipelines.errors import PipelineError
from mock_server.pipelines.node_type import Step
from mock_server.pipelines.operators.columns import check_columns, comparable, one_of

Operator = Literal[
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "not_in",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "is_null",
    "is_not_null",
]
_TEXTS: dict[str, Callable[[pl.Expr, str], pl.Expr]] = {
    "contains": lambda column, text: column.str.contains(text, literal=True),
    "not_contains": lambda column, text: ~column.str.contains(text, literal=True),
    "starts_with": lambda column, text: column.str.starts_with(text),
    "ends_with": lambda column, text: column.str.ends_with(text),
}
_COMPARISONS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}
_SCALARS = (str, int, float, bool)


class Filter(Config):
    """Keep the rows whose field compares to the value; a null compares to nothing."""

    field: Name
    operator: Operator
    value: Any = None

    @model_validator(mode="after")
    def _has_value(self) -> Self:
        if self.operator in ("is_null", "is_not_null"):
            return self
        if self.value is None:
            raise ValueError("Missing required config field: value")
        if isinstance(self.value, list) != (self.operator in ("in", "not_in")):
            raise ValueError("Invalid config field value: a list belongs to in and not_in")
        if self.operator in _TEXTS and not isinstance(self.value, str):
            raise ValueError(f"Invalid config field value: {self.operator} needs text")
        if any(not isinstance(one, _SCALARS) for one in listed(self.value)):
            raise ValueError("Invalid config field value: values are text, numbers or booleans")
        return self


def keep(step: Step[Filter]) -> pl.DataFrame:
    """Keep the rows that fulfil the condition."""
    check_columns(step.rows, [step.config.field])
    return step.rows.filter(_condition(step.rows, step.config))


def _condition(frame: pl.DataFrame, config: Filter) -> pl.Expr:
    column, dtype, value = pl.col(config.field), frame.schema[config.field], config.value
    if config.operator == "is_null":
        return column.is_null()
    if config.operator == "is_not_null":
        return column.is_not_null()
    if config.operator in _TEXTS:
        if dtype != pl.String:
            raise PipelineError(f"{config.operator} needs text, but column {config.field} has none")
        return _TEXTS[config.operator](column, value)
    if config.operator in _COMPARISONS:
        return _COMPARISONS[config.operator](column, comparable(config.field, dtype, value))
    found = one_of(config.field, dtype, listed(value))
    return found if config.operator == "in" else ~found
