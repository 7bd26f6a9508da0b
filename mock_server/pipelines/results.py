"""Rows of past runs, on disk, so that reading a page takes the memory of a page."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.table import Table, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH = 16_384
MAX_BYTES = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of stored rows without reading them."""

    id: str
    workflow_id: int
    total_rows: int
    schema: Mapping[str, str]
    created_at: float
    expires_at: float
    size: int


class Results:
    """A directory of stored rows, for any thread.

    Rows are gone ``lifetime`` seconds after they were saved, and the oldest go when all together take more than
    ``max_bytes``.  Without ``directory`` a temporary one is used and removed at the end.
    """

    def __init__(
        self, directory: Path | None, now: Callable[[], float], lifetime: float, *, max_bytes: int = MAX_BYTES
    ) -> None:
        self._temporary = directory is None
        self._directory = Path(tempfile.mkdtemp(prefix="vantage-results-")) if directory is None else directory
        self._now = now
        self._lifetime = lifetime
        self._max_bytes = max_bytes
        self._results: dict[str, Result] = {}
        self._count = 0
        self._lock = threading.Lock()
        self._directory.mkdir(parents=True, exist_ok=True)

    def save(self, workflow_id: int, table: Table, *, result_id: str | None = None) -> Result:
        """Store rows; ``result_id`` is for a result that has to have a known name."""
        now = self._now()
        with self._lock:
            self._count += 1
            number = self._count
        name = result_id or _name(workflow_id, now, number)
        path = self._path(name)
        table.frame.write_ipc(path, record_batch_size=BATCH)
        result = Result(
            name, workflow_id, table.total_rows, table.schema, now, now + self._lifetime, os.path.getsize(path)
        )
        with self._lock:
            self._results.pop(name, None)
            self._results[name] = result
            self._clean()
        return result

    def get(self, result_id: str) -> Result | None:
        """Return a result, ``None`` once it has expired."""
        with self._lock:
            self._clean()
            return self._results.get(result_id)

    def page(self, result: Result, start: int, count: int) -> list[dict[str, Any]]:
        """Return ``count`` rows from ``start`` on, as they look on the wire."""
        return rows(pl.scan_ipc(self._path(result.id)).slice(start, count).collect())

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._results.clear()
        if self._temporary:
            shutil.rmtree(self._directory)

    def _clean(self) -> None:
        """Remove what has expired and, from the oldest on, what is too much."""
        now = self._now()
        total = sum(result.size for result in self._results.values())
        for result in list(self._results.values()):
            if result.expires_at <= now or (total > self._max_bytes and len(self._results) > 1):
                total -= result.size
                del self._results[result.id]
                self._path(result.id).unlink(missing_ok=True)

    def _path(self, result_id: str) -> Path:
        """Return where rows are; an id comes from outside and is no part of a path."""
        return self._directory / f"{hashlib.sha256(result_id.encode()).hexdigest()[:32]}.arrow"


def _name(workflow_id: int, now: float, number: int) -> str:
    digest = hashlib.sha256(f"{workflow_id}/{now}/{number}".encode()).hexdigest()
    return f"dataRef:wf{workflow_id}_{int(now)}_{digest[:6]}"
