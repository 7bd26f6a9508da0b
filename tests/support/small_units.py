"""Transfers that do with an eighth of everything what they do with large files, because most of their time goes by the byte."""

from __future__ import annotations

import pytest

from vantage_sdk.core.io import hashing, sources
from vantage_sdk.core.transfer import appending, directories, download, outgoing, spans, upload, uploading

_UNITS = [
    (appending, ("FIRST", "LARGEST", "PIECE", "SMALLEST")),
    (directories, ("WHOLE",)),
    (download, ("APART", "KEPT", "PART")),
    (hashing, ("PIECE",)),
    (outgoing, ("PIECE", "WHOLE")),
    (sources, ("PIECE",)),
    (spans, ("CUT",)),
    (upload, ("APART", "WHOLE")),
    (uploading, ("WHOLE",)),
]


def make_units_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide by eight all that is a number of bytes in a transfer."""
    for module, names in _UNITS:
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name) // 8)
