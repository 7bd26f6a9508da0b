"""Waiting for what a real cluster does in its own time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_NEVER = threading.Event()


def until(look: Callable[[], T], wanted: Callable[[T], bool], timeout: float = 60.0) -> T:
    """Look again and again until what is seen is ``wanted``, and return it."""
    end = time.monotonic() + timeout
    while not wanted(seen := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"after {timeout:g} seconds it is still {seen!r}")
        _NEVER.wait(0.1)
    return seen
