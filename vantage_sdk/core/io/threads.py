"""Blocking work of an asynchronous client, in worker threads that end when the task that waits for them is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from vantage_sdk.core.io.abort import Stopped
from vantage_sdk.core.io.port import Failure, TransportError
from vantage_sdk.core.stepping import run

if TYPE_CHECKING:
    from vantage_sdk.core.io.abort import Abort
    from vantage_sdk.core.io.blocking import BlockingIncoming
    from vantage_sdk.core.io.port import Duplex, Sink

T = TypeVar("T")
PATIENCE = 0.8  # seconds for a thread that was called off
TICK = 0.1
_here = threading.local()


class Job(Generic[T]):
    """A function in a worker thread.  What it returns after nobody waits any more is undone."""

    def __init__(self, function: Callable[[], T], undo: Callable[[T], None] | None) -> None:
        self._function = function
        self._undo = undo
        self._lock = threading.Lock()
        self._results: list[T] = []
        self._over = anyio.Event()
        self._soon = soon()
        self._runs = False
        self.unwanted = False

    def run(self) -> T:
        self._begin()
        try:
            result = self._function()
            with self._lock:
                self._results.append(result)
            return result
        finally:
            del _here.job
            with self._lock:
                self._runs = False
            if self.unwanted:
                self._clear()
                with suppress(RuntimeError):  # the event loop has ended meanwhile
                    self._soon(self._over.set)

    def _begin(self) -> None:
        with self._lock:
            if self.unwanted:
                raise Stopped
            self._runs = True
        _here.job = self

    async def give_up(self) -> None:
        """Want no result any more, and wait for the thread as long as that is reasonable."""
        with self._lock:
            self.unwanted = True
            runs = self._runs
        if not runs:
            self._clear()
            return
        with anyio.move_on_after(PATIENCE, shield=True):
            await self._over.wait()

    def _clear(self) -> None:
        with self._lock:
            results, self._results = self._results, []
        if self._undo is not None:
            for result in results:
                self._undo(result)


def soon() -> Callable[[Callable[[], object]], object]:
    """Return what has a function called in this event loop, from any thread, and does not wait for it.

    It raises ``RuntimeError`` when the loop has ended.
    """
    token: Any = anyio.lowlevel.current_token().native_token
    later: Callable[[Callable[[], object]], object] | None = getattr(token, "call_soon_threadsafe", None)
    return later or token.run_sync_soon


async def threaded(
    function: Callable[[], T],
    abort: Abort | None = None,
    undo: Callable[[T], None] | None = None,
    *,
    waits: bool = False,
) -> T:
    """Run a function in a worker thread; when the caller is cancelled, throw ``abort`` and wait until the thread is done.

    ``waits``: others wait for it, or it for others, so it does not wait for one of the event loop's few threads.
    """
    room = anyio.CapacityLimiter(1) if waits else None
    if abort is None and undo is None:
        return await anyio.to_thread.run_sync(function, limiter=room)
    job = Job(function, undo)
    try:
        return await anyio.to_thread.run_sync(job.run, abandon_on_cancel=True, limiter=room)
    except anyio.get_cancelled_exc_class():
        if abort is not None:
            abort.throw()
        await job.give_up()
        raise


def told(listener: Callable[..., object]) -> Callable[..., None]:
    """Return a function for any thread that calls ``listener`` in the thread of the event loop, and waits for it.

    It raises ``Stopped`` where nobody wants to know any more: the loop may have ended, and would never answer.
    """
    home, post, context = threading.get_ident(), soon(), copy_context()

    def call(*arguments: Any) -> None:
        if threading.get_ident() == home:
            listener(*arguments)
            return
        answer: Future[object] = Future()

        def deliver() -> None:
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(context.run(listener, *arguments))
                except BaseException as error:  # raised in the thread that reports
                    answer.set_exception(error)

        try:
            post(deliver)
            while not wait([answer], TICK).done:
                post(bool)  # which tells whether the loop is still there
                if _unwanted() and answer.cancel():
                    raise Stopped
        except RuntimeError:
            raise Stopped from None
        answer.result()

    return call


def _unwanted() -> bool:
    """Tell whether nobody waits any more for what this thread does."""
    job: Job[Any] | None = getattr(_here, "job", None)
    return job is not None and job.unwanted


class ThreadedIncoming:
    """A streamed answer on a blocking connection, for which others may wait, read in worker threads."""

    def __init__(self, incoming: BlockingIncoming, abort: Abort) -> None:
        self._incoming = incoming
        self._abort = abort
        self.status = incoming.status
        self.headers = incoming.headers

    def __aiter__(self) -> ThreadedIncoming:
        return self

    async def __anext__(self) -> bytes:
        chunk = await threaded(self._next, self._abort, waits=True)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def _next(self) -> bytes | None:
        try:
            return run(self._incoming.__anext__())
        except StopAsyncIteration:
            return None

    async def read(self, limit: int) -> bytes:
        return await threaded(lambda: run(self._incoming.read(limit)), self._abort, waits=True)

    async def pour(self, sink: Sink) -> None:
        await threaded(lambda: self._incoming.pour_now(sink), self._abort, waits=True)

    def duplex(self) -> Duplex:
        raise TransportError(Failure.BAD, "what moves many bytes stays with HTTP")

    async def aclose(self) -> None:
        with suppress(Stopped):
            self._incoming.close()
