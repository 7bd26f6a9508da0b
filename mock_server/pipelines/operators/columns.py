"""Columns that a config speaks of: whether they are there, and which values they compare to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    found = _plain(name, dtype, value)
    return pl.lit(found, dtype=_shared(dtype, [found]))


def one_of(name: str, dtype: pl.DataType, values: Sequence[Any]) -> pl.Expr:
    """Return whether a column has one of the values of a config."""
    found = [_plain(name, dtype, value) for value in values]
    shared = _shared(dtype, found)
    return pl.col(name).cast(shared).is_in(pl.Series(found, dtype=shared).implode())


def _plain(name: str, dtype: pl.DataType, value: Any) -> Any:
    """Return a value of a config as a column of type ``dtype`` has them."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if (dtype == pl.String and isinstance(value, str)) or (dtype == pl.Boolean and isinstance(value, bool)):
        return value
    if dtype.is_numeric() and is_number:
        return value if isinstance(value, int) and -_LARGEST < value < _LARGEST else _float(value)
    if dtype.is_temporal() and isinstance(value, str):
        return moment(value)
    raise PipelineError(f"Column {name} has {_WORDS[kind(dtype)]}, which {value!r} does not compare to")


def _shared(dtype: pl.DataType, values: Sequence[Any]) -> Any:
    """Return the type in which a column and values can be compared."""
    if dtype.is_temporal():
        return pl.Datetime("ms")
    return pl.Float64 if any(isinstance(value, float) for value in values) else dtype


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
