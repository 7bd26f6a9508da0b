"""The storage as a file system of fsspec, for pandas, dask, pyarrow and whatever else opens ``vantage://`` URLs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# fsspec has no types

from __future__ import annotations

import errno
import io
import os
import shutil
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from vantage_sdk.core.transfer.file_objects import TextWriter
from vantage_sdk.fs_client import WithClient  # which says so if fsspec is missing
from vantage_sdk.fs_entries import entry, folders, told
from vantage_sdk.fs_files import Compressed, Deferred

from fsspec.callbacks import DEFAULT_CALLBACK  # isort: skip
from fsspec.compression import compr  # isort: skip
from fsspec.core import get_compression  # isort: skip
from fsspec.utils import isfilelike  # isort: skip

TEXT = ("encoding", "errors", "newline")
NOT_OURS = ("size", "cache_type", "fill_cache")  # of files with another read-ahead
COPIED = 1 << 20


class VantageFileSystem(WithClient):
    """The storage of a client; ``vantage://datasets/a.csv`` is the remote path ``/datasets/a.csv``.

    ``client``: a ``VantageClient``, which stays yours to close.  Without it one is made when it is first needed, in each
    process, from the other storage options: every argument of ``VantageClient``, default as there.

    Directories are what paths have in common: making and removing them does nothing.  Raises ``FileNotFoundError``,
    ``FileExistsError`` and ``PermissionError``, with the SDK's error as their cause; all other errors are the SDK's.
    """

    protocol = "vantage"
    root_marker = "/"

    # Paths

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        found = super()._strip_protocol(path)
        return found if isinstance(found, list) else "/" + found.lstrip("/")

    def unstrip_protocol(self, name: str) -> str:
        """Return the URL of a path."""
        return f"vantage://{self._strip_protocol(name)[1:]}"

    # What there is

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return what is known of a file or a directory."""
        path = self._strip_protocol(path)
        with told(path):
            found = self.client.storage.list(path, limit=1, include_size=True)
        for file in found:
            if file.path == path and not file.is_directory:
                return entry(file)
        if found or path == "/":
            return {"name": path, "size": 0, "type": "directory"}
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT002  as fsspec has it
        """Return what is directly in a directory, or the one file there is."""
        path = self._strip_protocol(path)
        with told(path):
            files = [*self.client.storage.list_all(path, include_size=True)]
        if not files and path != "/":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        found = sorted((entry(file) for file in files), key=lambda one: str(one["name"]))
        return found if detail else [one["name"] for one in found]

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,  # noqa: FBT002
        detail: bool = False,  # noqa: FBT002
        **options: Any,
    ) -> Any:
        """Return all files below, with one list of the server unless ``maxdepth`` is given."""
        if maxdepth is not None:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **options)
        path = self._strip_protocol(path)
        with told(path):
            files = self.client.storage.list_all(path, recursive=True, include_size=True)
            found = {file.path: entry(file) for file in files if not file.is_directory}
        if withdirs and path not in found:
            for folder in {folder for name in found for folder in folders(name, path)}:
                found[folder] = {"name": folder, "size": 0, "type": "directory"}
        names = sorted(found)
        return {name: found[name] for name in names} if detail else names

    def exists(self, path: str, **_: Any) -> bool:
        """Tell whether there is a file or a directory; other than in fsspec itself, a failure is no answer but an error."""
        return self._type(path) is not None

    def isfile(self, path: str) -> bool:
        """Tell whether there is a file."""
        return self._type(path) == "file"

    def isdir(self, path: str) -> bool:
        """Tell whether there is a directory."""
        return self._type(path) == "directory"

    def _type(self, path: str) -> str | None:
        try:
            return str(self.info(path)["type"])
        except (FileNotFoundError, ValueError):  # a path that cannot be is not there either
            return None

    def created(self, path: str) -> datetime | None:
        """Return when a file was made, ``None`` for a directory."""
        return self.info(path).get("created")

    def modified(self, path: str) -> datetime | None:
        """Return when a file was last stored, ``None`` for a directory."""
        return self.info(path).get("modified")

    def checksum(self, path: str) -> int:
        """Return a number that is another one for another version of a file."""
        return int(self.ukey(path), 16)

    def ukey(self, path: str) -> str:
        """Return a text that is another one for another version of a file."""
        found = self.info(path)
        return sha256(repr(found.get("etag") or found.get("checksum") or found).encode()).hexdigest()

    # Bytes

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,  # noqa: FBT002
        cache_options: Any = None,  # noqa: ARG002  of another read-ahead
        **options: Any,
    ) -> Any:
        with told(path):
            file: Any = self.client.storage.open(path, mode, **_ours(block_size, options))
        file.raw.guard = partial(told, path)
        return file if autocommit or mode == "rb" else Deferred(file.detach())

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Any = None,
        compression: str | None = None,
        **options: Any,
    ) -> Any:
        """Open a file: ``r``, ``w`` or ``x``, with ``b`` for bytes; leaving the ``with`` block by an exception stores nothing."""
        text, reads = "b" not in mode, mode.startswith("r")
        encoding, errors, newline = (options.pop(name, None) if text else None for name in TEXT)
        mode = mode.replace("t", "") + "b" * text
        file: Any = super().open(path, mode, block_size, cache_options, **options)
        if compression is not None and (name := get_compression(path, compression)) is not None:
            squeezed = compr[name](file, mode="r" if reads else "w")
            file = squeezed if reads else Compressed(squeezed, file)
        if not text:
            return file
        return (io.TextIOWrapper if reads else TextWriter)(file, encoding or "utf-8", errors or "strict", newline)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Return the bytes of a file, or of a part of it; negative numbers count from its end."""
        with self.open(path, "rb", **options) as file:
            first, last, _ = slice(start, end).indices(file.size)
            file.seek(first)
            found: bytes = file.read() if end is None else file.read(max(0, last - first))
            return found

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Store bytes as a file."""
        path = self._strip_protocol(path)
        with told(path):
            self.client.storage.upload_bytes(value, path, overwrite=mode != "create", **options)

    def put_file(
        self, lpath: Any, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        """Upload a local file."""
        if os.path.isdir(lpath):
            return
        rpath = self._strip_protocol(rpath)
        with told(rpath):
            self.client.storage.upload(
                lpath, rpath, overwrite=mode != "create", progress_callback=_telling(callback), **options
            )

    def get_file(
        self, rpath: str, lpath: Any = None, callback: Any = DEFAULT_CALLBACK, outfile: Any = None, **options: Any
    ) -> None:
        """Download a file to a local path or into a file object."""
        rpath, storage, telling = self._strip_protocol(rpath), self.client.storage, _telling(callback)
        target: Any = lpath if outfile is None else outfile
        if outfile is None and not _is_file_object(lpath):
            if self.isdir(rpath):
                os.makedirs(target, exist_ok=True)
                return
            os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
            with told(rpath):
                storage.download(rpath, target, progress_callback=telling, **options)
            return
        with told(rpath):
            storage.download_to_file(rpath, target, progress_callback=telling, **options)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copy a file through this machine, as the server cannot."""
        source = self.info(path1)
        if source["type"] == "directory" or source["name"] == self._strip_protocol(path2):
            return
        with self.open(path1) as file, self.open(path2, "wb", content_type=source["content_type"]) as copy:
            shutil.copyfileobj(file, copy, COPIED)

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **_: Any) -> None:  # noqa: FBT002
        """Copy and then remove; the same path on both sides is left alone."""
        if self._strip_protocol(path1) != self._strip_protocol(path2):
            super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth)

    def rm_file(self, path: str) -> None:
        """Remove a file."""
        path = self._strip_protocol(path)
        with told(path):
            self.client.storage.delete(path)

    _rm = rm_file

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:  # noqa: FBT002
        """Remove files, with ``recursive`` also those below directories."""
        for name in reversed(self.expand_path(path, recursive=recursive, maxdepth=maxdepth)):
            try:
                self.rm_file(name)
            except FileNotFoundError:  # a directory is gone with what was in it
                if not recursive:
                    raise


def _ours(block_size: int | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that ``storage.open`` takes."""
    sized = {} if block_size is None else {"block_size": block_size}
    return {**sized, **{name: value for name, value in options.items() if value is not None and name not in NOT_OURS}}


def _is_file_object(target: Any) -> bool:
    return bool(isfilelike(target))


def _telling(callback: Any) -> Any:
    if callback is DEFAULT_CALLBACK:
        return None

    def tell(done: int, total: int) -> None:
        if callback.size != total:
            callback.set_size(total)
        callback.absolute_update(done)

    return tell
