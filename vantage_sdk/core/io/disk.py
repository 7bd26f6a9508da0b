"""Blocking steps on single files: blocks at an offset, sources of uploads, small private files."""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import suppress
from itertools import islice

from vantage_sdk.core.io.folder import BINARY, NO_LINK, WAITS_FOR_NOBODY, Folder, is_link, is_ours, kind, sync

_seeking = threading.Lock()  # where there is no pread, the position belongs to one thread at a time


def write_at(fd: int, data: bytes | bytearray | memoryview, offset: int) -> None:
    """Write all of ``data`` at an offset in bytes; raise ``OSError`` as usual."""
    rest = memoryview(data).cast("B")
    while rest:
        done = _pwrite(fd, rest, offset)
        if not done:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rest, offset = rest[done:], offset + done


def read_at(fd: int, size: int, offset: int) -> bytes:
    """Return ``size`` bytes from an offset on, fewer only where the file ends."""
    parts: list[bytes] = []
    while size and (part := _pread(fd, size, offset)):
        parts.append(part)
        size, offset = size - len(part), offset + len(part)
    return b"".join(parts)


def _pwrite(fd: int, data: memoryview, offset: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(fd, data, offset)
    with _seeking:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.write(fd, data)


def _pread(fd: int, size: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(fd, size, offset)
    with _seeking:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, size)


def open_source(path: str | os.PathLike[str], *, follow_symlinks: bool = True) -> tuple[int, os.stat_result]:
    """Open a file to upload and return its descriptor and what it is like now; nothing here waits for a writer.

    ``follow_symlinks``: whether a link is taken for the file that it leads to.  Raises ``IsADirectoryError`` for a
    folder and ``OSError`` for links that are not followed, FIFOs, sockets, devices, and files that do not tell their size.
    """
    text = os.fspath(path)
    _demand_file(os.stat(text, follow_symlinks=follow_symlinks), text)
    fd = os.open(text, os.O_RDONLY | BINARY | WAITS_FOR_NOBODY | (0 if follow_symlinks else NO_LINK))
    try:
        found = os.fstat(fd)
        _demand_file(found, text)
        _demand_size(fd, found, text)
    except BaseException:
        os.close(fd)
        raise
    return fd, found


def _demand_file(found: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(found.st_mode) and not is_link(found):
        raise IsADirectoryError(errno.EISDIR, "this is a folder, not a file", path)
    if is_link(found) or not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, f"this is {kind(found)}, not a file", path)


def _demand_size(fd: int, found: os.stat_result, path: str) -> None:
    """Refuse what is not empty and yet says so, as files do that the system writes while they are read."""
    if not found.st_size and read_at(fd, 1, 0) and not size_of(fd):
        raise OSError(errno.EINVAL, "this file does not tell how large it is; give its bytes instead", path)


def size_of(fd: int) -> int:
    """Return how many bytes an open file has."""
    return os.fstat(fd).st_size


def same_file(before: os.stat_result, after: os.stat_result) -> bool:
    """Tell whether a file is still the one that it was, with the same content as far as its dates tell."""
    return os.path.samestat(before, after) and (before.st_size, before.st_mtime_ns) == (
        after.st_size,
        after.st_mtime_ns,
    )


def write_private(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a small file in one step by one that only its owner may read; a missing folder is made the same way."""
    text: str = os.fspath(path)
    parent, name = os.path.split(text)
    os.makedirs(parent or os.curdir, mode=0o700, exist_ok=True)
    with Folder.at(parent or os.curdir) as folder:
        fresh = f".{os.urandom(8).hex()}.part"
        fd = folder.create(fresh)
        try:
            try:
                write_at(fd, data, 0)
                sync(fd)
            finally:
                os.close(fd)
            folder.replace(fresh, name)
        except BaseException:
            folder.remove(fresh)
            raise


def read_private(path: str | os.PathLike[str], limit: int) -> bytes | None:
    """Return the content of such a file; ``None`` if it is missing, not this user's own, or has more than ``limit`` bytes."""
    text = os.fspath(path)
    try:
        if not is_ours(os.lstat(text)):
            return None
        fd = os.open(text, os.O_RDONLY | NO_LINK | BINARY | WAITS_FOR_NOBODY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        if not is_ours(os.fstat(fd)):
            return None
        data = read_at(fd, limit + 1, 0)
    finally:
        os.close(fd)
    return data if len(data) <= limit else None


def remove(path: str | os.PathLike[str]) -> None:
    """Remove a file; it may be gone."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def renew(path: str | os.PathLike[str]) -> None:
    """Have a file count as written just now; it may be gone."""
    with suppress(FileNotFoundError):
        os.utime(path)


def older(folder: str | os.PathLike[str], before: float, limit: int) -> list[str]:
    """Return the names of this user's files in a folder that were written before an instant; look at ``limit`` at most."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in islice(entries, limit) if is_older(entry.path, before)]


def is_older(path: str | os.PathLike[str], before: float) -> bool:
    """Tell whether there is a file of this user, no link, that was written before an instant."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return is_ours(found) and found.st_mtime < before
