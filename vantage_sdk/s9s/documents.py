"""Fetching the files that S9S makes: exports and reports."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from vantage_sdk.core.shapes import flag, is_whole
from vantage_sdk.core.transfer.download import download
from vantage_sdk.core.transfer.incoming import in_memory
from vantage_sdk.core.transfer.linked import linked
from vantage_sdk.core.transfer.progress import Listener
from vantage_sdk.core.transfer.tries import Remote, in_two_tries
from vantage_sdk.core.waiting import Pace, Poll, leaves_jobs_running
from vantage_sdk.exceptions import TransferError
from vantage_sdk.models.s9s_document import Document

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender

D = TypeVar("D", bound=Document)
IN_MEMORY = 64 << 20


class Source(Generic[D]):
    """An export or report as something to download; ``look`` fetches it anew, ``place`` is where it is if it does not say.

    ``given`` is believed once, if it says that it is there.
    """

    def __init__(
        self,
        sender: Sender,
        options: Mapping[str, Any],
        name: str,
        look: Callable[[], Awaitable[D]],
        given: D | None,
        place: str | None = None,
    ) -> None:
        self._sender = sender
        self._options = options
        self._name = name
        self._look = look
        self._given = given if given is not None and given.succeeded else None
        self._place = place

    async def remote(self) -> Remote:
        """Return how to read the file now; raise ``TransferError`` if there is none."""
        given, self._given = self._given, None
        document: Any = given or await self._look()
        shown = self._sender.shown(self._name)
        if document.status == "failed":
            raise TransferError(f"the server could not make {shown}, so there is nothing to download")
        link = document.download_url or self._place
        if not isinstance(link, str):
            raise TransferError(f"{shown} has no download_url (its status is {document.status!r}); wait for it first")
        size = document.file_size if is_whole(document.file_size, 0) else None
        return await linked(self._sender, self._options, link, shown, size)

    async def to_file(
        self, local: str | os.PathLike[str], *, resume: bool, callback: Listener | None, progress: bool
    ) -> Path:
        """Download it to a path; see ``exports.download``."""
        return await download(
            self._sender,
            self._options,
            self.remote,
            self._name,
            local,
            resume=flag("resume", resume),
            callback=callback,
            progress=progress,
        )

    async def to_bytes(self, limit: int) -> bytes:
        """Download it into memory, if it has at most ``limit`` bytes."""
        if not is_whole(limit, 0):
            raise ValueError(f"max_bytes is a number from 0, not {limit!r}")
        return await in_two_tries(self.remote, partial(in_memory, self._sender, self._options, limit))


async def made(
    sender: Sender, pace: Pace, look: Callable[[], Awaitable[D]], on_update: Callable[[D], object] | None, again: str
) -> D:
    """Return an export or report once the server is done with it; ``again`` is the call that goes on waiting."""
    poll = Poll(sender.io.sleep, pace, _status, on_update)
    try:
        return await poll.until(look, _is_made)
    except BaseException as stop:
        if leaves_jobs_running(stop):
            stop.add_note(f"the server goes on with it; resume with client.{again}")
        raise


def _status(document: Document) -> str | None:
    return document.status


def _is_made(document: Document) -> bool:
    return document.is_terminal
