"""Many files at once: bounded, one meter for all, and an account of each."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.shapes import is_whole
from vantage_sdk.core.transfer.progress import Meter
from vantage_sdk.exceptions import ConflictError, VantageAPIError
from vantage_sdk.models.transfer import TransferItem, TransferReport

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender

UNCHANGED = "unchanged"
Move = Callable[["Sender", TransferItem, Meter], Awaitable[str]]
"""Transfers one file; returns why it was not necessary, if it was not."""


class Batch:
    """The files of one directory.  ``keep_going``: a file that fails does not stop the others."""

    def __init__(self, sender: Sender, *, concurrency: int, keep_going: bool, dry_run: bool) -> None:
        if not is_whole(concurrency, 1):
            raise ValueError(f"concurrency is a number from 1, not {concurrency!r}")
        self._sender = sender
        self._concurrency = concurrency
        self._keep_going = keep_going
        self._dry_run = dry_run
        self._begun = time.monotonic()
        self._done: list[TransferItem] = []
        self._skipped: list[TransferItem] = []
        self._failed: list[TransferItem] = []

    def skip(self, items: Sequence[TransferItem]) -> None:
        """Account for files that are left out from the start."""
        self._skipped += items

    def fail(self, items: Sequence[TransferItem]) -> None:
        """Account for files that cannot be transferred; raise an error for the first unless the others go on."""
        self._failed += items
        if items and not self._keep_going:
            raise OSError(f"{items[0].local_path}: {items[0].reason}; nothing was transferred")

    async def run(self, items: Sequence[TransferItem], move: Move, meter: Meter) -> TransferReport:
        """Transfer the files and return the account."""
        abort = Abort()
        sender = self._sender.bound_to(abort)
        calls = [partial(self._one, sender, item, move, meter) for item in items]
        try:
            await self._sender.io.gather(calls, self._concurrency, abort)
        except BaseException as stop:
            hint = "" if isinstance(stop, ConflictError) else "; sync=True goes on with the others"
            stop.add_note(f"{len(self._done)} of {len(items)} files were transferred{hint}")
            raise
        if not self._failed and not self._dry_run:
            meter.finish()
        return self.report()

    def report(self) -> TransferReport:
        done, skipped, failed = (
            tuple(sorted(part, key=lambda item: item.remote_path)) for part in (self._done, self._skipped, self._failed)
        )
        return TransferReport(done, skipped, failed, time.monotonic() - self._begun, self._dry_run)

    async def _one(self, sender: Sender, item: TransferItem, move: Move, meter: Meter) -> None:
        try:
            reason = await move(sender, item, meter.share(item.size or 0))
        except (VantageAPIError, OSError, ValueError) as error:
            if not self._keep_going or meter.refused:
                error.add_note(f"while transferring {item.local_path}")
                raise
            self._failed.append(
                TransferItem(item.local_path, item.remote_path, item.size, f"{type(error).__name__}: {error}", error)
            )
        else:
            if reason:
                self._skipped.append(TransferItem(item.local_path, item.remote_path, item.size, reason))
            else:
                self._done.append(item)
