"""Text forms shared by the families: times, amounts of memory."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import formatdate
from fractions import Fraction

MEMORY_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,6})?([KMGTP]i?)?B?$"
CPU_PATTERN = r"^([0-9]{1,6}|[0-9]{1,6}\.[0-9]{1,6}|[0-9]{1,9}m)$"
_MEMORY = re.compile(r"([0-9.]+)([KMGTP]?)(i?)B?")


def iso(instant: float) -> str:
    """Return an instant as ISO 8601 in UTC, with microseconds only where there are some."""
    return datetime.fromtimestamp(round(instant, 6), UTC).isoformat().replace("+00:00", "Z")


def http_date(instant: float) -> str:
    """Return an instant as HTTP headers spell it."""
    return formatdate(instant, usegmt=True)


def iso_or_none(instant: float | None) -> str | None:
    return None if instant is None else iso(instant)


def memory_bytes(text: str) -> int:
    """Return the bytes in ``8GB`` (decimal) or ``8Gi`` (binary)."""
    match = _MEMORY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount of memory")
    number, prefix, binary = match.groups()
    exponent = " KMGTP".index(prefix or " ")
    factor: int = (1024 if binary else 1000) ** exponent
    return math.ceil(Fraction(number) * factor)


def memory_text(amount: int) -> str:
    """Return bytes as ``8Gi`` where that is exact, else as ``8GB``, else as plain bytes."""
    for size, unit in ((1024**3, "Gi"), (1000**3, "GB"), (1024**2, "Mi"), (1000**2, "MB")):
        if amount and amount % size == 0:
            return f"{amount // size}{unit}"
    return str(amount)


def cpu_count(text: str) -> int:
    """Return whole cores for ``2``, ``0.5`` or ``500m``, rounded up to at least 1."""
    cores = Fraction(text[:-1]) / 1000 if text.endswith("m") else Fraction(text)
    return max(1, math.ceil(cores))


def prefers_text(accept: str) -> bool:
    """Tell whether an ``Accept`` header asks for plain text and not for JSON."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    return "text/plain" in kinds and "application/json" not in kinds
