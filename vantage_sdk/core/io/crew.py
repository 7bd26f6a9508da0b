"""Calls of a blocking client in threads: one beside its caller, or many side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.port import Call
from vantage_sdk.core.stepping import run

T = TypeVar("T")
PATIENCE = 0.8  # seconds for threads that were called off


class PendingThread(Generic[T]):
    """A call on a thread of its own; where no thread can start any more, it runs when its result is asked for."""

    def __init__(self, call: Call[T]) -> None:
        self._call = call
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = threading.Thread(target=self._work, name="vantage-ahead", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is shutting down
            self._thread = None

    def _work(self) -> None:
        try:
            self._result.append(run(self._call()))
        except BaseException as error:  # handed to whoever asks for the result
            self._error = error

    async def result(self) -> T:
        if self._thread is None:
            self._work()
        else:
            self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def abandon(self) -> None:
        """Let it finish by itself; nobody looks at the result."""


class Crew(Generic[T]):
    """Threads that work through a list of calls; the first failure keeps the rest from starting.

    With an ``abort``, which is thrown then, also those that have begun end, and are waited for.
    """

    def __init__(self, calls: Sequence[Call[T]], abort: Abort | None = None) -> None:
        self._todo = list(enumerate(calls))[::-1]
        self._results: dict[int, T] = {}
        self._failed: list[BaseException] = []
        self._abort = abort

    def work(self, size: int) -> list[T]:
        total = len(self._todo)
        threads = [threading.Thread(target=self._take, name=f"vantage-crew-{n}", daemon=True) for n in range(1, size)]
        try:
            with suppress(RuntimeError):  # the interpreter is shutting down: this thread does it alone
                for thread in threads:
                    thread.start()
            self._take(mine=True)
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        except BaseException:
            self._todo.clear()
            if self._abort is not None:
                self._abort.throw()
                end = time.monotonic() + PATIENCE
                for thread in threads:
                    if thread.is_alive():
                        thread.join(max(0.0, end - time.monotonic()))
            raise
        if self._failed:
            raise self._failed[0]
        return [self._results[number] for number in range(total)]

    def _take(self, *, mine: bool = False) -> None:
        while self._todo and not self._failed:
            try:
                number, call = self._todo.pop()
            except IndexError:
                return
            try:
                self._results[number] = run(call())
            except BaseException as error:  # raised by the caller of work
                self._failed.append(error)
                if self._abort is not None:
                    self._abort.throw()
                if mine and not isinstance(error, Exception):
                    raise
