"""Exports as bytes: CSV as RFC 4180 has it, or a JSON array, in pieces.

In CSV nothing is an empty cell, a list of texts is joined with commas as Slurm writes lists, other structures are JSON.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, cast

import pydantic_core

from mock_server.s9s.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from mock_server.s9s.artifacts import Artifact
    from mock_server.s9s.export_columns import Records
    from mock_server.s9s.export_requests import ExportOptions

PIECE = 200
"""How many subjects are looked at before their records are written and others get their turn."""


async def csv_pieces(
    artifact: Artifact, records: Records, columns: Sequence[str], options: ExportOptions
) -> AsyncGenerator[bytes, None]:
    """Yield the rows of a CSV file."""
    if options.include_headers:
        yield csv_rows([columns], options.delimiter)
    async for some in _pieces(records):
        artifact.records += len(some)
        yield csv_rows(([_cell(record[name]) for name in columns] for record in some), options.delimiter)


async def json_pieces(artifact: Artifact, records: Records, columns: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """Yield an array of objects, one a line."""
    yield b"["
    async for some in _pieces(records):
        lines = [pydantic_core.to_json({name: record[name] for name in columns}) for record in some]
        yield (b",\n" if artifact.records else b"\n") + b",\n".join(lines)
        artifact.records += len(some)
    yield b"\n]\n"


async def _pieces(records: Records) -> AsyncGenerator[list[dict[str, Any]], None]:
    some = list[dict[str, Any]]()
    async for subject in in_slices(records.subjects, PIECE):
        record = records.record(subject)
        if record is not None:
            some.append(record)
        if len(some) == PIECE:
            yield some
            some = []
    if some:
        yield some


def csv_rows(rows: Iterable[Sequence[Any]], delimiter: str) -> bytes:
    """Return rows as bytes."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, list | dict):
        return value
    parts = cast("list[Any]", value)
    if isinstance(value, list) and all(isinstance(part, str) for part in parts):
        return ",".join(parts)
    return pydantic_core.to_json(value).decode()
