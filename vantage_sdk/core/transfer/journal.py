"""What a later process needs to go on with a transfer: one small private file for each that is under way.

Records hold no credential.  A record is a hint: the server is asked, or the bytes are hashed, before it is believed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.disk import read_private, remove, renew, write_private
from vantage_sdk.core.shapes import as_object
from vantage_sdk.core.transfer.paths import safe_text
from vantage_sdk.core.transfer.pruning import prune

if TYPE_CHECKING:
    from vantage_sdk.core.io.sources import Sized
    from vantage_sdk.core.sending import Sender

VERSION = 1
LIMIT = 1 << 20
SAMPLE = 1 << 16
RENEWED = 3600.0  # seconds between two signs of life
log = logging.getLogger("vantage_sdk")


def folder() -> Path:
    """Return where records are kept: ``VANTAGE_STATE_DIR``, else ``vantage`` in the user's folder for state."""
    if own := os.environ.get("VANTAGE_STATE_DIR"):
        return Path(own) / "transfers"
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "vantage" / "transfers"


class Journal:
    """The record of one transfer, told from others by kind, server, organization, and both of its ends."""

    def __init__(self, sender: Sender, kind: str, remote: str, local: str) -> None:
        self._io = sender.io
        self._about = {"version": VERSION, "kind": kind, "remote": remote, "local": local}
        key = [kind, sender.config.base_url, sender.config.organization or "", remote, local]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
        try:
            self._path: Path | None = folder() / f"{name}.json"
        except RuntimeError:  # there is no home
            self._path = None
        self._due = time.monotonic()

    async def load(self) -> Mapping[str, Any] | None:
        """Return the record, ``None`` if there is none that can be read."""
        if self._path is None:
            return None
        path = self._path
        try:
            data = await self._io.work(lambda: read_private(path, LIMIT))
            found = None if data is None else as_object(json.loads(data))
        except (OSError, ValueError, RecursionError) as error:
            log.debug("the journal %s cannot be read: %s", path, error)
            return None
        if found is None or any(found.get(name) != value for name, value in self._about.items()):
            return None
        return found

    async def save(self, **facts: Any) -> None:
        """Replace the record; where that is not possible the transfer goes on, but nobody can go on with it later."""
        await self._io.work(lambda: self.save_now(facts))

    def save_now(self, facts: Mapping[str, Any]) -> None:
        """Replace the record, from any thread, and remove what others forgot."""
        if self._path is None:
            return
        try:
            write_private(self._path, json.dumps({**self._about, **facts}).encode())
        except OSError as error:
            self._path = None
            log.warning(
                "this transfer cannot be resumed later, its journal cannot be written: %s", safe_text(str(error))
            )
        else:
            prune(self._path.parent, LIMIT)

    async def renew(self) -> None:
        """Keep the record from counting as forgotten, now and then."""
        if self._path is not None and time.monotonic() >= self._due:
            self._due = time.monotonic() + RENEWED
            path = self._path
            await self._io.work(lambda: _renew(path))

    async def forget(self) -> None:
        """Remove the record."""
        await self._io.work(self.forget_now)

    def forget_now(self) -> None:
        """Remove the record, from any thread."""
        if self._path is not None:
            try:
                remove(self._path)
            except OSError as error:
                log.debug("the journal %s cannot be removed: %s", self._path, error)


def _renew(path: Path) -> None:
    try:
        renew(path)
    except OSError as error:
        log.debug("the journal %s cannot be renewed: %s", path, error)


def fingerprint(source: Sized) -> dict[str, Any]:
    """Return what tells a source from one that was at the same place before: size, time, and a digest of both ends."""
    sample = min(SAMPLE, source.size)
    ends = source.read(0, sample) + source.read(source.size - sample, sample)
    return {**source.identity(), "ends": hashlib.sha256(ends).hexdigest()}
