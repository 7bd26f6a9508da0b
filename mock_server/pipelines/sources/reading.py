"""How getters read: which rows there are at an instant, and which of them a config and the parameters ask for.

A table of events has a row every so many seconds since long ago, so that a row keeps its number and its values while
time goes on and newer ones appear.  A table of entities has a fixed number of rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, TypeAlias

from pydantic import Field, field_validator

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Names, listed
from mock_server.pipelines.node_type import Step
from mock_server.pipelines.operators.columns import check_columns, one_of
from mock_server.pipelines.sources.draws import Draws
from mock_server.pipelines.table import MAX_ROWS

DAY = 86_400
HISTORY = 400 * DAY
"""How far back events go."""

Limit = Annotated[int, Field(ge=0, le=MAX_ROWS)]
Wanted = Names | None
"""A value, or several, that a column must have."""

Build: TypeAlias = "Callable[[Draws, pl.Series], dict[str, pl.Series]]"
_RANGE = re.compile(r"last_(\d{1,4})_(hours?|days?|weeks?)")
_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


class Reading(Config):
    """Settings of every getter; those that a getter adds ask for columns of these names to have these values."""

    limit: Limit | None = None


class TimedReading(Reading):
    """Settings of a getter whose rows have a time; both ends of a range are part of it."""

    start_date: str | None = None
    end_date: str | None = None
    date_range: str | None = None

    @field_validator("start_date", "end_date")
    @classmethod
    def _is_time(cls, value: str | None) -> str | None:
        if value is not None:
            _instant(value)
        return value

    @field_validator("date_range")
    @classmethod
    def _is_range(cls, value: str | None) -> str | None:
        if value is not None:
            span(value, datetime(2024, 1, 15))  # noqa: DTZ001 - times in tables are in UTC and say so nowhere
        return value


_NO_COLUMNS = {*TimedReading.model_fields, "rows", "table", "spreadsheet_id", "sheet"}


def entities(step: Step[Any], table: str, count: int, build: Callable[[Draws], dict[str, pl.Series]]) -> pl.DataFrame:
    """Read a table that has ``count`` rows."""
    if (given := _given(step)) is not None:
        return wanted(step, given)
    numbers = pl.int_range(0, count, dtype=pl.UInt64, eager=True)
    return wanted(step, pl.DataFrame(build(Draws(step.world.seed, table, numbers))))


def events(step: Step[Any], table: str, every: int, build: Build, *, at: str = "created") -> pl.DataFrame:
    """Read a table with a row about every ``every`` seconds, the latest first; ``at`` is the column of their times."""
    if (given := _given(step)) is not None:
        return wanted(step, given, at)
    first, last = math.ceil((step.world.now - HISTORY) / every), math.floor(step.world.now / every)
    numbers = pl.int_range(last, first - 1, -1, dtype=pl.Int64, eager=True).cast(pl.UInt64)
    draws = Draws(step.world.seed, table, numbers)
    seconds = numbers.cast(pl.Int64) * every - draws.below("jitter", every)
    times = moments(seconds)
    return wanted(step, pl.DataFrame(build(draws, times)), at)


def moments(seconds: pl.Series) -> pl.Series:
    """Return times, given in seconds since the epoch."""
    return (seconds * 1000).cast(pl.Datetime("ms"))


def _given(step: Step[Any]) -> pl.DataFrame | None:
    """Return the rows that come from elsewhere for this getter."""
    source = step.world.tables.get(step.node.node_type)
    return None if source is None else source().frame


def overridden(config: Mapping[str, Any], params: Mapping[str, Any], model: type[Config]) -> dict[str, Any]:
    """Return a config in which the parameters take the place of fields of the same names."""
    own = {name: value for name, value in params.items() if name in model.model_fields}
    if own.keys() & {"start_date", "end_date", "date_range"}:
        config = {name: value for name, value in config.items() if name not in ("start_date", "end_date", "date_range")}
    return {**config, **own}


def wanted(step: Step[Any], frame: pl.DataFrame, at: str = "created") -> pl.DataFrame:
    """Keep the rows that the config asks for."""
    config: Reading = step.config
    start, end = bounds(config, step.world.now) if isinstance(config, TimedReading) else (None, None)
    asked = {name: getattr(config, name) for name in config.model_fields_set - _NO_COLUMNS}
    asked = {name: value for name, value in asked.items() if value is not None}
    check_columns(frame, [*asked, *([at] if start or end else [])])
    conditions = [one_of(name, frame.schema[name], listed(value)) for name, value in asked.items()]
    conditions += [pl.col(at) >= start] if start else []
    conditions += [pl.col(at) <= end] if end else []
    found = frame.filter(*conditions) if conditions else frame
    return found if config.limit is None else found.head(config.limit)


def bounds(config: TimedReading, now: float) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last instant that a config asks for."""
    start = end = None
    if config.date_range is not None:
        start, end = span(config.date_range, datetime.fromtimestamp(now, UTC).replace(tzinfo=None))
    if config.start_date is not None:
        start = _instant(config.start_date)
    if config.end_date is not None:
        end = _instant(config.end_date, end=True)
    return start, end


def _instant(text: str, *, end: bool = False) -> datetime:
    """Read a day or a time; the end of a day is its last millisecond."""
    try:
        if len(text) <= len("2024-01-15"):
            day = date.fromisoformat(text)
            return datetime.combine(day, time(23, 59, 59, 999_000) if end else time())
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be a date like 2024-01-15 or a time like 2024-01-15T10:35:00Z, not {text!r}") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def span(text: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the ends of a range such as ``last_30_days``, ``today``, ``this_month`` or ``all_time``."""
    if match := _RANGE.fullmatch(text):
        return now - int(match[1]) * _UNITS[match[2].rstrip("s")], now
    today = datetime.combine(now.date(), time())
    month = today.replace(day=1)
    before = timedelta(milliseconds=1)
    known: dict[str, tuple[datetime | None, datetime | None]] = {
        "today": (today, now),
        "yesterday": (today - timedelta(days=1), today - before),
        "this_month": (month, now),
        "last_month": ((month - timedelta(days=1)).replace(day=1), month - before),
        "this_year": (today.replace(month=1, day=1), now),
        "all_time": (None, None),
    }
    if text not in known:
        raise ValueError(f"must be last_N_days, last_N_hours, last_N_weeks or one of {', '.join(known)}, not {text!r}")
    return known[text]
