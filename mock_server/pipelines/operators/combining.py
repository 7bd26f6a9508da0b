"""Setters that make one table of two."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Name, listed
from mock_server.pipelines.errors import PipelineError, TooLargeError
from mock_server.pipelines.node_type import Step
from mock_server.pipelines.operators.columns import check_columns
from mock_server.pipelines.table import MAX_ROWS, kind

How = Literal["inner", "left", "right", "full", "semi", "anti"]


class Pair(Config):
    """A column on the left and the one on the right that must be equal."""

    left: Name
    right: Name


def _as_pairs(value: Any) -> Any:
    return [{"left": one, "right": one} if isinstance(one, str) else one for one in listed(value)]


class Join(Config):
    """Put together the rows of ``input1`` and ``input2`` whose keys are equal; a null equals nothing.

    Columns of the right that the left has too get the suffix; the keys of the right are left out.
    """

    keys: Annotated[list[Pair], BeforeValidator(_as_pairs), Field(min_length=1, max_length=20)]
    how: How = "inner"
    suffix: Annotated[Name, Field(max_length=50)] = "_right"


class Union(Config):
    """Put the rows of ``input2`` behind those of ``input1``; a column that one of them lacks is null there."""

    distinct: bool = False


def join(step: Step[Join]) -> pl.DataFrame:
    """Join two tables, in the order of the first."""
    config, left, right = step.config, step.inputs["input1"], step.inputs["input2"]
    check_columns(left, [pair.left for pair in config.keys])
    check_columns(right, [pair.right for pair in config.keys])
    left, right = _alike(left, right, config)
    if config.how in ("semi", "anti"):
        return _joined(left, right, config, config.how)
    _check_names(left, right, config)
    _check_size(left, right, config)
    if config.how != "right":
        return _joined(left, right, config, config.how)
    return _right(left, right, config)


def _joined(left: pl.DataFrame, right: pl.DataFrame, config: Join, how: Literal[How, "full"]) -> pl.DataFrame:
    names = [pair.left for pair in config.keys], [pair.right for pair in config.keys]
    return left.join(
        *(right,),
        how=how,
        left_on=names[0],
        right_on=names[1],
        suffix=config.suffix,
        coalesce=True if how in ("left", "full", "inner") else None,
        maintain_order="left" if how in ("semi", "anti") else "left_right",
    )


def _right(left: pl.DataFrame, right: pl.DataFrame, config: Join) -> pl.DataFrame:
    """Join from the other side, with the columns where a join from this side has them."""
    names = [pair.left for pair in config.keys]
    new = {name: f"{name}{config.suffix}" for name in right.columns if name in left.columns}
    keys = {pair.right: pair.left for pair in config.keys}
    turned = right.rename({**new, **keys}) if len(keys) == len(config.keys) else right
    return turned.join(left, on=names, how="left", coalesce=True, maintain_order="left_right").select(
        *left.columns, *(name for name in turned.columns if name not in left.columns)
    )


def _alike(left: pl.DataFrame, right: pl.DataFrame, config: Join) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the keys of both sides the same types, or refuse keys that cannot be equal."""
    if len({pair.left for pair in config.keys}) < len(config.keys):
        raise PipelineError("A column can be a key once")
    if len({pair.right for pair in config.keys}) < len(config.keys):
        raise PipelineError("A column can be a key once")
    for pair in config.keys:
        one, other = left.schema[pair.left], right.schema[pair.right]
        if kind(one) != kind(other):
            raise PipelineError(f"Keys {pair.left} ({kind(one)}) and {pair.right} ({kind(other)}) cannot be equal")
        if one != other:
            left = left.with_columns(pl.col(pair.left).cast(pl.Float64))
            right = right.with_columns(pl.col(pair.right).cast(pl.Float64))
    return left, right


def _check_names(left: pl.DataFrame, right: pl.DataFrame, config: Join) -> None:
    keys = {pair.right for pair in config.keys}
    rest = [name for name in right.columns if name not in keys]
    names = [*left.columns, *(f"{name}{config.suffix}" if name in left.columns else name for name in rest)]
    for name in names:
        if names.count(name) > 1:
            raise PipelineError(f"There would be several columns {name}; use another suffix")


def _check_size(left: pl.DataFrame, right: pl.DataFrame, config: Join) -> None:
    """Refuse a join of many rows to many before it is done."""
    on_left = left.group_by([pl.col(pair.left).alias(f"k{i}") for i, pair in enumerate(config.keys)]).len("l")
    on_right = right.group_by([pl.col(pair.right).alias(f"k{i}") for i, pair in enumerate(config.keys)]).len("r")
    both = on_left.join(on_right, on=[f"k{i}" for i in range(len(config.keys))])
    count = both.select((pl.col("l").cast(pl.Float64) * pl.col("r")).sum()).item() + left.height + right.height
    if count > MAX_ROWS:
        raise TooLargeError(f"The join could have more than {MAX_ROWS:,} rows")


def union(step: Step[Union]) -> pl.DataFrame:
    """Put two tables into one."""
    first, second = step.inputs["input1"], step.inputs["input2"]
    for name in first.columns:
        if name in second.columns:
            one, other = first.schema[name], second.schema[name]
            if kind(one) != kind(other):
                raise PipelineError(f"Column {name} is {kind(one)} in one table and {kind(other)} in the other")
            if one != other:
                first, second = (frame.with_columns(pl.col(name).cast(pl.Float64)) for frame in (first, second))
    both = pl.concat([first, second], how="diagonal")
    return both.unique(maintain_order=True) if step.config.distinct else both
