"""The port for blocking clients: threads, sockets and files of this thread; its coroutines never suspend."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.blocking_pool import Pool
from vantage_sdk.core.io.body import declared, decoded, flat, grown
from vantage_sdk.core.io.carrier import Carried, Carrier
from vantage_sdk.core.io.failures import caught, translate
from vantage_sdk.core.io.files import read_bounded
from vantage_sdk.core.io.port import Call, Wire
from vantage_sdk.core.io.settings import Settings
from vantage_sdk.core.stepping import run

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class BlockingIO:
    """Sends over an injected ``httpx.Client``, a proxy, or a pool of its own; closes only what it made."""

    def __init__(self, settings: Settings, made_at: str, client: httpx.Client | None = None) -> None:
        self._made_at = made_at
        self._pool: Pool | None = None
        self._carrier: Carrier
        if client is None and settings.proxy is None:
            self._carrier = self._pool = Pool(settings)
            return
        from vantage_sdk.core.io.httpx_carrier import HttpxCarrier  # half the time of the first call

        if client is not None:
            self._carrier = HttpxCarrier(client, owned=False)
        elif settings.proxy is not None:
            self._carrier = HttpxCarrier.through(settings.proxy, settings)

    async def exchange(self, wire: Wire) -> Answer:
        try:
            carried = self._carrier.send(wire)
            with closing(carried):
                headers = flat(carried.headers)
                declared(headers, wire.limit)
                body = joined(carried.chunks(), wire.limit)
            return Answer(carried.status, headers, decoded(body, headers.get("content-encoding", ""), wire.limit))
        except caught() as error:
            failure = translate(error, str(wire.origin))
        raise failure

    async def open(self, wire: Wire) -> BlockingIncoming:
        try:
            return BlockingIncoming(self._carrier.send(wire), wire)
        except caught() as error:
            failure = translate(error, str(wire.origin))
        raise failure

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def read_file(self, path: Path, limit: int) -> bytes:
        return read_bounded(path, limit)

    async def gather(self, calls: Sequence[Call[T]], limit: int) -> list[T]:
        return Crew(calls).work(min(limit, len(calls)))

    def start(self, call: Call[T]) -> PendingThread[T]:
        return PendingThread(call)

    async def aclose(self) -> None:
        self._carrier.close()

    def __del__(self) -> None:
        pool: Pool | None = getattr(self, "_pool", None)
        if pool is not None and pool.open_connections:
            warnings.warn(f"unclosed client made at {self._made_at}", ResourceWarning, source=self, stacklevel=2)
            pool.close()


def joined(chunks: Iterator[bytes], limit: int) -> bytes:
    """Return the chunks as one body of at most ``limit`` bytes."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        grown(size, limit)
    return b"".join(parts)


class BlockingIncoming:
    """A streamed answer of a blocking client."""

    def __init__(self, carried: Carried, wire: Wire) -> None:
        self._carried = carried
        self._chunks = carried.chunks()
        self._origin = str(wire.origin)
        self.status = carried.status
        self.headers = flat(carried.headers)

    def __aiter__(self) -> BlockingIncoming:
        return self

    async def __anext__(self) -> bytes:
        try:
            for chunk in self._chunks:
                return chunk
        except caught() as error:
            failure = translate(error, self._origin)
        else:
            raise StopAsyncIteration
        raise failure

    async def read(self, limit: int) -> bytes:
        try:
            return decoded(joined(self._chunks, limit), self.headers.get("content-encoding", ""), limit)
        except caught() as error:
            failure = translate(error, self._origin)
        raise failure

    async def aclose(self) -> None:
        self._carried.close()


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
    """Threads that work through a list of calls; the first failure keeps the rest from starting."""

    def __init__(self, calls: Sequence[Call[T]]) -> None:
        self._todo = list(enumerate(calls))[::-1]
        self._results: dict[int, T] = {}
        self._failed: list[BaseException] = []

    def work(self, size: int) -> list[T]:
        total = len(self._todo)
        threads = [threading.Thread(target=self._take, name=f"vantage-crew-{n}", daemon=True) for n in range(1, size)]
        started: list[threading.Thread] = []
        try:
            for thread in threads:
                thread.start()
                started.append(thread)
        except RuntimeError:  # the interpreter is shutting down: this thread does it alone
            pass
        try:
            self._take()
            for thread in started:
                thread.join()
        except BaseException:
            self._todo.clear()
            raise
        if self._failed:
            raise self._failed[0]
        return [self._results[number] for number in range(total)]

    def _take(self) -> None:
        while self._todo and not self._failed:
            try:
                number, call = self._todo.pop()
            except IndexError:
                return
            try:
                self._results[number] = run(call())
            except Exception as error:  # raised by the caller of work
                self._failed.append(error)
