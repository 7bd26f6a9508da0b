"""Small tables for notebooks; everything that came from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

SHOWN = 200


def table(caption: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table with a caption, a line of names, and rows whose values are cut to 200 characters."""
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{_text(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<table><caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")
