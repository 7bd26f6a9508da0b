"""What is stored: files, and the directories that follow from their paths."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from hashlib import blake2b

ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file.  Its bytes are the blob of that name, or ``content`` if it is the output of a job.

    Of a file of the cluster's own, which has neither, no ``sha256`` is known but a ``version``.
    """

    id: str
    path: str
    size: int
    content_type: str
    sha256: str
    created_at: float
    updated_at: float
    blob: str = ""
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None
    version: str = ""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def etag(self) -> str:
        return f'"{self.version or self.sha256[:32]}"'


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory; it exists as long as there is a file below it."""

    path: str
    created_at: float
    updated_at: float

    @property
    def id(self) -> str:
        return "dir_" + blake2b(self.path.encode(), digest_size=6).hexdigest()

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def size(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Target:
    """What is to become of an upload; ``sha256`` is what the caller says its bytes have."""

    path: str
    overwrite: bool = False
    content_type: str | None = None
    sha256: str | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def media_type(self) -> str:
        return self.content_type or guess_type(self.path)


def guess_type(path: str) -> str:
    """Return the content type that the name suggests."""
    return mimetypes.guess_type("/" + path.rpartition("/")[2])[0] or ANY_TYPE
