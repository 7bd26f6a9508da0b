"""Files that callers order and fetch later: they are written beside the event loop and are ready at a later time of the clock."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mock_server.incoming import in_thread
from mock_server.storage.blobs import BlobReader
from mock_server.storage.errors import FullError, full_disk
from mock_server.storage.file import StoredFile
from mock_server.world.errors import ConflictError, MissingError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from mock_server.state import ServerState

MAX_KEPT = 1_000
"""How many files of a kind are there at most; the oldest make room."""

Status = Literal["processing", "completed", "failed"]


@dataclass(slots=True, eq=False)
class Artifact:
    """One file; times are seconds since the epoch, ``details`` what else its kind says about it."""

    id: str
    filename: str
    media: str
    created_at: float
    due_at: float
    status: Status = "processing"
    completed_at: float | None = None
    size: int = 0
    sha256: str = ""
    records: int = 0
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    is_written: bool = False
    is_due: bool = False

    @property
    def is_awaited(self) -> bool:
        """Whether it is a matter of the clock when the file is ready."""
        return self.status == "processing" and not self.is_due


class Artifacts:
    """All files of one kind.  With a ``lifetime`` in seconds a file is gone that long after it was ordered."""

    def __init__(self, state: ServerState, kind: str, *, lifetime: float | None = None) -> None:
        self.kind = kind
        self.lifetime = lifetime
        self._state = state
        self._artifacts: dict[str, Artifact] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._directory: str | None = None
        state.time.follow(self._expire)

    def all(self) -> list[Artifact]:
        """Return the files, the latest first."""
        return list(self._artifacts.values())[::-1]

    def get(self, artifact_id: str) -> Artifact:
        artifact = self._artifacts.get(artifact_id)
        if artifact is None:
            raise MissingError(self.kind, artifact_id)
        return artifact

    def order(self, artifact: Artifact, content: Callable[[Artifact], AsyncGenerator[bytes, None]]) -> None:
        """Begin to write a file; ``content`` yields its bytes and counts its records."""
        self._add(artifact)
        self._state.time.schedule(artifact.due_at, lambda: self._due(artifact))
        task = asyncio.get_running_loop().create_task(self._write(artifact, content))
        self._tasks[artifact.id] = task
        task.add_done_callback(lambda task: self._written(artifact, task))

    def put(self, artifact: Artifact, content: bytes) -> None:
        """Add a file that was ready before."""
        self._add(artifact)
        with open(self._path(artifact), "wb") as file:
            file.write(content)
        artifact.size, artifact.sha256 = len(content), hashlib.sha256(content).hexdigest()
        artifact.is_written = artifact.is_due = True
        artifact.status, artifact.completed_at = "completed", artifact.due_at

    def open(self, artifact_id: str) -> tuple[StoredFile, BlobReader]:
        """Return a file and a reader of its bytes; one that is not ready is a ``ConflictError``."""
        artifact = self.get(artifact_id)
        if artifact.status != "completed" or artifact.completed_at is None:
            raise ConflictError(f"{self.kind.capitalize()} {artifact.id} is {artifact.status}")
        file = StoredFile(
            id=artifact.id,
            path=f"/{artifact.filename}",
            size=artifact.size,
            content_type=artifact.media,
            sha256=artifact.sha256,
            created_at=artifact.created_at,
            updated_at=artifact.completed_at,
        )
        return file, BlobReader(open(self._path(artifact), "rb", buffering=0))

    async def aclose(self) -> None:
        """Break off what is being written and forget all files."""
        tasks = list(self._tasks.values())
        self.close()
        if tasks:
            await asyncio.wait(tasks)

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._artifacts.clear()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    async def _write(self, artifact: Artifact, content: Callable[[Artifact], AsyncGenerator[bytes, None]]) -> None:
        digest = hashlib.sha256()
        path = self._path(artifact)
        async for piece in content(artifact):
            digest.update(piece)
            await in_thread(_append, path, piece)
            artifact.size += len(piece)
        artifact.sha256 = digest.hexdigest()

    def _written(self, artifact: Artifact, task: asyncio.Task[None]) -> None:
        del self._tasks[artifact.id]
        if task.cancelled():
            return
        failure = task.exception()
        if failure is None:
            artifact.is_written = True
            self._settle(artifact)
            return
        artifact.status = "failed"
        if not isinstance(failure, FullError):
            raise failure  # it is ours, and the loop tells it

    def _due(self, artifact: Artifact) -> None:
        artifact.is_due = True
        self._settle(artifact)

    def _settle(self, artifact: Artifact) -> None:
        """Say that a file is ready once it is there and its time has come."""
        if artifact.is_written and artifact.is_due:
            artifact.status, artifact.completed_at = "completed", artifact.due_at

    def _add(self, artifact: Artifact) -> None:
        while len(self._artifacts) >= MAX_KEPT:
            self._remove(next(iter(self._artifacts.values())))
        self._artifacts[artifact.id] = artifact

    def _expire(self) -> None:
        """Remove what has had its time; the oldest stand first."""
        if self.lifetime is None:
            return
        now = self._state.time.now()
        while self._artifacts and (oldest := next(iter(self._artifacts.values()))).created_at + self.lifetime <= now:
            self._remove(oldest)

    def _remove(self, artifact: Artifact) -> None:
        del self._artifacts[artifact.id]
        if artifact.id in self._tasks:
            self._tasks[artifact.id].cancel()
        if self._directory is not None and os.path.exists(path := self._path(artifact)):
            os.unlink(path)

    def _path(self, artifact: Artifact) -> str:
        if self._directory is None:
            self._directory = os.path.join(self._state.storage.directory, f"{self.kind}s")
            shutil.rmtree(self._directory, ignore_errors=True)  # of a server that was there before
            os.makedirs(self._directory, mode=0o700)
        return os.path.join(self._directory, artifact.id)


def _append(path: str, piece: bytes) -> None:
    with full_disk(), open(path, "ab") as file:
        file.write(piece)
