"""What a transfer leaves behind: partial files, records, threads; and how to wait until it has none."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path


def partials(local: Path) -> list[str]:
    return [str(path) for path in local.rglob("*.part")]


def kept(records: Path) -> list[str]:
    return sorted(os.listdir(records)) if records.exists() else []


def settled(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    """Wait until threads of others have seen that a transfer is over."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what()
        threading.Event().wait(0.005)


def quiet() -> bool:
    """Tell whether all threads that worked for a transfer have ended."""
    return not any(thread.name.startswith(("AnyIO", "vantage")) for thread in threading.enumerate())
