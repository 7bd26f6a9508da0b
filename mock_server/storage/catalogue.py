"""What files and uploads there are, in a database that survives a crash."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from mock_server.storage.errors import ClosedError
from mock_server.storage.file import StoredFile, Target
from mock_server.storage.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY, path TEXT UNIQUE NOT NULL, size INTEGER NOT NULL, content_type TEXT NOT NULL,
    sha256 TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL, blob TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, expires_at REAL NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sizes (at REAL NOT NULL, change INTEGER NOT NULL);
INSERT INTO sizes SELECT created_at, size FROM files WHERE NOT EXISTS (SELECT 1 FROM sizes);
"""


class Catalogue:
    """The database, for any thread.  Without ``durable`` a commit does not wait for the disk."""

    def __init__(self, path: str, *, durable: bool) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._closed = False
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        self.connection.executescript(_TABLES)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self.connection.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Let all changes inside happen or none, and nobody else change anything meanwhile; may be nested."""
        with self._lock:
            self._check()
            if self._depth:
                yield
                return
            self._depth += 1
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def file(self, file_id: str) -> StoredFile | None:
        return next(iter(self._files("id = ?", file_id)), None)

    def file_at(self, path: str) -> StoredFile | None:
        return next(iter(self._files("path = ?", path)), None)

    def files_below(self, folder: str) -> list[StoredFile]:
        """Return the files below a directory, by path."""
        return self._files("path > ? AND path < ?", f"{folder}/", f"{folder}0")  # "0" comes right behind "/"

    def has_files_below(self, folder: str) -> bool:
        found = self._rows("SELECT 1 FROM files WHERE path > ? AND path < ? LIMIT 1", f"{folder}/", f"{folder}0")
        return bool(found)

    def save_file(self, file: StoredFile) -> None:
        """Add a file, or replace the one with its id, and book its bytes from the time of the change on."""
        there = self.file(file.id) or self.file_at(file.path)
        self._book(file.updated_at, file.size - (0 if there is None else there.size))
        self._run(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(file.id, file.path, file.size, file.content_type, file.sha256, file.created_at, file.updated_at),
            *(file.blob, json.dumps(file.metadata)),
        )

    def remove_file(self, file: StoredFile, at: float) -> None:
        self._book(at, -file.size)
        self._run("DELETE FROM files WHERE id = ?", file.id)

    def used(self) -> int:
        """Return the bytes of all files."""
        size: int = self._rows("SELECT coalesce(sum(size), 0) FROM files")[0][0]
        return size

    def byte_seconds(self, start: float, end: float) -> float:
        """Return the integral of the bytes of all files over a period, those included that are gone by now."""
        query = "SELECT coalesce(sum(change * (? - max(at, ?))), 0) FROM sizes WHERE at < ?"
        return float(self._rows(query, end, start, end)[0][0])

    def first_stored(self) -> float | None:
        """Return when the first bytes were stored."""
        first: float | None = self._rows("SELECT min(at) FROM sizes")[0][0]
        return first

    def upload(self, upload_id: str) -> Upload | None:
        return next(iter(self._uploads("SELECT data FROM uploads WHERE id = ?", upload_id)), None)

    def uploads(self) -> list[Upload]:
        return self._uploads("SELECT data FROM uploads ORDER BY rowid")

    def uploads_expired(self, now: float) -> list[Upload]:
        return self._uploads("SELECT data FROM uploads WHERE expires_at <= ?", now)

    def save_upload(self, upload: Upload) -> None:
        self._run(
            "INSERT INTO uploads VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, data = excluded.data",
            *(upload.id, upload.expires_at, json.dumps(asdict(upload))),
        )

    def remove_upload(self, upload_id: str) -> None:
        self._run("DELETE FROM uploads WHERE id = ?", upload_id)

    def next_number(self, name: str) -> int:
        """Count from 1."""
        return int(
            self._rows(
                "INSERT INTO numbers VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                name,
            )[0][0]
        )

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in ("files", "uploads", "numbers", "sizes"):
                self._run(f"DELETE FROM {table}")  # noqa: S608 - the names stand above

    def blobs(self) -> set[str]:
        """Return the blobs that something refers to."""
        used = {str(row[0]) for row in self._rows("SELECT blob FROM files")}
        return used | {upload.blob for upload in self.uploads()}

    def _book(self, at: float, change: int) -> None:
        if change:
            self._run("INSERT INTO sizes VALUES (?, ?)", at, change)

    def _files(self, condition: str, *values: str) -> list[StoredFile]:
        rows = self._rows(f"SELECT * FROM files WHERE {condition} ORDER BY path", *values)  # noqa: S608 - ours
        return [_file(row) for row in rows]

    def _uploads(self, query: str, *values: object) -> list[Upload]:
        return [_upload(json.loads(row[0])) for row in self._rows(query, *values)]

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            self._check()
            return self.connection.execute(query, values).fetchall()

    def _run(self, query: str, *values: object) -> None:
        self._rows(query, *values)

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("The storage is closed")


def _file(row: tuple[Any, ...]) -> StoredFile:
    *columns, metadata = row
    file: StoredFile = StoredFile(*columns)
    return replace(file, metadata=json.loads(metadata))


def _upload(data: dict[str, Any]) -> Upload:
    target = data.pop("target")
    parts: Iterable[str] = data.pop("parts")
    return Upload(**data, parts=tuple(parts), target=None if target is None else Target(**target))
