"""The body of a request as it comes in, never more of it in memory than a piece."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from starlette.requests import Request
    from starlette.types import Message

    from mock_server.faults import Rule
    from mock_server.journal import Record

T = TypeVar("T")
PIECE = 1024 * 1024


class Incoming:
    """Reads one body; the fault plan may break it off, and so may whoever takes the caller's place."""

    def __init__(self, request: Request, record: Record, fault: Rule | None) -> None:
        self.request = request
        self._record = record
        self._cut = None if fault is None else fault.cut_upload
        self._stopped: asyncio.Future[None] | None = None

    @property
    def announced(self) -> int | None:
        """The size that the caller announced."""
        text = self.request.headers.get("content-length", "")
        return int(text[:20]) if text.isdecimal() else None

    def stop(self) -> None:
        """Break the body off, as if the caller had gone."""
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)

    def stoppable(self) -> None:
        """Let ``stop`` work from now on."""
        self._stopped = asyncio.get_running_loop().create_future()

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives; raises ``ClientDisconnect`` behind its last byte if it breaks off."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            room = None if self._cut is None else self._cut - self._record.body_size
            if room is not None and len(chunk) >= room:
                self._record.body_size += room
                yield chunk[:room]
                raise ClientDisconnect
            self._record.body_size += len(chunk)
            yield chunk

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the body in pieces of about ``PIECE`` bytes, each worth a thread's while."""
        piece = bytearray()
        try:
            async for chunk in self.chunks():
                piece += chunk
                if len(piece) >= PIECE:
                    yield bytes(piece)
                    piece.clear()
        except ClientDisconnect:
            if piece:
                yield bytes(piece)
            raise
        if piece:
            yield bytes(piece)

    async def _receive(self) -> Message:
        if self._stopped is None:
            return await self.request.receive()
        if self._stopped.done():
            raise ClientDisconnect
        received: asyncio.Future[Message] = asyncio.ensure_future(self.request.receive())
        either: set[asyncio.Future[Any]] = {received, self._stopped}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not received.done():
                received.cancel()
        if not received.done():
            raise ClientDisconnect
        return received.result()


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Call ``function`` where it may wait for a disk; it ends before this does, even if this is cancelled.

    Raises ``ClientDisconnect`` while the program exits, when no thread takes work any more.
    """
    try:
        future = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    except RuntimeError:
        raise ClientDisconnect from None
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():  # a task group cancels again and again
            with suppress(asyncio.CancelledError):
                await asyncio.wait({future})
        if not future.cancelled():
            future.exception()  # seen: nobody waits for it any more
        raise
