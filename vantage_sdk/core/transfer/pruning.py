"""Forgetting transfers that nobody went on with: their records, and the partial files that these name.

A transfer under way renews its record, and a partial file that a living process writes to is locked.
"""

from __future__ import annotations

import json
import logging
import re
import time
from typing import TYPE_CHECKING

from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.io.disk import is_older, older, read_private, remove
from vantage_sdk.core.shapes import as_object

if TYPE_CHECKING:
    from pathlib import Path

AGE = 14 * 86_400.0
PAUSE = 86_400.0  # seconds between two looks of one process
LOOKED, REMOVED = 10_000, 100  # so that no transfer waits long for what others left
_OURS = re.compile(r"[0-9a-f]{32}\.json|\.[0-9a-f]{16}\.part")
_due: dict[Path, float] = {}
log = logging.getLogger("vantage_sdk")


def prune(folder: Path, limit: int) -> None:
    """Remove what is older than 14 days from a folder of records of at most ``limit`` bytes, unless that was done of late."""
    now = time.monotonic()
    if now < _due.get(folder, now):
        return
    _due[folder] = now + PAUSE
    before = time.time() - AGE
    try:
        found = [name for name in older(folder, before, LOOKED) if _OURS.fullmatch(name)]
    except OSError as error:
        log.debug("the journals in %s cannot be listed: %s", folder, error)
        return
    for name in found[:REMOVED]:
        path = folder / name
        try:
            if _is_over(path, limit) and is_older(path, before):  # still: it may have been taken up just now
                remove(path)
        except OSError as error:
            log.debug("the journal %s cannot be removed: %s", path, error)


def _is_over(path: Path, limit: int) -> bool:
    """Tell whether nothing is left that only this record knows of, and remove what is."""
    data = read_private(path, limit)
    try:
        record = None if data is None else as_object(json.loads(data))
    except (ValueError, RecursionError):
        return True
    local, partial = (record or {}).get("local"), (record or {}).get("partial")
    if not isinstance(local, str) or not isinstance(partial, str):
        return True
    try:
        with Destination.left_at(local) as destination:
            return destination.clear(partial)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # its folder is gone, or it was none
        return True
