"""The shape of decoded JSON and of arguments, for code that must not trust them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def as_object(value: Any) -> Mapping[str, Any] | None:
    """Return a JSON object, ``None`` for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def as_list(value: Any) -> list[Any] | None:
    """Return a JSON array, ``None`` for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else None  # type: ignore[redundant-cast]


def flag(name: str, value: Any) -> bool:
    """Return an option that is yes or no; raise ``TypeError`` for anything else, as "false" would be a yes."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} takes True or False, not {type(value).__name__}")
    return value


def is_whole(value: Any, least: int) -> bool:
    """Tell whether a value is a whole number (a boolean is none) of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
