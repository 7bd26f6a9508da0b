"""Columns that a config speaks of: whether they are there, and which values they compare to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.errors import PipelineError
from mock_server.pipelines.table import kind

_WORDS = {"string": "text", "number": "numbers", "boolean": "booleans", "date": "dates", "datetime": "times"}
_LARGEST = 2**63


def check_columns(frame: pl.DataFrame, names: Iterable[str]) -> None:
    """Refuse names of columns that are not there."""
    for name in names:
        if name not in frame.columns:
            known = ", ".join(frame.columns[:20]) + (", ..." if len(frame.columns) > 20 else "")
            raise PipelineError(f"Unknown column: {name} (there are {known})")


def check_numeric(frame: pl.DataFrame, name: str, what: str) -> None:
    """Refuse a column without numbers."""
    if not frame.schema[name].is_numeric():
        raise PipelineError(f"{what} needs numbers, but column {name} has {_WORDS[kind(frame.schema[name])]}")


def comparable(name: str, dtype: pl.DataType, value: Any) -> pl.Expr:
    """Return a value of a config as one that a column of type ``dtype`` compares to."""
    if dtype == pl.String and isinstance(value, str):
        return pl.lit(value, dtype=pl.String)
    if dtype == pl.Boolean and isinstance(value, bool):
        return pl.lit(value, dtype=pl.Boolean)
    if dtype.is_numeric() and isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    if dtype.is_temporal() and isinstance(value, str):
        return pl.lit(moment(value), dtype=pl.Datetime("ms"))
    raise PipelineError(f"Column {name} has {_WORDS[kind(dtype)]}, which {value!r} does not compare to")


def number(value: float) -> pl.Expr:
    """Return a number as one that columns compare to."""
    whole = isinstance(value, int) and -_LARGEST < value < _LARGEST
    return pl.lit(value, dtype=pl.Int64) if whole else pl.lit(_float(value), dtype=pl.Float64)


def moment(text: str) -> datetime:
    """Read a date or a time."""
    try:
        found = datetime.combine(date.fromisoformat(text), datetime.min.time()) if len(text) <= 10 else None
        found = found or datetime.fromisoformat(text)
    except ValueError:
        raise PipelineError(f"{text!r} is no date like 2024-01-15 or time like 2024-01-15T10:35:00Z") from None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise PipelineError(f"The number {str(value)[:20]}... is too large") from None
