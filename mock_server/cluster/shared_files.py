"""The files that jobs leave on a file system which the server shares with the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import FileIO


class SharedFile(NamedTuple):
    """One file; ``version`` changes with its content, ``written_at`` is in seconds since the epoch."""

    path: str
    size: int
    written_at: float
    version: str


class SharedFolder(NamedTuple):
    """One directory."""

    path: str
    written_at: float


class SharedFiles(Protocol):
    """Paths are absolute and mean the root of what is shown; every method may take as long as the file system does.

    A path that leads nowhere, or to what is not shown, names no file.  ``MissingFileError`` says so where one is needed,
    ``DeniedError`` that the server may not touch it.
    """

    def at(self, path: str) -> SharedFile | None: ...

    def open(self, path: str) -> tuple[SharedFile, FileIO]:
        """Return a file as it is now, and its bytes; to read on when they have changed is an ``OSError``."""
        ...

    def below(self, folder: str) -> Sequence[SharedFile]:
        """Return all files below a directory; more than are listed at once are a ``RequestError``."""
        ...

    def inside(self, folder: str) -> tuple[Sequence[SharedFile], Sequence[SharedFolder]]:
        """Return the files and the directories in a directory."""
        ...

    def around(self, path: str) -> Sequence[SharedFile]:
        """Return what would be in the way of a file at ``path``: a file there, above it, or one below it."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, if there is one."""
        ...


class MissingFileError(Exception):
    """There is no such file, or not any more."""
