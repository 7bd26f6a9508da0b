"""What callers say about stored files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mock_server.platform.lists import Listing, SortKey
from mock_server.routes import HeaderParameter
from mock_server.storage.folders import children
from mock_server.storage.paths import check_folder
from mock_server.validation import QueryBool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.storage.file import Folder, StoredFile

FileSortKey = SortKey | Literal["path", "-path", "size", "-size"]

IF_MATCH = HeaderParameter("If-Match", "Only if the file has this ETag.")
RANGE = HeaderParameter("Range", "One range of bytes; anything else is ignored.")
IF_RANGE = HeaderParameter("If-Range", "The range only if the file has this ETag, else all of it.")


class FileListing(Listing):
    """Which files."""

    sort: FileSortKey = Field(default="-created_at", description="Order; a leading minus reverses it.")  # type: ignore[assignment]
    path: str = Field(default="/", description="A directory, or exactly one file.")
    recursive: QueryBool = Field(default=False, description="All files below, instead of the direct children.")
    include_size: QueryBool = Field(default=False, description="Changes nothing: the size is always there.")
    include_metadata: QueryBool = Field(default=False, description="With the metadata of each file.")

    @property
    def folder(self) -> str:
        return check_folder(self.path)

    def entries(
        self, files: list[StoredFile], folders: Iterable[Folder] = (), *, exactly: bool = False
    ) -> list[StoredFile | Folder]:
        """Return the files of the folder, or its children unless it is ``exactly`` files that are meant, in order.

        ``folders`` are directories in it that are there with or without files.
        """
        entries: list[StoredFile | Folder] = [*files] if exactly or self.recursive else children(files, self.folder)
        known = {entry.path for entry in entries}
        entries += [folder for folder in folders if folder.path not in known]
        return self.select(entries, lambda _: True)
