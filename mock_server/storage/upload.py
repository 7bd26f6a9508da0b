"""One resumable upload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_server.storage.file import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload as the catalogue keeps it.

    ``length`` is ``None`` while the caller has not said it.  ``concat`` is what the caller said about concatenation,
    ``parts`` the blobs' uploads of a final one.  ``gone`` marks one that has expired, ``file_id`` one that is complete,
    ``etag`` which version of the file it became.
    """

    id: str
    owner: str
    blob: str
    length: int | None
    offset: int
    expires_at: float
    target: Target | None = None
    metadata: str = ""
    concat: str = ""
    parts: tuple[str, ...] = ()
    file_id: str | None = None
    etag: str | None = None
    gone: bool = False

    @property
    def partial(self) -> bool:
        return self.target is None

    @property
    def final(self) -> bool:
        return bool(self.parts)

    @property
    def arrived(self) -> bool:
        """Whether every byte is there."""
        return self.offset == self.length
