"""Tables for notebooks: bounded, with everything that came from outside escaped, and nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import islice
from typing import Any

from vantage_sdk.core.scrub import printable

ROWS, COLUMNS, LONGEST = 50, 20, 200
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], total: int | None = None) -> str:
    """Return an HTML table of the first 50 ``rows`` and 20 ``columns``, with ``caption`` above.

    ``total``: how many rows there are, default those given; if not all are shown, a last line says how many there are.
    Values are cut to 200 characters.
    """
    shown = list(islice(rows, ROWS))
    head = "".join(f"<th>{text_of(name)}</th>" for name in columns[:COLUMNS])
    lines = [f"<tr>{''.join(f'<td>{text_of(value)}</td>' for value in row[:COLUMNS])}</tr>" for row in shown]
    total = _length(rows, len(shown)) if total is None else total
    if total > len(shown):
        lines.append(f'<tr><td colspan="{len(columns[:COLUMNS]) or 1}">… of {total:d}</td></tr>')
    return (
        f"<table><caption>{text_of(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def card(caption: str, facts: Mapping[str, object]) -> str:
    """Return an HTML table of one thing: a line for each of its ``facts`` that there is, with ``caption`` above."""
    return table(caption, ("", ""), [(name, value) for name, value in facts.items() if value is not None])


def listing(items: Sequence[object], total: int | None = None) -> str:
    """Return an HTML table with a line for each of the ``items`` of a page, out of ``total``."""
    total = len(items) if total is None else total
    kind = type(items[0]).__name__ if items else "nothing"
    columns: tuple[str, ...] = getattr(items[0], "_columns", tuple)() if items else ()
    if columns:
        rows = [tuple(getattr(item, name, None) for name in columns) for item in items[:ROWS]]
    else:
        columns, rows = ("",), [(item,) for item in items[:ROWS]]
    return table(f"{len(items)} of {total:d}: {kind}", columns, rows, total)


def text_of(value: object) -> str:
    """Return a value as escaped text: times in UTC, numbers short, no control characters, at most 200 characters."""
    return escape(_plain(value))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        value = ", ".join(_plain(part) for part in islice(value, ROWS))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    try:
        said = value if isinstance(value, str) else str(value)
    except ValueError:  # a whole number of thousands of digits
        said = type(value).__name__
    said = printable(said[: 2 * LONGEST]).translate(_BIDI).encode("utf-8", "replace").decode()
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def _length(rows: Any, shown: int) -> int:
    return len(rows) if isinstance(rows, Sequence) else shown  # pyright: ignore[reportUnknownArgumentType]
