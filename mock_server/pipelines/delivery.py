"""What left a pipeline at one of its terminators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_server.pipelines.table import Table


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was sent, where to, and the rows it is about.

    ``to`` is a channel, the addresses or the name of a file; ``text`` is the message or the content of the file.
    """

    node_id: int
    node_type: str
    to: tuple[str, ...]
    total_rows: int
    rows: tuple[Mapping[str, Any], ...]
    subject: str | None = None
    text: str | None = None
    media_type: str | None = None


SHOWN = 100
"""How many of the rows a delivery keeps; the rest is in the result."""


def shown(table: Table) -> tuple[Mapping[str, Any], ...]:
    """Return the first rows, for a delivery to keep."""
    return tuple(table.rows(0, SHOWN))
