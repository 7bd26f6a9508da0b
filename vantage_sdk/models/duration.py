"""Spans of time as S9S and Slurm write them: text that can be compared and reckoned with."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any, Self

from pydantic_core import core_schema

UNLIMITED = ("UNLIMITED", "INFINITE")
MOST = dt.timedelta.max.total_seconds() - 1
LONGEST = 64
_CLOCK = re.compile(r"(?:(?P<days>[0-9]+)-)?(?P<parts>[0-9]+(?::[0-9]+){0,2}(?:\.[0-9]+)?)", re.ASCII)
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SPACED = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([wdhms])", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


class Duration(str):
    """A span of time that prints as it was written and compares by its length.

    It is made from text in any form of S9S and Slurm (``2:15:30``, ``7-00:00:00``, ``15:00`` for minutes and seconds, ``2h``,
    ``127.5h``, ``12m 34s``, digits for seconds, ``UNLIMITED``), from seconds as a number, or from a ``timedelta``; the last two
    print as ``d-hh:mm:ss``.  It compares with other texts and ``timedelta`` objects too.  Raises ``ValueError`` for what is no span of time.
    """

    __slots__ = ("_length",)

    _length: float

    def __new__(cls, value: str | float | dt.timedelta) -> Self:
        if isinstance(value, str):
            return cls._of(str(value), _length(value))
        if isinstance(value, dt.timedelta):
            value = value.total_seconds()
        if isinstance(value, bool) or not isinstance(value, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a duration is text, seconds or a timedelta, not {type(value).__name__}")
        if not 0 <= value <= MOST and value != math.inf:
            raise ValueError(f"a duration is from 0 to {MOST:.0f} seconds, not {value}")
        return cls._of(_clock(value), float(value))

    @classmethod
    def _of(cls, text: str, length: float) -> Self:
        made = super().__new__(cls, text)
        made._length = length
        return made

    @property
    def timedelta(self) -> dt.timedelta | None:
        """Return the span as a ``timedelta``, ``None`` if it is without limit."""
        return None if self.is_unlimited else dt.timedelta(seconds=self._length)

    @property
    def is_unlimited(self) -> bool:
        """Tell whether there is no limit."""
        return math.isinf(self._length)

    def total_seconds(self) -> float:
        """Return the span in seconds, infinity if it is without limit."""
        return self._length

    def __eq__(self, other: object) -> bool:
        return (length := _other(other)) is not None and self._length == length

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: str | dt.timedelta) -> bool:
        return NotImplemented if (length := _comparable(other)) is None else self._length < length

    def __le__(self, other: str | dt.timedelta) -> bool:
        return NotImplemented if (length := _comparable(other)) is None else self._length <= length

    def __gt__(self, other: str | dt.timedelta) -> bool:
        return NotImplemented if (length := _comparable(other)) is None else self._length > length

    def __ge__(self, other: str | dt.timedelta) -> bool:
        return NotImplemented if (length := _comparable(other)) is None else self._length >= length

    def __hash__(self) -> int:
        return hash(self.timedelta)

    def __repr__(self) -> str:
        return f"Duration({str(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_received, serialization=core_schema.to_string_ser_schema())


def _received(value: Any) -> Duration:
    if isinstance(value, bool) or not isinstance(value, str | int | float | dt.timedelta):
        raise ValueError("no span of time")
    return Duration(value)


def _comparable(value: object) -> float | None:
    """Return the length of what a duration can be compared with; other text must not be compared letter by letter."""
    length = _other(value)
    if length is None and isinstance(value, str):
        raise TypeError(f"a duration cannot be compared with {value[:40]!r}, which is none")
    return length


def _other(value: object) -> float | None:
    if isinstance(value, Duration):
        return value._length
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        try:
            return _length(value)
        except ValueError:
            return None
    return None


def _length(text: str) -> float:
    """Return the seconds that a text means, infinity for no limit."""
    found = text.strip()
    if found.upper() in UNLIMITED:
        return math.inf
    if len(found) <= LONGEST:
        match = _CLOCK.fullmatch(found)
        length = float(found) if _NUMBER.fullmatch(found) else _of_clock(match) if match else _of_units(found)
        if length is not None and length <= MOST:
            return length
    raise ValueError(f"a span of time is written like 2:15:30, 7-00:00:00, 12m 34s or 2h, not {text[:40]!r}")


def _of_clock(match: re.Match[str]) -> float:
    """Return the seconds of a clock: minutes and seconds, or hours before them, and from the hours on after days (Slurm)."""
    parts = [float(part) for part in match["parts"].split(":")]
    if match["days"] is not None:
        hours, minutes, seconds = [*parts, 0.0, 0.0][:3]
        return (int(match["days"]) * 24 + hours) * 3600 + minutes * 60 + seconds
    hours, minutes, seconds = [0.0, 0.0, *parts][-3:]
    return hours * 3600 + minutes * 60 + seconds


def _of_units(text: str) -> float | None:
    """Return the seconds of numbers with units, each unit once and smaller than the one before."""
    length, last, at = 0.0, math.inf, 0
    while at < len(text):
        match = _SPACED.match(text, at)
        unit = _UNITS[match[2].lower()] if match else math.inf
        if match is None or unit >= last:
            return None
        length, last, at = length + float(match[1]) * unit, unit, match.end()
    return length if at else None


def _clock(seconds: float) -> str:
    if math.isinf(seconds):
        return UNLIMITED[0]
    whole, rest = divmod(round(seconds * 1_000_000), 1_000_000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{f'{days}-{hour:02d}' if days else hour}:{minute:02d}:{second:02d}{fraction}"
