"""The setter that makes one row of many."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Name, Names
from mock_server.pipelines.errors import PipelineError
from mock_server.pipelines.expressions.terms import finite
from mock_server.pipelines.node_type import Step
from mock_server.pipelines.operators.columns import check_columns, check_numeric

Function = Literal["count", "count_distinct", "sum", "avg", "min", "max", "median", "first", "last"]
_NUMERIC = ("sum", "avg", "median")


class Measure(Config):
    """One column of the result: a function over a field, or the number of rows for ``count`` without a field."""

    function: Function
    field: Name | None = None
    alias: Name | None = None

    @model_validator(mode="after")
    def _has_field(self) -> Self:
        if self.field is None and self.function != "count":
            raise ValueError(f"{self.function} needs a field")
        return self

    @property
    def name(self) -> str:
        """What the column is called."""
        return self.alias or (f"{self.function}_{self.field}" if self.field else self.function)


def _count() -> list[Measure]:
    return [Measure(function="count")]


class Aggregation(Config):
    """Make a row of each group, or of all rows; without any measure it counts them."""

    group_by: Names = []
    aggregations: list[Measure] = Field(default_factory=_count, min_length=1, max_length=100)


def aggregate(step: Step[Aggregation]) -> pl.DataFrame:
    """Make a row for each group, in the order in which the groups appear."""
    config, frame = step.config, step.rows
    check_columns(frame, [*config.group_by, *(one.field for one in config.aggregations if one.field)])
    names = [*config.group_by, *(one.name for one in config.aggregations)]
    for name in names:
        if names.count(name) > 1:
            raise PipelineError(f"There would be several columns {name}; give an alias")
    measures = [_measure(frame, one).alias(one.name) for one in config.aggregations]
    if not config.group_by:
        return frame.select(measures)
    return frame.group_by(config.group_by, maintain_order=True).agg(measures)


def _measure(frame: pl.DataFrame, measure: Measure) -> pl.Expr:
    if measure.field is None:
        return pl.len().cast(pl.Int64)
    if measure.function in _NUMERIC:
        check_numeric(frame, measure.field, measure.function)
    column = pl.col(measure.field)
    match measure.function:
        case "count":
            return column.count().cast(pl.Int64)
        case "count_distinct":
            return column.drop_nulls().n_unique().cast(pl.Int64)
        case "sum":
            return _sum(frame, measure.field)
        case "avg":
            return finite(column.mean())
        case "median":
            return finite(column.median())
        case "min":
            return column.min()
        case "max":
            return column.max()
        case "first":
            return column.first()
        case "last":
            return column.last()


def _sum(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Add up, and refuse what could become larger than 64 bits; of nothing but nulls the sum is null, as in SQL."""
    column = pl.col(name)
    total = pl.when(column.count() > 0).then(column.sum())
    if frame.schema[name].is_float():
        return finite(total)
    largest = frame.select(column.cast(pl.Float64).abs().sum()).item()
    if largest is not None and largest >= 2.0**63 - 4096:
        raise PipelineError(f"The sum of {name} could become larger than 64 bits")
    return total
