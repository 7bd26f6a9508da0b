"""The file system as a job sees it: its own output directory and ``/dev/null``."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from mock_server.cluster.shell.errors import FileError
from mock_server.cluster.shell.streams import Discard, FileStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.job import Job
    from mock_server.cluster.shell.streams import Stream


class Files:
    """Opens and reads the outputs of one job."""

    __slots__ = ("_job", "_now")

    def __init__(self, job: Job, now: Callable[[], float]) -> None:
        self._job = job
        self._now = now

    def open(self, path: str, *, append: bool) -> Stream:
        """Open a file for writing, emptied unless ``append`` is set."""
        if path == "/dev/null":
            return Discard()
        stream = FileStream(self._job, self._resolve(path), self._now)
        if not append:
            stream.truncate()
        else:
            stream.write("")
        return stream

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        if path == "/dev/null":
            return b""
        file = self._job.outputs.get(self._resolve(path))
        if file is None:
            raise FileError(f"{path}: No such file or directory")
        return file.content

    def _resolve(self, path: str) -> str:
        base = self._job.output_directory
        resolved = posixpath.normpath(posixpath.join(base, path))
        if resolved == base or path.endswith("/"):
            raise FileError(f"{path}: Is a directory")
        if not resolved.startswith(base.rstrip("/") + "/"):
            raise FileError(f"{path}: Permission denied")
        return resolved
