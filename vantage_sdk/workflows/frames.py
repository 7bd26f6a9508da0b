"""Rows as tables of pandas, polars and Arrow, typed by what the server says of each column.

A column gets the type that its word in the schema calls for if all of its values fit, else that of its values.  What has no
one type, or is no plain value, stays as it came in pandas and is JSON text in the others, which would make something else of
it.  Times are in UTC; a date without a time is midnight.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

Row = Mapping[str, Any]
SMALLEST, LARGEST = -(2**63), 2**63 - 1
_TIMES = ("date", "datetime", "timestamp", "time")


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column; ``kind`` is ``text``, ``integer``, ``float``, ``boolean``, ``time`` or ``other``."""

    name: str
    kind: str
    values: list[Any]


def columns(rows: Sequence[Row], schema: Mapping[str, str]) -> list[Column]:
    """Return the columns of the schema in its order, then those that only the rows have."""
    names = dict.fromkeys(schema)
    for row in rows:
        if row.keys() - names.keys():
            names.update(dict.fromkeys(row))
    return [_column(name, schema.get(name), [row.get(name) for row in rows]) for name in names]


def _column(name: str, word: object, values: list[Any]) -> Column:
    kinds: set[type[Any]] = {type(value) for value in values if value is not None}
    if word in _TIMES and kinds <= {str} and (times := _times(values)) is not None:
        return Column(name, "time", times)
    if kinds == {str} or (not kinds and word == "string"):
        return Column(name, "text", values)
    if kinds == {bool} or (not kinds and word == "boolean"):
        return Column(name, "boolean", values)
    if kinds == {int} or (not kinds and word == "integer"):
        fits = all(value is None or SMALLEST <= value <= LARGEST for value in values)
        return Column(name, "integer" if fits else "other", values)
    if kinds in ({float}, {int, float}) or (not kinds and word == "number"):
        return _floats(name, values)
    return Column(name, "other", values)


def _floats(name: str, values: list[Any]) -> Column:
    try:
        return Column(name, "float", [None if value is None else float(value) for value in values])
    except OverflowError:  # a whole number that no float can hold
        return Column(name, "other", values)


def _times(values: list[Any]) -> list[datetime | None] | None:
    try:
        return [None if value is None else _time(value) for value in values]
    except (ValueError, OverflowError):
        return None


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _texts(values: list[Any]) -> list[str | None]:
    return [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]


def to_pandas(rows: Sequence[Row], schema: Mapping[str, str]) -> Any:
    """Return a ``DataFrame``; columns of whole numbers and booleans that lack values are of the nullable types."""
    pandas: Any = import_module("pandas")

    def series(column: Column) -> Any:
        lacks = any(value is None for value in column.values)
        types = {
            "text": "string",
            "integer": "Int64" if lacks else "int64",
            "float": "float64",
            "boolean": "boolean" if lacks else "bool",
            "time": "datetime64[us, UTC]",
            "other": "object",
        }
        return pandas.Series(column.values, dtype=types[column.kind])

    found = columns(rows, schema)
    return pandas.DataFrame({column.name: series(column) for column in found}, index=range(len(rows)))


def to_polars(rows: Sequence[Row], schema: Mapping[str, str]) -> Any:
    """Return a polars ``DataFrame``."""
    polars: Any = import_module("polars")
    types = {
        "text": polars.String,
        "integer": polars.Int64,
        "float": polars.Float64,
        "boolean": polars.Boolean,
        "time": polars.Datetime("us", "UTC"),
        "other": polars.String,
    }

    def series(column: Column) -> Any:
        values = _texts(column.values) if column.kind == "other" else column.values
        return polars.Series(column.name, values, dtype=types[column.kind])

    return polars.DataFrame([series(column) for column in columns(rows, schema)])


def to_arrow(rows: Sequence[Row], schema: Mapping[str, str]) -> Any:
    """Return an Arrow ``Table``."""
    arrow: Any = import_module("pyarrow")
    types = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "float": arrow.float64(),
        "boolean": arrow.bool_(),
        "time": arrow.timestamp("us", tz="UTC"),
        "other": arrow.string(),
    }

    def array(column: Column) -> Any:
        values = _texts(column.values) if column.kind == "other" else column.values
        return arrow.array(values, type=types[column.kind])

    found = columns(rows, schema)
    return arrow.table([array(column) for column in found], names=[column.name for column in found])
