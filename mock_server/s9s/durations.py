"""Durations as S9S spells them, and every form in which callers may."""

from __future__ import annotations

import re

MINUTE, HOUR, DAY = 60, 3_600, 86_400
LONGEST = 10.0**9
_UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_CLOCK = re.compile(r"(?:(\d{1,6})-)?(\d{1,9}(?::\d{1,2}){0,2})", re.ASCII)
_SPACED = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?[smhdw]\s*)+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
PATTERN = r"^(\d{1,9}(\.\d{1,9})?|(\d{1,6}-)?\d{1,9}(:\d{1,2}){1,2}|(\d{1,9}(\.\d{1,9})?[smhdw]\s*)+)$"


def parse_duration(text: str) -> float:
    """Return the seconds of ``2:15:30``, ``7-00:00:00``, ``2h``, ``127.5h``, ``12m 34s`` or ``90``.

    A clock of two parts is minutes and seconds, as in Slurm; behind days it begins with the hours.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    if _SPACED.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration")
    days, clock = match.groups()
    parts = [int(part) for part in clock.split(":")]
    parts = [*parts, 0, 0][:3] if days is not None else [0, 0, *parts][-3:]
    return float(int(days or 0) * DAY + parts[0] * HOUR + parts[1] * MINUTE + parts[2])


def clock_text(seconds: float) -> str:
    """Return full seconds as ``2:15:30``, and as ``7-00:00:00`` from a day on."""
    days, rest = divmod(_whole(seconds), DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    return f"{days}-{hours:02}:{minutes:02}:{rest:02}" if days else f"{hours}:{minutes:02}:{rest:02}"


def limit_text(seconds: float | None) -> str:
    """Return a limit as a clock, ``UNLIMITED`` for none."""
    return "UNLIMITED" if seconds is None else clock_text(seconds)


def hours_text(seconds: float) -> str:
    """Return seconds in hours, as ``1247h`` or ``127.5h``; a few hours are told more exactly, as ``0.025h``."""
    hours = seconds / HOUR
    return f"{hours:.{1 if hours >= 10 else 3}f}".rstrip("0").rstrip(".") + "h"


def spaced_text(seconds: float) -> str:
    """Return seconds in their two largest units, as ``12m 34s`` or ``2h 15m``."""
    rest = _whole(seconds)
    parts: list[str] = []
    for unit in "dhms":
        count, rest = divmod(rest, _UNITS[unit])
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def _whole(seconds: float) -> int:
    """Return the full seconds of a difference of two times, which can be a microsecond short of what it should be."""
    return int(seconds + 1e-5)
