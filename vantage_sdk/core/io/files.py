"""Local files, read whole up to a limit."""

from __future__ import annotations

from pathlib import Path


def read_bounded(path: Path, limit: int) -> bytes:
    """Return the content of ``path``; raise ``ValueError`` if it has more than ``limit`` bytes, ``OSError`` as usual."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{path} has more than {limit} bytes")
    return data
