"""Rows with typed columns, and how they look on the wire.

The words of a schema: ``string``, ``number`` (whole or not), ``boolean``, ``date`` (ISO text, ``2024-01-15``) and
``datetime`` (ISO text in UTC, ``2024-01-15T10:35:00.000Z``).  Any value may be null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mock_server.pipelines import lazy_polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["string", "number", "boolean", "date", "datetime"]
MAX_ROWS = 5_000_000
"""How many rows one table can have."""

DATE_FORMAT = "%Y-%m-%d"
DATETIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in memory."""

    frame: pl.DataFrame

    @property
    def total_rows(self) -> int:
        return self.frame.height

    @property
    def schema(self) -> dict[str, str]:
        """The columns and what kind of values they have."""
        return schema(self.frame)

    def rows(self, start: int = 0, count: int | None = None) -> list[dict[str, Any]]:
        """Return rows as they look on the wire."""
        return rows(self.frame.slice(start, count))

    def csv(self) -> str:
        """Return all rows as lines of comma-separated values, below a line of names."""
        return _written(self.frame).write_csv()

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind] | None = None) -> Table:
        """Make a table of records as they look on the wire; ``kinds`` says what cannot be seen from the values."""
        return cls(from_records(records, kinds or {}))


def kind(dtype: pl.DataType) -> Kind:
    """Return the word for a column type."""
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype == pl.Date:
        return "date"
    return "datetime" if isinstance(dtype, pl.Datetime) else "string"


def schema(frame: pl.DataFrame) -> dict[str, str]:
    return {name: kind(dtype) for name, dtype in frame.schema.items()}


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as they look on the wire."""
    return _written(frame).to_dicts()


def _written(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with times as text."""
    texts = [
        pl.col(name).dt.to_string(DATE_FORMAT if dtype == pl.Date else DATETIME_FORMAT)
        for name, dtype in frame.schema.items()
        if dtype.is_temporal()
    ]
    return frame.with_columns(texts)


def from_records(records: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """Make a frame of records as they look on the wire."""
    names = list(dict.fromkeys([*(name for record in records for name in record), *kinds]))
    return pl.DataFrame([_column(name, [record.get(name) for record in records], kinds.get(name)) for name in names])


def _column(name: str, values: list[Any], word: Kind | None) -> pl.Series:
    if word == "date":
        return pl.Series(name, values, dtype=pl.String).str.to_date(DATE_FORMAT)
    if word == "datetime":
        return pl.Series(name, values, dtype=pl.String).str.to_datetime(DATETIME_FORMAT, time_unit="ms")
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present) and (present or word == "boolean"):
        return pl.Series(name, values, dtype=pl.Boolean)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present) and (
        present or word == "number"
    ):
        whole = all(isinstance(value, int) for value in present)
        return pl.Series(name, values, dtype=pl.Int64 if whole else pl.Float64, strict=whole)
    return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
