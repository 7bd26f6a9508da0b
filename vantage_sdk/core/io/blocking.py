"""The port for blocking clients: threads, sockets and files of this thread; its coroutines never suspend."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.blocking_pool import Pool
from vantage_sdk.core.io.body import declared, decoded, flat, grown
from vantage_sdk.core.io.carrier import Carried, Carrier
from vantage_sdk.core.io.crew import Crew, PendingThread
from vantage_sdk.core.io.duplex import BlockingDuplex
from vantage_sdk.core.io.failures import caught, translate
from vantage_sdk.core.io.files import read_bounded
from vantage_sdk.core.io.flights import Flight, seen
from vantage_sdk.core.io.port import IO, Call, Incoming, Pending, Sink, TransportError, Wire
from vantage_sdk.core.io.settings import Settings

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
DIRECT = 1 << 20  # bytes of a body that are worth a connection, because reading past the parser costs it


class BlockingIO:
    """Sends over an injected ``httpx.Client``, a proxy, or a pool of its own; closes only what it made."""

    suspends = False

    def __init__(self, settings: Settings, made_at: str, client: httpx.Client | None = None) -> None:
        self.connections = settings.max_connections
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
        return exchanged(self._carrier, wire)

    async def open(self, wire: Wire) -> BlockingIncoming:
        return opened(self._carrier, wire)

    async def sleep(self, seconds: float, abort: Abort | None = None) -> None:
        time.sleep(seconds) if abort is None else abort.pause(seconds)

    async def read_file(self, path: Path, limit: int) -> bytes:
        return read_bounded(path, limit)

    async def gather(self, calls: Sequence[Call[T]], limit: int, abort: Abort | None = None) -> list[T]:
        return Crew(calls, abort).work(min(limit, len(calls), self.connections))

    async def work(
        self,
        job: Callable[[], T],
        _: Abort | None = None,
        /,
        *,
        undo: Callable[[T], None] | None = None,
        waits: bool = False,
    ) -> T:
        del undo, waits  # nothing comes between a blocking call and its caller
        return job()

    def tell(self, listener: Callable[..., object]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            listener(*arguments)

        return call

    def bound_to(self, abort: Abort) -> IO:
        return Bound(self, abort)

    def start(self, call: Call[T]) -> PendingThread[T]:
        return PendingThread(call)

    async def launch(self, call: Call[None], flight: Flight[Any]) -> None:
        try:
            await call()
        finally:
            flight.land()

    async def landed(self, flight: Flight[Any], seconds: float | None) -> bool:
        return seen(flight, seconds)

    async def aclose(self) -> None:
        self._carrier.close()

    def __del__(self) -> None:
        pool: Pool | None = getattr(self, "_pool", None)
        if pool is not None and pool.open_connections:
            warnings.warn(f"unclosed client made at {self._made_at}", ResourceWarning, source=self, stacklevel=2)
            pool.close()


class Bound:
    """A blocking port whose exchanges and pauses end when a switch is thrown."""

    suspends = False

    def __init__(self, io: BlockingIO, abort: Abort) -> None:
        self.connections = io.connections
        self._io = io
        self._abort = abort

    async def read_file(self, path: Path, limit: int) -> bytes:
        return await self._io.read_file(path, limit)

    async def gather(self, calls: Sequence[Call[T]], limit: int, abort: Abort | None = None) -> list[T]:
        return await self._io.gather(calls, limit, abort)

    async def work(
        self,
        job: Callable[[], T],
        abort: Abort | None = None,
        /,
        *,
        undo: Callable[[T], None] | None = None,
        waits: bool = False,
    ) -> T:
        del undo, waits  # nothing comes between a blocking call and its caller
        if abort is None:
            return job()
        held = self._abort.hold(abort.throw)
        try:
            return job()
        finally:
            self._abort.let_go(held)

    def tell(self, listener: Callable[..., object]) -> Callable[..., None]:
        return self._io.tell(listener)

    def bound_to(self, abort: Abort) -> IO:
        self._abort.hold(abort.throw)
        return self._io.bound_to(abort)

    def start(self, call: Call[T]) -> Pending[T]:
        return self._io.start(call)

    async def launch(self, call: Call[None], flight: Flight[Any]) -> None:
        await self._io.launch(call, flight)

    async def landed(self, flight: Flight[Any], seconds: float | None) -> bool:
        return seen(flight, seconds, self._abort)

    async def aclose(self) -> None:
        await self._io.aclose()

    async def exchange(self, wire: Wire) -> Answer:
        return await self._io.exchange(replace(wire, abort=self._abort))

    async def open(self, wire: Wire) -> Incoming:
        return await self._io.open(replace(wire, abort=self._abort))

    async def sleep(self, seconds: float) -> None:
        await self._io.sleep(seconds, self._abort)


def exchanged(carrier: Carrier, wire: Wire) -> Answer:
    """Send and read the whole answer; raise ``TransportError`` if there is none."""
    try:
        carried = carrier.send(wire)
        with closing(carried):
            headers = flat(carried.headers)
            declared(headers, wire.limit)
            body = joined(carried.chunks(), wire.limit)
        return Answer(carried.status, headers, decoded(body, headers.get("content-encoding", ""), wire.limit))
    except caught() as error:
        failure = translate(error, str(wire.origin))
    raise failure


def opened(carrier: Carrier, wire: Wire) -> BlockingIncoming:
    """Send and return once the head of the answer is there."""
    try:
        return BlockingIncoming(carrier.send(wire), wire)
    except caught() as error:
        failure = translate(error, str(wire.origin))
    raise failure


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
        self._wire = wire
        self.status = carried.status
        self.headers = flat(carried.headers)

    def __aiter__(self) -> BlockingIncoming:
        return self

    async def __anext__(self) -> bytes:
        try:
            for chunk in self._chunks:
                self._check()
                return chunk
        except caught() as error:
            failure = self._failure(error)
        else:
            raise StopAsyncIteration
        raise failure

    async def read(self, limit: int) -> bytes:
        try:
            return decoded(joined(self._chunks, limit), self.headers.get("content-encoding", ""), limit)
        except caught() as error:
            failure = self._failure(error)
        raise failure

    async def pour(self, sink: Sink) -> None:
        self.pour_now(sink)

    def pour_now(self, sink: Sink) -> None:
        length = self.headers.get("content-length", "")
        left = int(length) if length.isdecimal() and "transfer-encoding" not in self.headers else 0
        try:
            for chunk in self._chunks:
                self._check()
                sink(memoryview(chunk))
                left -= len(chunk)
                if left >= DIRECT and self._carried.receive(left, sink):
                    return
        except caught() as error:
            failure = self._failure(error)
        else:
            return
        raise failure

    def _check(self) -> None:
        """Raise ``Stopped`` if this was called off, which a client of httpx does not notice by itself."""
        if self._wire.abort is not None:
            self._wire.abort.check()

    def _failure(self, error: Exception) -> TransportError:
        self._check()
        return translate(error, str(self._wire.origin))

    def duplex(self) -> BlockingDuplex:
        return BlockingDuplex(self._carried, self._wire)

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        self._carried.close()
