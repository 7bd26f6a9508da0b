"""The shape of decoded JSON, for code that must not trust it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def as_object(value: Any) -> Mapping[str, Any] | None:
    """Return a JSON object, ``None`` for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def as_list(value: Any) -> list[Any] | None:
    """Return a JSON array, ``None`` for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else None  # type: ignore[redundant-cast]


def is_whole(value: Any, least: int) -> bool:
    """Tell whether a value is a whole number (a boolean is none) of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
