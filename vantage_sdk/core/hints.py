"""How long a server asks its clients to wait."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

ABSURD = 366 * 86_400.0
FIRST_EPOCH = 1e9
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_VALUE = re.compile(rf"\s*(?:{_DAY},)?[^,]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_MONTH = r"(?P<month>[A-Z][a-z]{2})"
_DATES = (
    re.compile(rf"{_DAY}, (?P<day>[0-9]{{2}})[ -]{_MONTH}[ -](?P<year>[0-9]{{4}}|[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"{_DAY} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait before the next try, ``None`` if the server names no sensible time.

    ``headers``: names in lower case; ``now``: epoch seconds of our clock, which counts only where the answer has no
    valid ``date``, so that a server with a wrong clock is understood all the same.  The first source with a usable
    value wins: ``retry-after-ms``, ``retry-after`` (RFC 9110, 10.2.3; fractions too), ``x-ratelimit-reset`` (epoch
    seconds; below 10**9 seconds from now), ``x-ratelimit-window``.  Of several values in one header the largest counts.
    A time in the past is 0.0; one of more than 366 days is taken for a mistake.
    """
    clock = _server_clock(headers, now)
    sources: tuple[tuple[str, Callable[[str], float | None]], ...] = (
        ("retry-after-ms", lambda text: None if (value := _number(text)) is None else value / 1000),
        ("retry-after", lambda text: _until(text, clock)),
        ("x-ratelimit-reset", lambda text: _reset(text, clock)),
        ("x-ratelimit-window", _number),
    )
    for name, read in sources:
        waits = [wait for text in _values(headers.get(name, "")) if (wait := read(text)) is not None and wait <= ABSURD]
        if waits:
            return max(0.0, *waits)
    return None


def _values(joined: str) -> Iterator[str]:
    """Split at the commas between values, not at the one inside a date."""
    return (match[0].strip() for match in _VALUE.finditer(joined))


def _server_clock(headers: Mapping[str, str], now: float) -> float:
    dates = (_date(text, now) for text in _values(headers.get("date", "")))
    return next((date for date in dates if date is not None), now)


def _number(text: str) -> float | None:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def _until(text: str, clock: float) -> float | None:
    if (moment := _date(text, clock)) is not None:
        return moment - clock
    return _number(text)


def _reset(text: str, clock: float) -> float | None:
    value = _number(text)
    return value if value is None or value < FIRST_EPOCH else value - clock


def _date(text: str, now: float) -> float | None:
    """Return epoch seconds of a date in one of the three forms of RFC 9110, 5.6.7."""
    match = _DATES[0].fullmatch(text) or _DATES[1].fullmatch(text)
    if match is None:
        return None
    part = {name: int(match[name]) for name in ("year", "day", "hour", "minute", "second")}
    part["second"] = min(part["second"], 59)  # a leap second
    if len(match["year"]) == 2:
        part["year"] = _full_year(part["year"], now)
    try:
        return datetime(month=_MONTHS.index(match["month"]) + 1, tzinfo=UTC, **part).timestamp()
    except ValueError:
        return None


def _full_year(two_digits: int, now: float) -> int:
    """Put a year of two digits at most 50 years into the future."""
    this_year = int(1970 + now / (365.2425 * 86_400))
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + 50 else year
