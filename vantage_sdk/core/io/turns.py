"""What a file object needs beside the port: one caller at a time, and a last word before leaving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vantage_sdk.core.io.port import IO

PATIENCE = 0.8  # seconds for a last word of a task that is being cancelled


def turns() -> AbstractContextManager[Any]:
    """Return what lets one thread in at a time."""
    return threading.RLock()


def async_turns() -> AbstractAsyncContextManager[Any]:
    """Return what lets one task in at a time."""
    import anyio

    return anyio.Lock(fast_acquire=True)


async def before_leaving(io: IO, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Finish a call even while the caller is being cancelled, but then not for long."""
    if not io.suspends:
        await call()
        return
    import anyio

    with anyio.move_on_after(PATIENCE, shield=True):
        await call()
