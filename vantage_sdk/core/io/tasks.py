"""One call beside its caller, without a task group: an iterator cannot hold one open between two items."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import anyio

from vantage_sdk.core.io.port import Call

T = TypeVar("T")


def start(call: Call[T], over: Callable[[], object] = bool) -> AsyncioTask[T] | TrioTask[T]:
    """Begin ``call`` as a task of the running event loop; ``over`` is called at its end, be it cancelled unbegun."""
    if "trio" in sys.modules and _inside_trio():
        return TrioTask(call, over)
    return AsyncioTask(call(), over)


def _inside_trio() -> bool:
    import trio

    return trio.lowlevel.in_trio_run()


class AsyncioTask(Generic[T]):
    """A call as an asyncio task."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], over: Callable[[], object] = bool) -> None:
        self._task = asyncio.ensure_future(coroutine)
        self._task.add_done_callback(lambda _: over())

    @property
    def is_lost(self) -> bool:
        return self._task.get_loop().is_closed()

    async def result(self) -> T:
        return await self._task

    def abandon(self) -> None:
        if not self._task.cancel() and not self._task.cancelled():
            self._task.exception()  # seen: asyncio must not report it as never retrieved


class TrioTask(Generic[T]):
    """A call as a system task of trio, which must not let an exception out."""

    is_lost = False  # trio brings every task to its end

    def __init__(self, call: Call[T], over: Callable[[], object] = bool) -> None:
        import trio

        self._over = over
        self._done = anyio.Event()
        self._scope = anyio.CancelScope()
        self._result: list[T] = []
        self._error: Exception | None = None
        trio.lowlevel.spawn_system_task(self._work, call)

    async def _work(self, call: Call[T]) -> None:
        try:
            with self._scope:
                try:
                    self._result.append(await call())
                except Exception as error:  # handed to whoever asks for the result
                    self._error = error
        finally:
            self._done.set()
            self._over()

    async def result(self) -> T:
        try:
            await self._done.wait()
        except BaseException:
            self._scope.cancel()
            raise
        if self._error is not None:
            raise self._error
        return self._result[0]

    def abandon(self) -> None:
        self._scope.cancel()
