"""Setters that make one row of many."""

from __future__ import annotations

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Names
from mock_server.pipelines.node_type import Step
from mock_server.pipelines.operators.columns import check_columns


class Aggregation(Config):
    """Count or add up the rows of each group; without any setting, count all rows."""

    group_by: Names = []


def aggregate(step: Step[Aggregation]) -> pl.DataFrame:
    """Make a row for each group, in the order in which the groups appear."""
    check_columns(step.rows, step.config.group_by)
    if not step.config.group_by:
        return pl.DataFrame({"count": [step.rows.height]})
    return step.rows.group_by(step.config.group_by, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("count"))
