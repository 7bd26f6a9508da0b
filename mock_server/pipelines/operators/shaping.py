"""Setters that change which columns there are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Name, Names
from mock_server.pipelines.errors import PipelineError
from mock_server.pipelines.node_type import Step
from mock_server.pipelines.operators.columns import check_columns


class Rename(Config):
    """New names of columns by their old ones."""

    columns: Annotated[dict[Name, Name], Field(min_length=1)]


class Select(Config):
    """The columns to keep, in this order."""

    columns: Annotated[Names, Field(min_length=1)]


def rename(step: Step[Rename]) -> pl.DataFrame:
    """Rename columns, all at once, so that two may change places."""
    columns = step.config.columns
    check_columns(step.rows, columns)
    names = [columns.get(name, name) for name in step.rows.columns]
    for name in names:
        if names.count(name) > 1:
            raise PipelineError(f"There would be several columns {name}")
    return step.rows.rename(columns)


def select(step: Step[Select]) -> pl.DataFrame:
    """Keep some columns."""
    check_columns(step.rows, step.config.columns)
    return step.rows.select(list(dict.fromkeys(step.config.columns)))
