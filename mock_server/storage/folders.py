"""Directories, found in the paths of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.storage.file import Folder, StoredFile
from mock_server.storage.paths import parents

if TYPE_CHECKING:
    from collections.abc import Iterable


def children(files: Iterable[StoredFile], folder: str) -> list[StoredFile | Folder]:
    """Return what is directly in ``folder`` (without a slash at its end), directories included."""
    found: list[StoredFile | Folder] = []
    below: dict[str, list[StoredFile]] = {}
    for file in files:
        name, slash, _ = file.path[len(folder) + 1 :].partition("/")
        if slash:
            below.setdefault(f"{folder}/{name}", []).append(file)
        else:
            found.append(file)
    return [*found, *(_folder(path, inside) for path, inside in below.items())]


def find_folder(files: Iterable[StoredFile], folder_id: str) -> Folder | None:
    """Return the directory with this id."""
    below: dict[str, list[StoredFile]] = {}
    for file in files:
        for path in parents(file.path):
            below.setdefault(path, []).append(file)
    folders = (_folder(path, inside) for path, inside in below.items())
    return next((folder for folder in folders if folder.id == folder_id), None)


def _folder(path: str, files: list[StoredFile]) -> Folder:
    return Folder(path, min(file.created_at for file in files), max(file.updated_at for file in files))
