"""Amounts of memory as S9S spells them."""

from __future__ import annotations

KILO, MEGA, GIGA = 10**3, 10**6, 10**9


def memory_text(amount: float) -> str:
    """Return bytes as ``128GB``, with two decimals at most, and below one gigabyte as ``512MB``."""
    for unit, size in (("GB", GIGA), ("MB", MEGA), ("KB", KILO)):
        if amount >= size:
            return f"{amount / size:.2f}".rstrip("0").rstrip(".") + unit
    return f"{round(amount)}B"
