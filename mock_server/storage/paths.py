"""Which paths a file can have."""

from __future__ import annotations

import re

from mock_server.storage.errors import PathError

MAX_PATH = 1024
MAX_SEGMENT = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_path(path: str) -> str:
    """Return ``path`` if a file can have it, else raise ``PathError``."""
    if not path.startswith("/"):
        raise PathError("Must begin with /")
    if _CONTROL.search(path):
        raise PathError("Must not contain control characters")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise PathError("Must be valid UTF-8") from None
    if size > MAX_PATH:
        raise PathError(f"Must not be longer than {MAX_PATH} bytes")
    for segment in path[1:].split("/"):
        if segment in ("", ".", ".."):
            raise PathError("Must not have an empty segment, '.' or '..'")
        if len(segment.encode()) > MAX_SEGMENT:
            raise PathError(f"A segment must not be longer than {MAX_SEGMENT} bytes")
    return path


def check_folder(path: str) -> str:
    """Return the path of a directory, or of one file, without the slash at its end; the root is empty."""
    return "" if path == "/" else check_path(path.removesuffix("/"))


def parents(path: str) -> list[str]:
    """Return the directories above ``path``, the nearest first, without the root."""
    found: list[str] = []
    while path := path.rpartition("/")[0]:
        found.append(path)
    return found
