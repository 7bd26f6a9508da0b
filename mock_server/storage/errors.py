"""What the storage refuses; ``code`` is the word that callers know it by."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Generator

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StorageError(Exception):
    """Base of what the storage refuses."""

    code: ClassVar[str] = "resource_conflict"


class PathError(StorageError):
    """A path, or another ``field`` of a request, that can never be right."""

    code = "validation_error"

    def __init__(self, message: str, field: str = "path") -> None:
        super().__init__(message)
        self.field = field


class MissingError(StorageError):
    """No such file or upload; ``kind`` and ``key`` say which."""

    code = "resource_not_found"

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"{kind.capitalize()} {key!r} not found")
        self.kind = kind
        self.key = key


class ConflictError(StorageError):
    """The path is taken, or the upload is not where the caller thinks it is."""


class FinalError(StorageError):
    """A concatenation takes no bytes of its own."""

    code = "permission_denied"


class ExpiredError(StorageError):
    """The upload is over because nothing came for too long."""

    code = "upload_expired"


class TooLargeError(StorageError):
    """More bytes than announced, or than any file may have."""

    code = "payload_too_large"


class QuotaError(StorageError):
    """More bytes than there is room for."""

    code = "quota_exceeded"


class ChecksumError(StorageError):
    """What arrived is not what was sent."""

    code = "checksum_mismatch"


class FullError(StorageError):
    """The disk is full."""

    code = "insufficient_storage"


class ClosedError(StorageError):
    """The storage was closed or emptied under a request that was using it."""


class StateInUseError(ValueError):
    """Another server uses the state directory."""


@contextmanager
def full_disk() -> Generator[None]:
    """Turn what the system says about a full disk into ``FullError``."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise FullError("There is no space left to store this") from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
        raise FullError("There is no space left to store this") from error
