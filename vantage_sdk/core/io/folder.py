"""A folder that is held open: whatever is planted on its path meanwhile, its files stay in it.

Where the system has no functions relative to an open folder (Windows), the folder is looked at before each step.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Self

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
WAITS_FOR_NOBODY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | BINARY
_REPARSE_TAGS = (0xA000000C, 0xA0000003)  # symbolic links and mount points ("junctions") of Windows
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_ELSEWHERE = (errno.ENOENT, errno.ELOOP, errno.EMLINK, errno.ENXIO)  # what a link, or a FIFO, gives that came just now
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}


def kind(found: os.stat_result) -> str:
    """Return what something on the disk is, for a message."""
    return "a symbolic link" if is_link(found) else _KINDS.get(stat.S_IFMT(found.st_mode), "a device")


def is_link(found: os.stat_result) -> bool:
    return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) in _REPARSE_TAGS


def is_ours(found: os.stat_result) -> bool:
    """Tell whether something is an ordinary file of this user, and no link."""
    owner = getattr(os, "geteuid", lambda: found.st_uid)()
    return stat.S_ISREG(found.st_mode) and not is_link(found) and found.st_uid == owner


def sync(fd: int) -> None:
    """Wait until the disk has it, where the file system can tell."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


class Folder:
    """An open folder; ``name`` is a plain name everywhere."""

    HELD = {os.open, os.stat, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd
    RENAMES_OPEN_FILES = os.name != "nt"

    def __init__(self, path: str, fd: int | None) -> None:
        self.path = path
        self._fd = fd
        self._found = os.stat(path) if fd is None else os.fstat(fd)

    @classmethod
    def at(cls, path: str) -> Folder:
        """Open a folder that the user chose, whatever links lead there."""
        if cls.HELD:
            return cls(path, os.open(path, _FOLDER))
        folder = cls(os.path.realpath(path, strict=True), None)
        if not stat.S_ISDIR(folder._found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return folder

    def below(self, name: str) -> Folder:
        """Open a folder in this one, made if it is missing; raise ``OSError`` if it is a link or a file."""
        with suppress(FileExistsError), self._place(name) as place:
            os.mkdir(place, dir_fd=self._fd)
        found = self.stat(name)
        path = os.path.join(self.path, name)
        if found is not None and is_link(found):
            raise OSError(errno.ELOOP, "a symbolic link is in the way; remove it, or choose another folder", path)
        if found is not None and not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, f"{kind(found)} is where a folder is needed", path)
        if self._fd is None:
            return Folder(path, None)
        with self._place(name) as place:  # a link that was planted just now makes this fail
            return Folder(path, os.open(place, _FOLDER | NO_LINK, dir_fd=self._fd))

    @contextmanager
    def _place(self, name: str) -> Generator[str]:
        """Give where a file is for the functions of ``os``, together with ``dir_fd``; their errors tell the whole path."""
        if name in ("", ".", "..") or "/" in name or os.sep in name or "\0" in name:
            raise ValueError(f"{name!r} is no plain name")
        if self._fd is None and not os.path.samestat(os.stat(self.path), self._found):
            raise OSError(errno.ELOOP, "the folder was replaced by another one meanwhile", self.path)
        path = os.path.join(self.path, name)
        try:
            yield path if self._fd is None else name
        except OSError as error:
            error.filename = path
            raise

    def stat(self, name: str) -> os.stat_result | None:
        """Return what is there under a name, a link as itself."""
        try:
            with self._place(name) as place:
                return os.stat(place, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def create(self, name: str, mode: int = 0o600) -> int:
        """Make a new file and open it to read and write; raise ``FileExistsError`` if anything is there."""
        with self._place(name) as place:
            return os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_LINK | BINARY, mode, dir_fd=self._fd)

    def open(self, name: str) -> int | None:
        """Open an ordinary file of this user to read and write, ``None`` if there is none or it has other names too."""
        found = self.stat(name)
        if found is None or not is_ours(found):
            return None
        try:
            with self._place(name) as place:
                fd = os.open(place, os.O_RDWR | NO_LINK | BINARY | WAITS_FOR_NOBODY, dir_fd=self._fd)
        except OSError as error:
            if error.errno in _ELSEWHERE:
                return None
            raise
        found = os.fstat(fd)
        # a planted second name would have us write to the first, a planted link to what it leads to
        if is_ours(found) and found.st_nlink == 1 and self.holds(name, fd):
            return fd
        os.close(fd)
        return None

    def holds(self, name: str, fd: int) -> bool:
        """Tell whether an open file is the one of this name."""
        found = self.stat(name)
        return found is not None and os.path.samestat(found, os.fstat(fd))

    def replace(self, old: str, new: str) -> None:
        """Rename a file in one step, in place of whatever file or link has the new name."""
        with self._place(old) as source, self._place(new) as target:
            os.replace(source, target, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def remove(self, name: str) -> None:
        """Remove a file; it may be gone."""
        with suppress(FileNotFoundError), self._place(name) as place:
            os.unlink(place, dir_fd=self._fd)

    def free(self) -> int:
        """Return the bytes that this user may still write."""
        if self._fd is None:
            return shutil.disk_usage(self.path).free
        found = os.statvfs(self._fd)
        return found.f_bavail * found.f_frsize

    def sync(self) -> None:
        """Wait until the disk has the names."""
        if self._fd is not None:
            sync(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        fd = self._fd
        if fd is not None and fd >= 0:
            self._fd = -1  # a step that comes late fails, and does not go by the path
            os.close(fd)
