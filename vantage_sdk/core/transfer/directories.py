"""Whole directories: one plan, then many files at once, then an account of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.io.scanning import scan
from vantage_sdk.core.io.sources import FileSource, sha256_of
from vantage_sdk.core.transfer.batch import UNCHANGED, Batch, Move
from vantage_sdk.core.transfer.checksums import sha256_of_field
from vantage_sdk.core.transfer.download import CONNECTIONS, Download
from vantage_sdk.core.transfer.journal import Journal
from vantage_sdk.core.transfer.paths import below, refusals, relative_to, safe_text
from vantage_sdk.core.transfer.progress import Listener, Listeners
from vantage_sdk.core.transfer.remote import Target
from vantage_sdk.core.transfer.upload import PARTS, WHOLE, Upload
from vantage_sdk.exceptions import TransferError
from vantage_sdk.models.transfer import TransferItem, TransferReport

if TYPE_CHECKING:
    from vantage_sdk.core.io.sources import Sized
    from vantage_sdk.core.sending import Sender
    from vantage_sdk.core.transfer.globs import Filter
    from vantage_sdk.core.transfer.progress import Meter
    from vantage_sdk.core.transfer.remote import Downloads, Uploads
    from vantage_sdk.models.storage_file import StorageFile

SHOWN = 5
Listed = Mapping[str, "StorageFile"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a directory is transferred; see ``DirectoryOptions``."""

    filter: Filter
    sync: bool
    dry_run: bool
    resume: bool
    checksum: bool
    keep_going: bool
    concurrency: int
    callback: Listener | None
    progress: bool

    def connections(self, sender: Sender) -> int:
        """Return how many connections each file may use, so that none waits for another's."""
        return max(1, sender.io.connections // self.concurrency)

    def batch(self, sender: Sender) -> Batch:
        return Batch(sender, concurrency=self.concurrency, keep_going=self.keep_going, dry_run=self.dry_run)


class DirectoryUpload:
    """The files below ``root`` on their way below ``folder``; ``there`` is what is there already, as far as it matters."""

    def __init__(
        self, api: Uploads, plan: Plan, root: str, folder: str, there: Listed, *, overwrite: bool, follow_symlinks: bool
    ) -> None:
        self._api = api
        self._plan = plan
        self._root = root
        self._folder = folder
        self._there = there
        self._overwrite = overwrite or plan.sync
        self._follow = follow_symlinks

    async def run(self) -> TransferReport:
        plan, io = self._plan, self._api.sender.io
        batch = plan.batch(self._api.sender)
        found = await io.work(partial(scan, Path(self._root), plan.filter, follow_symlinks=self._follow))
        batch.skip([self._item(left.relative, reason=left.reason) for left in found.skipped])
        batch.fail([self._item(left.relative, reason=left.reason) for left in found.failed])
        files = [self._item(file.relative, file.size) for file in found.files]
        return await moved(batch, plan, files, self._move, self._folder, self._api.sender)

    def _item(self, relative: str, size: int | None = None, reason: str = "") -> TransferItem:
        return TransferItem(os.path.join(self._root, relative), below(self._folder, relative), size, reason)

    async def _move(self, sender: Sender, item: TransferItem, meter: Meter) -> str:
        begin = partial(FileSource, item.local_path, follow_symlinks=self._follow)
        source = await sender.io.work(begin, undo=FileSource.close)
        try:
            known, abort = self._there.get(item.remote_path), Abort()
            if known is not None and await sender.io.work(partial(is_same, source, known, abort), abort):
                meter.finish()
                return UNCHANGED
            if self._plan.dry_run:
                return ""
            target = Target(item.remote_path, self._overwrite)
            journal = Journal(sender, "upload", target.path, item.local_path) if source.size > WHOLE else None
            plan, api = self._plan, self._api.over(sender)
            how = {"resume": plan.resume, "checksum": plan.checksum}
            limit = min(PARTS, plan.connections(sender))
            await Upload(api, source, target, meter, journal, **how, connections=limit).run()
        finally:
            source.close()
        return ""


class DirectoryDownload:
    """The files ``listed`` below ``folder`` on their way below ``root``."""

    def __init__(self, api: Downloads, plan: Plan, listed: Listed, folder: str, root: str) -> None:
        self._api = api
        self._plan = plan
        self._root = root
        self._folder = folder
        self._found = _named(listed, folder, plan.filter)

    async def run(self) -> TransferReport:
        files = [
            TransferItem(os.path.join(self._root, *relative.split("/")), file.path, file.size)
            for relative, file in sorted(self._found.items())
        ]
        sender = self._api.sender
        return await moved(self._plan.batch(sender), self._plan, files, self._move, self._folder, sender)

    async def _move(self, sender: Sender, item: TransferItem, meter: Meter) -> str:
        relative = relative_to(item.remote_path, self._folder) or ""
        file, abort = self._found[relative], Abort()
        if self._plan.sync and await sender.io.work(partial(is_there, item.local_path, file, abort), abort):
            meter.finish()
            return UNCHANGED
        if self._plan.dry_run:
            return ""
        plan, api = self._plan, self._api.over(sender)
        limit = min(CONNECTIONS, plan.connections(sender))
        journal = Journal(sender, "download", file.path, item.local_path)
        resolve = partial(api.remote_again, file)
        begin = partial(Destination.below, self._root, relative)
        with await sender.io.work(begin, undo=Destination.close) as destination:
            download = Download(
                sender,
                api.options,
                resolve,
                destination,
                lambda _: meter,
                journal,
                resume=plan.resume,
                checksum=plan.checksum,
                connections=limit,
            )
            await download.run()
        return ""


async def moved(
    batch: Batch, plan: Plan, files: Sequence[TransferItem], move: Move, name: str, sender: Sender
) -> TransferReport:
    """Transfer the files of a plan with one meter for all."""
    listeners = Listeners(sender.io, plan.callback, name if plan.progress else None)
    try:
        return await batch.run(files, move, listeners.meter(sum(file.size or 0 for file in files)))
    finally:
        listeners.close()


def _named(listed: Listed, folder: str, filter: Filter) -> dict[str, StorageFile]:
    """Return the files by their paths below the directory; refuse all of them if one name is dangerous."""
    inside = {relative: file for path, file in listed.items() if (relative := relative_to(path, folder)) is not None}
    found = {relative: file for relative, file in inside.items() if filter.admits(relative)}
    strange = [path for path in listed if relative_to(path, folder) is None]
    refused = [f"'{safe_text(path)}' is not below {folder}" for path in strange]
    refused += [f"'{safe_text(each.name)}' {each.reason}" for each in refusals(sorted(found))]
    if refused:
        more = f"; and {len(refused) - SHOWN} more" if refused[SHOWN:] else ""
        raise ValueError(
            f"remote names that cannot become files: {'; '.join(refused[:SHOWN])}{more}; exclude= leaves them out"
        )
    return found


def is_same(source: Sized, file: StorageFile, abort: Abort) -> bool:
    """Tell whether a source has the size and the digest of a remote file."""
    digest = sha256_of_field(file.checksum)
    return digest is not None and source.size == file.size and sha256_of(source, abort) == digest


def is_there(path: str, file: StorageFile, abort: Abort) -> bool:
    """Tell whether a regular file at a path, no link, is the same as a remote one."""
    try:
        source = FileSource(path, follow_symlinks=False)
    except OSError:
        return False
    try:
        return is_same(source, file, abort)
    except TransferError:  # it is being written to
        return False
    finally:
        source.close()
