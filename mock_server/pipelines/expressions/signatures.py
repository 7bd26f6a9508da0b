"""Which functions an expression may call, and with how many arguments."""

from __future__ import annotations

MANY = 250

SIGNATURES: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "round": (1, 2),
    "floor": (1, 1),
    "ceil": (1, 1),
    "sqrt": (1, 1),
    "min": (2, MANY),
    "max": (2, MANY),
    "lower": (1, 1),
    "upper": (1, 1),
    "trim": (1, 1),
    "length": (1, 1),
    "substring": (2, 3),
    "concat": (1, MANY),
    "contains": (2, 2),
    "starts_with": (2, 2),
    "ends_with": (2, 2),
    "coalesce": (1, MANY),
    "if": (3, 3),
    "is_null": (1, 1),
    "text": (1, 1),
    "number": (1, 1),
    "date": (1, 1),
    "year": (1, 1),
    "month": (1, 1),
    "day": (1, 1),
    "weekday": (1, 1),
    "hour": (1, 1),
    "days_between": (2, 2),
    "add_days": (2, 2),
    "today": (0, 0),
    "now": (0, 0),
    "col": (1, 1),
}
