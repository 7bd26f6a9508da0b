"""The port for asynchronous clients, on asyncio and trio."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.lowlevel
import anyio.to_thread

from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.async_pool import AsyncPool
from vantage_sdk.core.io.blocking import BlockingIncoming, exchanged, opened
from vantage_sdk.core.io.body import declared, decoded, flat, grown
from vantage_sdk.core.io.carrier import AsyncCarried, AsyncCarrier
from vantage_sdk.core.io.duplex import AsyncDuplex
from vantage_sdk.core.io.failures import caught, translate
from vantage_sdk.core.io.files import read_bounded
from vantage_sdk.core.io.flights import Flight
from vantage_sdk.core.io.port import IO, Call, Incoming, Pending, Sink, Wire
from vantage_sdk.core.io.settings import Settings
from vantage_sdk.core.io.tasks import start
from vantage_sdk.core.io.threads import ThreadedIncoming, soon, threaded, told

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class AnyIO:
    """Sends over an injected ``httpx.AsyncClient``, or over a proxy or a pool of its own for each event loop."""

    suspends = True

    def __init__(self, settings: Settings, made_at: str, client: httpx.AsyncClient | None = None) -> None:
        self.connections = settings.max_connections
        self._settings = settings
        self._made_at = made_at
        self._foreign: AsyncCarrier | None = None
        if client is not None:
            from vantage_sdk.core.io.httpx_carrier import AsyncHttpxCarrier

            self._foreign = AsyncHttpxCarrier(client, owned=False)
        self._carriers: WeakKeyDictionary[Any, AsyncCarrier] = WeakKeyDictionary()

    def _carrier(self) -> AsyncCarrier:
        if self._foreign is not None:
            return self._foreign
        loop = anyio.lowlevel.current_token().native_token
        carrier = self._carriers.get(loop)
        if carrier is None:
            for known in [reference() for reference in self._carriers.keyrefs()]:  # other threads add theirs meanwhile
                if getattr(known, "is_closed", bool)():
                    self._carriers.pop(known, None)
            carrier = self._carriers[loop] = self._made()
        return carrier

    def _made(self) -> AsyncCarrier:
        settings = self._settings
        if settings.proxy is None:
            return AsyncPool(settings)
        from vantage_sdk.core.io.httpx_carrier import AsyncHttpxCarrier

        return AsyncHttpxCarrier.through(settings.proxy, settings)

    async def exchange(self, wire: Wire) -> Answer:
        if wire.bulk and isinstance(carrier := self._carrier(), AsyncPool):
            abort = Abort()
            return await threaded(partial(exchanged, await carrier.bulk(), replace(wire, abort=abort)), abort)
        if not isinstance(wire.body, bytes) and not wire.bulk:
            wire = replace(wire, body=await threaded(partial(b"".join, wire.body.chunks())))
        try:
            carried = await self._carrier().send(wire)
            async with aclosing(carried):
                headers = flat(carried.headers)
                declared(headers, wire.limit)
                body = await joined(carried.chunks(), wire.limit)
            return Answer(carried.status, headers, decoded(body, headers.get("content-encoding", ""), wire.limit))
        except caught() as error:
            failure = translate(error, str(wire.origin))
        raise failure

    async def open(self, wire: Wire) -> Incoming:
        if wire.bulk and isinstance(carrier := self._carrier(), AsyncPool):
            abort = Abort()
            begin = partial(opened, await carrier.bulk(), replace(wire, abort=abort))
            incoming = await threaded(begin, abort, BlockingIncoming.close)
            return ThreadedIncoming(incoming, abort)
        try:
            return AsyncIncoming(await self._carrier().send(wire), wire)
        except caught() as error:
            failure = translate(error, str(wire.origin))
        raise failure

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def read_file(self, path: Path, limit: int) -> bytes:
        return await anyio.to_thread.run_sync(read_bounded, path, limit)

    async def work(
        self,
        job: Callable[[], T],
        abort: Abort | None = None,
        /,
        *,
        undo: Callable[[T], None] | None = None,
        waits: bool = False,
    ) -> T:
        return await threaded(job, abort, undo, waits=waits)

    def tell(self, listener: Callable[..., object]) -> Callable[..., None]:
        return told(listener)

    def bound_to(self, _: Abort) -> IO:
        return self  # cancellation reaches everything by itself

    async def gather(self, calls: Sequence[Call[T]], limit: int, _abort: Abort | None = None) -> list[T]:
        results: dict[int, T] = {}
        failed: list[Exception] = []
        todo = iter(enumerate(calls))

        async def work() -> None:
            for number, call in todo:
                try:
                    results[number] = await call()
                except Exception as error:  # raised bare below, not in a group
                    failed.append(error)
                    group.cancel_scope.cancel()
                    return

        async with anyio.create_task_group() as group:
            for _ in range(min(limit, len(calls), self.connections)):
                group.start_soon(work)
        if failed:
            raise failed[0]
        return [results[number] for number in range(len(calls))]

    def start(self, call: Call[T]) -> Pending[T]:
        return start(call)

    async def launch(self, call: Call[None], flight: Flight[Any]) -> None:
        flight.task = start(call, flight.land)

    async def landed(self, flight: Flight[Any], seconds: float | None) -> bool:
        event, post = anyio.Event(), soon()

        def wake() -> None:
            with suppress(RuntimeError):  # the event loop that waited has ended
                post(event.set)

        flight.watch(wake)
        try:
            with anyio.move_on_after(seconds):
                await event.wait()
        finally:
            flight.leave(wake)
        return flight.landed

    async def aclose(self) -> None:
        carrier = self._carriers.pop(anyio.lowlevel.current_token().native_token, None)
        if carrier is not None:
            await carrier.aclose()

    def __del__(self) -> None:
        made: Any = vars(self).get("_carriers")
        held: dict[Any, AsyncCarrier] = {} if made is None else made.data
        for reference, carrier in held.items():  # its own views leave out a loop that dies together with us
            loop = reference()
            leaked = isinstance(carrier, AsyncPool) and carrier.open_connections
            if leaked and (loop is None or getattr(loop, "is_closed", bool)()):
                warnings.warn(f"unclosed client made at {self._made_at}", ResourceWarning, source=self, stacklevel=2)


async def joined(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """Return the chunks as one body of at most ``limit`` bytes."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        grown(size, limit)
    return b"".join(parts)


class AsyncIncoming:
    """A streamed answer of an asynchronous client."""

    def __init__(self, carried: AsyncCarried, wire: Wire) -> None:
        self._carried = carried
        self._chunks = carried.chunks()
        self._wire = wire
        self._origin = str(wire.origin)
        self.status = carried.status
        self.headers = flat(carried.headers)

    def __aiter__(self) -> AsyncIncoming:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except caught() as error:
            failure = translate(error, self._origin)
        raise failure

    async def read(self, limit: int) -> bytes:
        try:
            return decoded(await joined(self._chunks, limit), self.headers.get("content-encoding", ""), limit)
        except caught() as error:
            failure = translate(error, self._origin)
        raise failure

    async def pour(self, sink: Sink) -> None:
        async for chunk in self:
            sink(memoryview(chunk))

    def duplex(self) -> AsyncDuplex:
        return AsyncDuplex(self._carried, self._wire)

    async def aclose(self) -> None:
        await self._carried.aclose()
