"""The storage of one server: blobs, and the catalogue that says what they are."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from mock_server.storage.blobs import Blobs
from mock_server.storage.catalogue import Catalogue
from mock_server.storage.errors import (
    ConflictError,
    MissingError,
    QuotaError,
    StateInUseError,
    TooLargeError,
    full_disk,
)
from mock_server.storage.file import StoredFile, Target, guess_type
from mock_server.storage.paths import check_path, parents
from mock_server.storage.staged import Staged
from mock_server.storage.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mock_server.storage.blobs import BlobReader

MAX_SIZE = 2**40

Shadows = dict[str, StoredFile]
"""Files by path that exist without being stored: a stored one at the same path hides them."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A file that exists from the start, so many seconds old; without ``id`` it gets the next one."""

    path: str
    content: bytes
    id: str | None = None
    content_type: str | None = None
    age: float = 0.0


class Store:
    """Files in a directory that survives, or in a temporary one that ends with this object.  For any thread."""

    def __init__(
        self,
        directory: str | None,
        *,
        now: Callable[[], float],
        seed: int = 0,
        quota: int | None = None,
        seeds: Callable[[], Iterable[Seed]] = tuple[Seed],
    ) -> None:
        self.now = now
        self.quota = quota
        self._seed = seed
        durable = directory is not None
        self.directory = directory or tempfile.mkdtemp(prefix="vantage-mock-")
        self.close = weakref.finalize(self, _dispose, opened := list["Callable[[], object]"]())
        if not durable:
            opened.append(_remover(self.directory))
        else:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            opened.append(_lock(self.directory))
        self.catalogue = Catalogue(os.path.join(self.directory, "catalogue.sqlite3"), durable=durable)
        opened.append(self.catalogue.close)
        self.uploads = Uploads(self)
        self.blobs = Blobs(os.path.join(self.directory, "blobs"), durable=durable)
        self._sweep()
        self._plant(seeds)

    def erase(self) -> None:
        """Forget all files and uploads, so that the next one who opens the directory finds it new."""
        self.catalogue.clear()
        self._sweep()

    def new_id(self, kind: str) -> str:
        """Return the next id; the same seed gives the same ids."""
        number = self.catalogue.next_number(kind)
        return f"{kind}_" + hashlib.blake2b(f"{self._seed}:{kind}:{number}".encode(), digest_size=6).hexdigest()

    def file(self, file_id: str) -> StoredFile | None:
        return self.catalogue.file(file_id)

    def files(self, folder: str = "") -> list[StoredFile]:
        """Return the files below a directory, by path."""
        return self.catalogue.files_below(folder)

    def open(self, file: StoredFile) -> tuple[StoredFile, BlobReader]:
        """Return the file as it is now and a reader of its bytes: they may have been replaced since it was looked up."""
        while True:
            try:
                return file, self.blobs.read(file.blob)
            except FileNotFoundError:
                current = self.catalogue.file(file.id)
                if current is None or current.blob == file.blob:
                    raise MissingError("file", file.id) from None
                file = current

    def stage(self) -> Staged:
        """Return a place for bytes that become a file by ``commit``."""
        return Staged(self.blobs, uuid4().hex, self.check_possible)

    def commit(self, staged: Staged, target: Target, shadows: Shadows | None = None) -> StoredFile:
        """Make a file of what was staged."""
        with full_disk():
            staged.seal()
            with self.catalogue.transaction():
                self.admit(target, staged.size, shadows or {})
                file, replaced = self.place(target, staged.size, staged.sha256, staged.name, shadows or {})
        staged.settled = True
        self.blobs.remove(replaced)
        return file

    def put(self, path: str, content: bytes, *, content_type: str | None = None) -> StoredFile:
        """Store ``content``, replacing what is there."""
        staged = self.stage()
        try:
            staged.write(content)
            return self.commit(staged, Target(check_path(path), overwrite=True, content_type=content_type))
        finally:
            staged.discard()

    def delete(self, file_id: str, check: Callable[[StoredFile], object] | None = None) -> StoredFile:
        """Remove a file if ``check`` does not raise."""
        with self.catalogue.transaction():
            file = self.catalogue.file(file_id)
            if file is None:
                raise MissingError("file", file_id)
            if check is not None:
                check(file)
            self.catalogue.remove_file(file, self.now())
        self.blobs.remove(file.blob)
        return file

    def admit(self, target: Target, size: int | None, shadows: Mapping[str, StoredFile]) -> None:
        """Raise what is in the way of a file of this size (``None`` if it is not known) at this path."""
        catalogue, path = self.catalogue, target.path
        stored = catalogue.file_at(path)
        if not target.overwrite and (stored is not None or path in shadows):
            raise ConflictError(f"There is a file at {path}")
        if catalogue.has_files_below(path) or any(other.startswith(f"{path}/") for other in shadows):
            raise ConflictError(f"{path} is a directory")
        for parent in parents(path):
            if parent in shadows or catalogue.file_at(parent) is not None:
                raise ConflictError(f"{parent} is a file")
        # What a job wrote takes no room here, so none is given back for it.
        self.check_size(size or 0, replaced=0 if stored is None else stored.size)

    def check_size(self, size: int, *, replaced: int = 0) -> None:
        """Raise if there is no room for so many bytes when ``replaced`` ones go."""
        self.check_possible(size if self.quota is None else self.catalogue.used() - replaced + size)

    def check_possible(self, size: int) -> None:
        """Raise if there is no room for so many bytes even in an empty store."""
        if self.quota is not None and size > self.quota:
            raise QuotaError(f"All files together must not be larger than {self.quota} bytes")
        if size > MAX_SIZE:
            raise TooLargeError(f"A file must not be larger than {MAX_SIZE} bytes")

    def place(
        self, target: Target, size: int, sha256: str, blob: str, shadows: Mapping[str, StoredFile]
    ) -> tuple[StoredFile, str]:
        """Enter an admitted file into the catalogue; return it, and the blob that it replaces."""
        there = self.catalogue.file_at(target.path)
        known = there or shadows.get(target.path)
        now = self.now()
        file = StoredFile(
            id=self.new_id("file") if known is None else known.id,
            path=target.path,
            size=size,
            content_type=target.media_type,
            sha256=sha256,
            created_at=now if known is None else known.created_at,
            updated_at=now,
            blob=blob,
            metadata=target.metadata,
        )
        self.catalogue.save_file(file)
        return file, "" if there is None else there.blob

    def _plant(self, seeds: Callable[[], Iterable[Seed]]) -> None:
        """Write the files of the world, once in the life of a directory."""
        with self.catalogue.transaction():
            if self.catalogue.next_number("opened") > 1:
                return
            for seed in seeds():
                staged = self.stage()
                staged.write(seed.content)
                staged.seal()
                at = self.now() - seed.age
                kind = seed.content_type or guess_type(seed.path)
                file = StoredFile(
                    *(seed.id or self.new_id("file"), seed.path, staged.size, kind, staged.sha256, at, at, staged.name)
                )
                self.catalogue.save_file(file)

    def _sweep(self) -> None:
        """Remove blobs that nothing refers to, left by uploads that a crash has ended."""
        self._remove(set(self.blobs.names()) - self.catalogue.blobs())

    def _remove(self, names: Collection[str]) -> None:
        for name in names:
            self.blobs.remove(name)


def _lock(directory: str) -> Callable[[], object]:
    """Keep other servers out of a directory until the returned function is called."""
    file = open(os.path.join(directory, "lock"), "ab")  # noqa: SIM115
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StateInUseError(f"another server uses the state directory {directory}") from None
    return file.close


def _remover(directory: str) -> Callable[[], object]:
    return lambda: shutil.rmtree(directory, ignore_errors=True)


def _dispose(opened: list[Callable[[], object]]) -> None:
    """Give back what was opened, the latest first."""
    while opened:
        opened.pop()()
