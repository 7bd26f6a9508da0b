"""Whole directories: one plan, then many files at once, then an account of each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.shapes import flag
from vantage_sdk.core.transfer.directories import DirectoryDownload, DirectoryUpload, Plan
from vantage_sdk.core.transfer.globs import Filter
from vantage_sdk.core.transfer.paths import remote_folder
from vantage_sdk.exceptions import ResourceNotFoundError
from vantage_sdk.models.transfer import TransferReport
from vantage_sdk.platform.storage_api import StorageApi
from vantage_sdk.platform.storage_uploads import ProgressCallback

CONCURRENCY = 8


class DirectoryOptions(CallOptions, total=False):
    """How a directory is transferred.

    ``include``, ``exclude``: globs over the path below the directory: ``*`` within a name, ``**`` across directories, a name
    without ``/`` anywhere; default all files, hidden ones too.  ``sync``: leave out files that are the same on both sides by
    size and digest, and replace the others.  ``dry_run``: only report what would be done.  ``continue_on_error``: go on with
    the other files when one fails, and report it; default stop and raise.  ``resume``: go on with files that were interrupted.
    ``checksum``: compare digests, default yes.  ``concurrency``: files at the same time, default 8.
    ``progress_callback``: called with the bytes of all files that got through and their total; ``progress``: show a bar on a
    terminal or in a notebook.
    """

    include: str | Sequence[str] | None
    exclude: str | Sequence[str] | None
    sync: bool
    dry_run: bool
    continue_on_error: bool
    resume: bool
    checksum: bool
    concurrency: int
    progress_callback: ProgressCallback | None
    progress: bool


_OWN = tuple(name for name in DirectoryOptions.__annotations__ if name not in CallOptions.__annotations__)


class StorageDirectories(Resource[Mode]):
    """The part of ``storage`` that transfers directories."""

    @method
    async def upload_directory(
        self: StorageDirectories[Async],
        local_dir: str | os.PathLike[str],
        remote_dir: str,
        *,
        overwrite: bool = False,
        follow_symlinks: bool = False,
        **given: Unpack[DirectoryOptions],
    ) -> TransferReport:
        """Upload all files below a directory.

        ``local_dir``: the directory; ``remote_dir``: where its content goes, from ``/`` on; ``overwrite``: replace files that
        are there, default no; ``follow_symlinks``: upload what links lead to, default leave them out and report them.  Links
        that lead back, devices and the like are left out and reported; empty directories are not transferred.  Other options:
        see ``DirectoryOptions``.

        Returns a ``TransferReport``.  Raises what ``upload`` raises for the first file that fails, unless
        ``continue_on_error``.
        """
        plan, api = _plan(given), StorageApi(self._sender, _call(given))
        choices = {
            "overwrite": flag("overwrite", overwrite),
            "follow_symlinks": flag("follow_symlinks", follow_symlinks),
        }
        folder, root = remote_folder(remote_dir), os.path.abspath(local_dir)
        there = await api.listed(folder) if plan.sync else {}
        return await DirectoryUpload(api, plan, root, folder, there, **choices).run()

    @method
    async def download_directory(
        self: StorageDirectories[Async],
        remote_dir: str,
        local_dir: str | os.PathLike[str],
        **given: Unpack[DirectoryOptions],
    ) -> TransferReport:
        """Download all files below a directory, replacing local ones.

        ``remote_dir``: the directory, from ``/`` on; ``local_dir``: where its content goes; it is made if it is missing.  Other
        options: see ``DirectoryOptions``.

        Before the first byte all remote names are checked: if any of them would lead out of ``local_dir``, is none on some
        system, or is the same as another one but for case, ``ValueError`` names them; ``exclude`` leaves them out.  Links below
        ``local_dir`` are never followed.  Returns a ``TransferReport``.  Raises ``ResourceNotFoundError`` if there is no such
        directory, and what ``download`` raises for the first file that fails, unless ``continue_on_error``.
        """
        plan, api = _plan(given), StorageApi(self._sender, _call(given))
        folder, root = remote_folder(remote_dir), os.path.abspath(local_dir)
        listed = await api.listed(folder)
        if folder in listed:
            raise ValueError(f"{folder} is a file; download takes it")
        if not listed and folder != "/":
            raise ResourceNotFoundError(
                f"there is no directory {folder}",
                status_code=404,
                code="resource_not_found",
                method="GET",
                path=api.listing,
            )
        return await DirectoryDownload(api, plan, listed, folder, root).run()


def _call(given: DirectoryOptions) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _OWN}


def _plan(given: DirectoryOptions) -> Plan:
    return Plan(
        filter=Filter(given.get("include"), given.get("exclude")),
        sync=flag("sync", given.get("sync", False)),
        dry_run=flag("dry_run", given.get("dry_run", False)),
        resume=flag("resume", given.get("resume", False)),
        checksum=flag("checksum", given.get("checksum", True)),
        keep_going=flag("continue_on_error", given.get("continue_on_error", False)),
        concurrency=given.get("concurrency", CONCURRENCY),
        callback=given.get("progress_callback"),
        progress=bool(given.get("progress")),
    )
