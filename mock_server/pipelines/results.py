"""Rows of past runs, on disk, so that reading a page takes the memory of a page.

They are kept as Parquet, of which a page reads the groups of rows that it touches.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.errors import GoneError
from mock_server.pipelines.table import Table, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = 16_384
MAX_BYTES = 4 * 1024**3
_PREFIX = "result-"


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of stored rows without reading them; ``size`` is what they take on disk."""

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
    ``max_bytes``.  Without ``directory`` a temporary one is used.  Nothing outlives the object that stored it.
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
        self._remove_files()

    def save(self, workflow_id: int, table: Table, *, result_id: str | None = None) -> Result:
        """Store rows under a new id, or under ``result_id``, in place of what has that id."""
        with self._lock:
            self._count += 1
            number, now = self._count, self._now()
        name = result_id or _new_id(workflow_id, now, number)
        written = self._directory / f"{_PREFIX}{number}.part"
        try:
            _write(table, written)
            expires, size = now + self._lifetime, written.stat().st_size
            result = Result(name, workflow_id, table.total_rows, table.schema, now, expires, size)
            with self._lock:
                written.replace(self._path(name))
                self._results.pop(name, None)
                self._results[name] = result
                self._clean()
        finally:
            written.unlink(missing_ok=True)
        return result

    def get(self, result_id: str) -> Result | None:
        """Return a result, ``None`` once it has expired."""
        with self._lock:
            self._clean()
            return self._results.get(result_id)

    def page(self, result: Result, start: int, count: int) -> list[dict[str, Any]]:
        """Return ``count`` rows from ``start`` on, as they look on the wire, or raise ``GoneError``."""
        if not result.schema:
            return []
        try:
            return rows(pl.scan_parquet(self._path(result.id), glob=False).slice(start, count).collect())
        except FileNotFoundError as error:
            raise GoneError(f"{result.id} has expired") from error

    def close(self) -> None:
        """Remove all rows."""
        with self._lock:
            self._results.clear()
            self._remove_files()
            if self._temporary:
                shutil.rmtree(self._directory, ignore_errors=True)

    def _clean(self) -> None:
        """Remove what has expired and, from the oldest on, what is too much; the latest stays."""
        now = self._now()
        total = sum(result.size for result in self._results.values())
        for result in list(self._results.values()):
            if result.expires_at <= now or (total > self._max_bytes and len(self._results) > 1):
                total -= result.size
                del self._results[result.id]
                self._path(result.id).unlink(missing_ok=True)

    def _path(self, result_id: str) -> Path:
        """Return where rows are; an id comes from outside and is no part of a path."""
        name = hashlib.sha256(result_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self._directory / f"{_PREFIX}{name}.parquet"

    def _remove_files(self) -> None:
        """Remove the files of results, of others before us too; what else is in the directory is not ours."""
        for pattern in (f"{_PREFIX}*.parquet", f"{_PREFIX}*.part"):
            for path in self._directory.glob(pattern):
                path.unlink(missing_ok=True)


def _write(table: Table, path: Path) -> None:
    if table.frame.width:
        table.frame.write_parquet(path, row_group_size=GROUP, compression="lz4", statistics=False)
    else:
        path.touch()


def _new_id(workflow_id: int, now: float, number: int) -> str:
    digest = hashlib.sha256(f"{workflow_id}/{now}/{number}".encode()).hexdigest()
    return f"dataRef:wf{workflow_id}_{int(now)}_{digest[:6]}"
