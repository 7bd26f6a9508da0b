"""Local files as tests of downloads look at them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.io.disk import write_at


def descriptors() -> set[int]:
    return {fd for fd in range(256) if is_open(fd)}


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def put(destination: Destination, data: bytes) -> None:
    name = destination.partial_name()
    fd = destination.create(name)
    write_at(fd, data, 0)
    destination.commit(name, fd)


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Return everything below a folder: the content of files, where links lead, None for folders."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[path.relative_to(folder).as_posix()] = content
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)
