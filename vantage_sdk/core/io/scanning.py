"""Which files of a local folder an upload takes, and what it leaves out and why."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vantage_sdk.core.io.folder import is_link, kind
from vantage_sdk.core.transfer.globs import Filter
from vantage_sdk.core.transfer.paths import unfit

Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to upload: where it is, its path below the folder with ``/``, and its bytes at the time of the scan."""

    path: Path
    relative: str
    size: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is not uploaded, under its name as it is, and why."""

    relative: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What is in a folder, each list sorted: files to upload, what is left out on purpose, what cannot be uploaded."""

    files: list[LocalFile]
    skipped: list[Skipped]
    failed: list[Skipped]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something in a folder, and the folders that it is in, to notice a link that leads back."""

    path: str
    relative: str
    above: frozenset[Identity]


@dataclass(slots=True)
class _Search:
    """A scan while it runs; ``waiting`` holds the folders to look into, each with what it was when it was found."""

    filter: Filter
    follow_symlinks: bool
    found: Scan = field(default_factory=lambda: Scan([], [], []))
    waiting: list[tuple[_Entry, Identity]] = field(default_factory=list[tuple[_Entry, Identity]])

    def look_into(self, folder: _Entry, identity: Identity) -> None:
        if _identity(os.stat(folder.path)) != identity:
            return  # it vanished, and what came in its place may lead elsewhere
        with os.scandir(folder.path) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            relative = f"{folder.relative}/{name}" if folder.relative else name
            entry = _Entry(os.path.join(folder.path, name), relative, folder.above | {identity})
            with self.failing(entry):
                self.look_at(entry)

    @contextmanager
    def failing(self, entry: _Entry) -> Generator[None]:
        """Note an error of the system, unless it is that something vanished."""
        try:
            yield
        except FileNotFoundError:
            return
        except OSError as error:
            self.fail(entry, error.strerror or str(error))

    def look_at(self, entry: _Entry) -> None:
        found = os.lstat(entry.path)
        if is_link(found):
            if not self.follow_symlinks:
                self.skip(entry, "a symbolic link", folder=os.path.isdir(entry.path))
                return
            found = os.stat(entry.path) if os.path.exists(entry.path) else found
        if stat.S_ISDIR(found.st_mode):
            self.enter(entry, _identity(found))
        elif stat.S_ISREG(found.st_mode):
            self.take(entry, found.st_size)
        elif not is_link(found):
            self.skip(entry, kind(found))
        elif self.filter.admits(entry.relative):
            self.fail(entry, "a symbolic link that leads nowhere, or nowhere one may go")

    def enter(self, entry: _Entry, identity: Identity) -> None:
        if self.filter.excludes_folder(entry.relative):
            return
        if identity in entry.above:
            self.skip(entry, "a symbolic link that leads back to a folder it is in", folder=True)
        elif (fault := unfit(entry.relative)) is not None:
            self.fail(entry, f"its name {fault}")
        else:
            self.waiting.append((entry, identity))

    def take(self, entry: _Entry, size: int) -> None:
        if not self.filter.admits(entry.relative):
            return
        if (fault := unfit(entry.relative)) is not None:
            self.fail(entry, f"its name {fault}")
        elif os.access(entry.path, os.R_OK):
            self.found.files.append(LocalFile(Path(entry.path), entry.relative, size))
        elif os.path.lexists(entry.path):
            self.fail(entry, os.strerror(errno.EACCES))

    def skip(self, entry: _Entry, reason: str, *, folder: bool = False) -> None:
        excludes = self.filter.excludes_folder(entry.relative)
        if not excludes if folder else self.filter.admits(entry.relative):
            self.found.skipped.append(Skipped(entry.relative, reason))

    def fail(self, entry: _Entry, reason: str) -> None:
        self.found.failed.append(Skipped(entry.relative, reason))


def scan(root: Path, filter: Filter, *, follow_symlinks: bool) -> Scan:
    """Look for the files below ``root``, hidden ones too, that the filter admits; empty folders leave no trace.

    ``follow_symlinks``: whether links below ``root`` are taken for what they lead to, also outside of it, or skipped.
    Raises ``FileNotFoundError``, ``NotADirectoryError`` or another ``OSError`` if ``root`` itself cannot be listed.
    """
    search = _Search(filter, follow_symlinks)
    top = os.fspath(root)
    search.look_into(_Entry(top, "", frozenset()), _identity(os.stat(top)))
    while search.waiting:
        folder, identity = search.waiting.pop()
        with search.failing(folder):
            search.look_into(folder, identity)
    found = search.found
    found.files.sort(key=lambda file: file.relative)
    for left_out in (found.skipped, found.failed):
        left_out.sort(key=lambda one: one.relative)
    return found


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino
