"""The setter that adds a column."""

from __future__ import annotations

from pydantic import field_validator

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Name, Text
from mock_server.pipelines.errors import ExpressionError
from mock_server.pipelines.expressions import evaluate, parse
from mock_server.pipelines.node_type import Step


class ComputedColumn(Config):
    """Add a column, or replace one, by an expression over the others."""

    column_name: Name
    expression: Text

    @field_validator("expression")
    @classmethod
    def _reads(cls, value: str) -> str:
        try:
            parse(value)
        except ExpressionError as error:
            raise ValueError(str(error)) from error
        return value


def compute(step: Step[ComputedColumn]) -> pl.DataFrame:
    """Add the column."""
    values = evaluate(parse(step.config.expression), step.rows, now=step.world.now)
    return step.rows.with_columns(values.alias(step.config.column_name))
