"""Files and errors as fsspec describes them."""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

from vantage_sdk.exceptions import AuthorizationError, ConflictError, ResourceNotFoundError
from vantage_sdk.models.storage_file import StorageFile


@contextmanager
def told(path: str) -> Generator[None]:
    """Raise the errors of files as those of the operating system, with the SDK's as their cause."""
    try:
        yield
    except ResourceNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, error.message, path) from error
    except ConflictError as error:
        raise FileExistsError(errno.EEXIST, error.message, path) from error
    except AuthorizationError as error:
        raise PermissionError(errno.EACCES, error.message, path) from error


def entry(file: StorageFile) -> dict[str, Any]:
    """Return a file or a directory as fsspec describes them."""
    if file.is_directory:
        return {"name": file.path, "size": 0, "type": "directory"}
    return {
        "name": file.path,
        "size": file.size,
        "type": "file",
        "etag": file.etag,
        "checksum": file.checksum,
        "content_type": file.content_type,
        "created": file.created_at,
        "modified": file.updated_at,
        "id": file.id,
    }


def folders(name: str, top: str) -> Iterable[str]:
    """Yield the directories of a file from ``top`` on."""
    start = top.rstrip("/")
    parts = name[len(start) :].split("/")[1:-1]
    yield top
    for count in range(1, len(parts) + 1):
        yield "/".join([start, *parts[:count]])
