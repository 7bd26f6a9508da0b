"""What a file object needs beside the port: one caller at a time, a last word before leaving, and the end of a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.forking import renew_after_fork

if TYPE_CHECKING:
    from vantage_sdk.core.io.port import IO

PATIENCE = 0.8  # seconds for what was called off


class Over:
    """Tells a thread that another one has come to its end."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __enter__(self) -> None:
        """Begin what comes to its end when the block is left."""

    def __exit__(self, *_: object) -> None:
        self._event.set()

    @property
    def passed(self) -> bool:
        return self._event.is_set()

    def wait(self) -> None:
        """Wait for the end, but not for long."""
        self._event.wait(PATIENCE)


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


class Turn:
    """Lets one thread in at a time, or one task, whichever the port is for; a thread that is inside may come in again."""

    def __init__(self, io: IO) -> None:
        self._suspends = io.suspends
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin with nobody inside: who was may be a thread of the parent."""
        self._lock: Any = async_turns() if self._suspends else turns()

    async def take(self) -> None:
        if self._suspends:
            await self._lock.acquire()
        else:
            self._lock.acquire()

    def take_if_free(self) -> bool:
        if not self._suspends:
            taken: bool = self._lock.acquire(blocking=False)
            return taken
        import anyio

        try:
            self._lock.acquire_nowait()
        except (anyio.WouldBlock, RuntimeError):  # by another task, or by this one
            return False
        return True

    def give(self) -> None:
        self._lock.release()
