"""How stored files look to callers."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from mock_server.storage.file import Folder, StoredFile
from mock_server.wire import iso

WRONG = "0" * 64  # the digest of nothing that anybody will store


class StorageFile(TypedDict):
    """A file or a directory; a directory has neither bytes nor a type of them."""

    id: str
    path: str
    name: str
    type: str
    size: NotRequired[int]
    content_type: NotRequired[str]
    checksum: NotRequired[str]
    etag: NotRequired[str]
    metadata: NotRequired[dict[str, str]]
    created_at: str
    updated_at: str


class StorageFileList(TypedDict):
    """A page of files."""

    files: list[StorageFile]
    total: int
    page: int
    per_page: int


def view_file(file: StoredFile | Folder, *, metadata: bool = False, checksum: str | None = None) -> StorageFile:
    """Return a file or directory as the platform shows it; ``checksum`` takes the place of the right one."""
    view: StorageFile = {
        "id": file.id,
        "path": file.path,
        "name": file.name,
        "type": "directory" if isinstance(file, Folder) else "file",
        "created_at": iso(file.created_at),
        "updated_at": iso(file.updated_at),
    }
    if isinstance(file, StoredFile):
        view["size"] = file.size
        view["content_type"] = file.content_type
        if file.sha256:
            view["checksum"] = "sha256:" + (checksum or file.sha256)
        view["etag"] = file.etag
        if metadata:
            view["metadata"] = file.metadata
    return view
