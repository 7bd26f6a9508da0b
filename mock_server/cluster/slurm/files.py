"""What jobs leave in their output directories: files of the site, shown by the storage and never trusted.

Their owners may have put anything there, such as links to what only the server may read.  So each part of a path is opened
below the one before it, no link is followed, and a file counts if it is a regular one of an account that jobs run as and
has no other name.
"""

from __future__ import annotations

import contextlib
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

from mock_server.cluster.backend import DeniedError, RequestError
from mock_server.cluster.shared_files import MissingFileError, SharedFile, SharedFolder
from mock_server.cluster.slurm.accounts import uid

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mock_server.cluster.slurm.settings import SlurmSettings

ROOT = "files"
"""Of the directory for output, the part that the storage shows."""

MOST = 10_000
"""Entries that are looked at for one list."""

DEPTH = 32
LONGEST = 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would wait for its other end


class SiteFiles:
    """The files below ``files`` of the directory for output."""

    def __init__(self, settings: SlurmSettings) -> None:
        self._root = f"{settings.directory}/{ROOT}"
        self._accounts = {settings.user, *settings.users.values()}

    def prepare(self) -> None:
        """Make the directories in which every account may make its own, if the server may."""
        for path in (self._root, f"{self._root}/outputs"):
            with contextlib.suppress(FileExistsError, PermissionError):
                os.mkdir(path)
                os.chmod(path, 0o1777)  # noqa: S103  (as /tmp has it)

    def at(self, path: str) -> SharedFile | None:
        try:
            with self._above(path) as (folder, name):
                return self._shown(path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        except (MissingFileError, OSError):
            return None

    def open(self, path: str) -> tuple[SharedFile, BinaryIO]:
        try:
            with self._above(path) as (folder, name):
                descriptor = os.open(name, _FILE, dir_fd=folder)
        except PermissionError:
            raise DeniedError(f"the server may not read {path}") from None
        except OSError:
            raise MissingFileError(path) from None
        found = self._shown(path, os.fstat(descriptor))
        if found is None:
            os.close(descriptor)
            raise MissingFileError(path)
        return found, cast("BinaryIO", open(descriptor, "rb", buffering=0))

    def below(self, folder: str) -> list[SharedFile]:
        found = list(islice(self._walk(folder, DEPTH), MOST + 1))
        if len(found) > MOST:
            raise RequestError("path", f"there are more than {MOST} entries below it; list a directory further down")
        return [entry for entry in found if isinstance(entry, SharedFile)]

    def inside(self, folder: str) -> tuple[list[SharedFile], list[SharedFolder]]:
        found = list(islice(self._walk(folder, 1), MOST + 1))
        if len(found) > MOST:
            raise RequestError("path", f"there are more than {MOST} entries in it")
        files = [entry for entry in found if isinstance(entry, SharedFile)]
        return files, [entry for entry in found if isinstance(entry, SharedFolder)]

    def around(self, path: str) -> list[SharedFile]:
        parts = path.split("/")
        above = (self.at("/".join(parts[:count])) for count in range(2, len(parts) + 1))
        found = [file for file in above if file is not None]
        return found or [entry for entry in islice(self._walk(path, DEPTH), MOST) if isinstance(entry, SharedFile)][:1]

    def remove(self, path: str) -> None:
        try:
            with self._above(path) as (folder, name):
                if self._shown(path, os.stat(name, dir_fd=folder, follow_symlinks=False)) is not None:
                    os.unlink(name, dir_fd=folder)
        except PermissionError:
            raise DeniedError(f"the server may not remove {path}") from None
        except (MissingFileError, OSError):
            return

    @contextlib.contextmanager
    def _above(self, path: str) -> Generator[tuple[int, str]]:
        """Open the directory that a path names a file of; give its descriptor and the name in it."""
        folder, _, name = path.rpartition("/")
        if not _is_name(name):
            raise MissingFileError(path)
        with self._folder(folder) as descriptor:
            yield descriptor, name

    @contextlib.contextmanager
    def _folder(self, path: str) -> Generator[int]:
        names = path.split("/")[1:]
        if not all(map(_is_name, names)) or len(names) > DEPTH or len(path) > LONGEST:
            raise MissingFileError(path)
        descriptor = os.open(self._root, _FOLDER)
        try:
            for name in names:
                inner = os.open(name, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _walk(self, folder: str, depth: int) -> Iterator[SharedFile | SharedFolder]:
        """Yield what is in a directory, and further down as deep as that."""
        try:
            with self._folder(folder) as descriptor:
                yield from self._entries(descriptor, folder, depth)
        except (MissingFileError, OSError):
            return

    def _entries(self, descriptor: int, folder: str, depth: int) -> Iterator[SharedFile | SharedFolder]:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if not _is_name(entry.name) or len(path) > LONGEST:
                    continue
                with contextlib.suppress(OSError):  # gone meanwhile, or not for the server to read
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(status.st_mode):
                        if (file := self._shown(path, status)) is not None:
                            yield file
                        continue
                    yield SharedFolder(path, status.st_mtime)
                    if depth > 1:
                        yield from self._further(entry.name, descriptor, path, depth - 1)

    def _further(self, name: str, above: int, path: str, depth: int) -> Iterator[SharedFile | SharedFolder]:
        descriptor = os.open(name, _FOLDER, dir_fd=above)
        try:
            yield from self._entries(descriptor, path, depth)
        finally:
            os.close(descriptor)

    def _shown(self, path: str, status: os.stat_result) -> SharedFile | None:
        is_own = status.st_uid in map(uid, self._accounts)
        if not stat.S_ISREG(status.st_mode) or not is_own or status.st_nlink != 1:
            return None
        version = f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
        return SharedFile(path, status.st_size, status.st_mtime, version)


def _is_name(name: str) -> bool:
    """Tell whether a file of the storage can be called so."""
    if name in {"", ".", ".."} or "/" in name:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return all(character.isprintable() or character > "\x9f" for character in name)
