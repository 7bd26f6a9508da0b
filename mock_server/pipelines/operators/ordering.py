"""Setters that change which rows there are and in which order."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Name, Names, listed
from mock_server.pipelines.node_type import Step
from mock_server.pipelines.operators.columns import check_columns

Direction = Literal["asc", "desc"]


class Key(Config):
    """A field to sort by."""

    field: Name
    direction: Direction = "asc"


def _as_keys(value: Any) -> Any:
    return [{"field": one} if isinstance(one, str) else one for one in listed(value)]


class Sort(Config):
    """Sort by fields, the first one first; nulls come last, and rows that are equal keep their order."""

    by: Annotated[list[Key], BeforeValidator(_as_keys), Field(min_length=1, max_length=100)]
    direction: Direction | None = None


class Limit(Config):
    """Keep ``count`` rows after the first ``offset``."""

    count: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)] = 0


class Deduplicate(Config):
    """Keep one row of those with the same values in the columns, or in all columns."""

    columns: Names = []
    keep: Literal["first", "last"] = "first"


def sort(step: Step[Sort]) -> pl.DataFrame:
    """Sort the rows; ``direction`` is for the keys that have none."""
    keys = step.config.by
    check_columns(step.rows, [key.field for key in keys])
    fallback = step.config.direction or "asc"
    directions = [key.direction if "direction" in key.model_fields_set else fallback for key in keys]
    return step.rows.sort(
        [key.field for key in keys],
        descending=[direction == "desc" for direction in directions],
        nulls_last=True,
        maintain_order=True,
    )


def limit(step: Step[Limit]) -> pl.DataFrame:
    """Keep some of the rows."""
    height = step.rows.height  # numbers may be larger than a row can have
    return step.rows.slice(min(step.config.offset, height), min(step.config.count, height))


def deduplicate(step: Step[Deduplicate]) -> pl.DataFrame:
    """Drop repeated rows."""
    check_columns(step.rows, step.config.columns)
    return step.rows.unique(step.config.columns or None, keep=step.config.keep, maintain_order=True)
