"""Files and directories of the storage."""

from __future__ import annotations

from vantage_sdk.models.base import Model, Timestamp


class StorageFile(Model):
    """A file, or in a listing also a directory; ``size`` is in bytes."""

    id: str | None = None
    path: str
    name: str | None = None
    type: str | None = None
    size: int | None = None
    content_type: str | None = None
    checksum: str | None = None
    metadata: dict[str, str] | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
