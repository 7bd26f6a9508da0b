"""How ids become parts of a path."""

from __future__ import annotations

from vantage_sdk.core.shapes import is_whole

Id = int | str


def id_text(value: Id, name: str) -> str:
    """Return an id as text; raise ``TypeError`` or ``ValueError`` for what can be none, before anything is sent."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} takes a number or text, not {type(value).__name__}")
    if not is_whole(value, 0):
        raise ValueError(f"{name} is a number from 0, not {value}")
    return str(value)
