"""Free-form parts of request bodies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from vantage_sdk.core.call import timestamp
from vantage_sdk.core.shapes import as_object


def plain(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a mapping as JSON has it, with times and dates as text.

    Raises ``TypeError`` for what is none, ``ValueError`` for a ``datetime`` without a zone.
    """
    found = as_object(value)
    if found is None:
        raise TypeError(f"{name} takes a mapping, not {type(value).__name__}")
    return {key: _plain(part) for key, part in found.items() if part is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return [*value] if isinstance(value, tuple | set | frozenset) else value  # pyright: ignore[reportUnknownVariableType]
