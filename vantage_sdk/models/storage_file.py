"""Files and directories of the storage."""

from __future__ import annotations

from vantage_sdk.models.base import Model, Timestamp


class StorageFile(Model):
    """A file, or in a listing also a directory; ``size`` is in bytes, ``checksum`` like ``sha256:...``, ``etag`` tells versions apart."""

    id: str | None = None
    path: str
    name: str | None = None
    type: str | None = None
    size: int | None = None
    content_type: str | None = None
    checksum: str | None = None
    etag: str | None = None
    metadata: dict[str, str] | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    @property
    def is_directory(self) -> bool:
        """Tell whether this is a directory."""
        return self.type == "directory"
