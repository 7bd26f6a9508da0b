"""What the lists of the platform can be sorted by."""

from __future__ import annotations

from typing import Any

SORTS = ("created_at", "updated_at", "name")


def as_sort(value: Any) -> str | None:
    """Return the word to sort by; raise ``ValueError`` for one that no document has."""
    if value is None or (isinstance(value, str) and value.removeprefix("-") in SORTS):
        return value
    raise ValueError(f"sort is one of {', '.join(SORTS)}, with a leading '-' for descending, not {value!r}")
