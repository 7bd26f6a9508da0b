"""What jobs leave in their output directories: files of the site, shown by the storage and never trusted.

Their owners may have put anything there, such as links to what only the server may read.  So each part of a path is opened
below the one before it, no link is followed, and a file counts if it is a regular one of an account that jobs run as and
has no other name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from io import FileIO
from itertools import islice
from typing import TYPE_CHECKING

from mock_server.cluster.backend import DeniedError, RequestError
from mock_server.cluster.shared_files import MissingFileError, SharedFile, SharedFolder
from mock_server.cluster.slurm.accounts import uid

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mock_server.cluster.slurm.settings import SlurmSettings

ROOT = "files"
"""Of the directory for output, the part that the storage shows."""

MOST = 100_000
"""Entries that are looked at for one list, also those that are not shown."""

DEPTH = 32
LONGEST = 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a pipe would wait for its other end
_GONE = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ESTALE, errno.ENXIO}
)
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_LATEST = 253_402_300_799.0
"""The end of the year 9999; the owner of a file can give it any time."""


class SiteFiles:
    """The files below ``files`` of the directory for output."""

    def __init__(self, settings: SlurmSettings) -> None:
        self._root = f"{settings.directory}/{ROOT}"
        self._accounts = {settings.user, *settings.users.values()}

    def prepare(self) -> None:
        """Make the directories in which every account may make its own, if the server may.

        Raises ``ValueError`` if somebody who runs no jobs has been there first.
        """
        for path in (self._root, f"{self._root}/outputs"):
            with contextlib.suppress(FileExistsError, PermissionError, FileNotFoundError):
                os.mkdir(path)
                os.chmod(path, 0o1777)  # noqa: S103  (as /tmp has it)
            if os.path.lexists(path) and not self._is_ours(os.lstat(path)):
                raise ValueError(f"{path} is no directory, or belongs to somebody else")

    def make_way(self, folder: str) -> None:
        """Make the directories above one for every account, down to the first that is not the server's own."""
        descriptor = os.open(self._root, _FOLDER)
        try:
            for name in folder.split("/")[1:-1]:
                if os.fstat(descriptor).st_uid != os.geteuid():
                    return
                is_new = _made(name, descriptor)
                inner = os.open(name, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
                if is_new and os.fstat(descriptor).st_uid == os.geteuid():
                    os.fchmod(descriptor, 0o1777)
        finally:
            os.close(descriptor)

    def at(self, path: str) -> SharedFile | None:
        try:
            with self._above(path) as (folder, name):
                return self._shown(path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        except (MissingFileError, OSError):
            return None

    def open(self, path: str) -> tuple[SharedFile, FileIO]:
        with _told(path, "read"), self._above(path) as (folder, name):
            # To open a device can do something by itself.
            if self._shown(path, os.stat(name, dir_fd=folder, follow_symlinks=False)) is None:
                raise MissingFileError(path)
            descriptor = os.open(name, _FILE, dir_fd=folder)
        found = self._shown(path, os.fstat(descriptor))
        if found is None:
            os.close(descriptor)
            raise MissingFileError(path)
        return found, _Unchanged(descriptor, found.version)

    def below(self, folder: str) -> list[SharedFile]:
        return [entry for entry in self._walk(folder, DEPTH) if isinstance(entry, SharedFile)]

    def inside(self, folder: str) -> tuple[list[SharedFile], list[SharedFolder]]:
        found = list(self._walk(folder, 1))
        files = [entry for entry in found if isinstance(entry, SharedFile)]
        return files, [entry for entry in found if isinstance(entry, SharedFolder)]

    def around(self, path: str) -> list[SharedFile]:
        parts = path.split("/")
        above = (self.at("/".join(parts[:count])) for count in range(2, len(parts) + 1))
        found = [file for file in above if file is not None]
        return found or list(islice((each for each in self._walk(path, DEPTH) if isinstance(each, SharedFile)), 1))

    def remove(self, path: str) -> None:
        with contextlib.suppress(MissingFileError), _told(path, "remove"), self._above(path) as (folder, name):
            if self._shown(path, os.stat(name, dir_fd=folder, follow_symlinks=False)) is not None:
                os.unlink(name, dir_fd=folder)

    @contextlib.contextmanager
    def _above(self, path: str) -> Generator[tuple[int, str]]:
        """Open the directory that a path names a file of; give its descriptor and the name in it."""
        folder, _, name = path.rpartition("/")
        if not path.startswith("/") or not is_name(name) or is_long(path):
            raise MissingFileError(path)
        with self._folder(folder) as descriptor:
            yield descriptor, name

    @contextlib.contextmanager
    def _folder(self, path: str) -> Generator[int]:
        names = path.split("/")[1:]
        if not all(map(is_name, names)) or len(names) > DEPTH or is_long(path):
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
        """Yield what is in a directory, and further down as deep as that.

        Raises ``RequestError`` where there are more than ``MOST`` entries, shown or not: whoever runs jobs could have the
        server look through millions that are not.
        """
        try:
            with self._folder(folder) as descriptor:
                yield from self._entries(descriptor, folder, depth, iter(range(MOST)))
        except (MissingFileError, OSError):
            return

    def _entries(
        self, descriptor: int, folder: str, depth: int, left: Iterator[int]
    ) -> Iterator[SharedFile | SharedFolder]:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if next(left, None) is None:
                    raise RequestError("path", f"there are more than {MOST} entries below it; list one further down")
                path = f"{folder}/{entry.name}"
                if not is_name(entry.name) or is_long(path):
                    continue
                with contextlib.suppress(OSError):  # gone meanwhile, or not for the server to read
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(status.st_mode):
                        if (file := self._shown(path, status)) is not None:
                            yield file
                        continue
                    yield SharedFolder(path, _time(status))
                    if depth > 1:
                        yield from self._further(entry.name, descriptor, path, depth - 1, left)

    def _further(
        self, name: str, above: int, path: str, depth: int, left: Iterator[int]
    ) -> Iterator[SharedFile | SharedFolder]:
        descriptor = os.open(name, _FOLDER, dir_fd=above)
        try:
            yield from self._entries(descriptor, path, depth, left)
        finally:
            os.close(descriptor)

    def _shown(self, path: str, status: os.stat_result) -> SharedFile | None:
        is_own = status.st_uid in map(uid, self._accounts)
        if not stat.S_ISREG(status.st_mode) or not is_own or status.st_nlink != 1:
            return None
        return SharedFile(path, status.st_size, _time(status), _version(status))

    def _is_ours(self, status: os.stat_result) -> bool:
        return stat.S_ISDIR(status.st_mode) and status.st_uid in {0, os.geteuid(), *map(uid, self._accounts)}


def _made(name: str, above: int) -> bool:
    """Make a directory; whether it was not there."""
    try:
        os.mkdir(name, 0o755, dir_fd=above)
    except FileExistsError:
        return False
    return True


class _Unchanged(FileIO):
    """Reads a file as long as it is what its version says; bytes of two contents must not be taken for one."""

    def __init__(self, descriptor: int, version: str) -> None:
        super().__init__(descriptor, "rb")
        self._version = version

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(-1 if size is None else size)
        if _version(os.fstat(self.fileno())) != self._version:
            raise OSError("the file was changed while it was read")
        return content


def _version(status: os.stat_result) -> str:
    """Return what changes with the content of a file, also if its owner sets back the time of it."""
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


def _time(status: os.stat_result) -> float:
    return min(max(0.0, status.st_mtime), _LATEST)


@contextlib.contextmanager
def _told(path: str, action: str) -> Generator[None]:
    """Say what a failure means to who asks for a file; one that means neither is the server's."""
    try:
        yield
    except OSError as error:
        if error.errno in _REFUSED:
            raise DeniedError(f"the server may not {action} {path}") from None
        if error.errno in _GONE:
            raise MissingFileError(path) from None
        raise


def is_long(path: str) -> bool:
    """Tell whether no file of the storage can have a path for its length."""
    return len(path.encode(errors="replace")) > LONGEST


def is_name(name: str) -> bool:
    """Tell whether a file of the storage can be called so."""
    if name in {"", ".", ".."} or "/" in name:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return all(character.isprintable() or character > "\x9f" for character in name)
