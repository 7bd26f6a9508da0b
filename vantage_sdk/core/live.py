"""What happens, as it happens: a stream that stands once its ``with`` block is entered, and that outlives a wait.

The generators behind ``Stream`` begin at the first item and end with the first wait that is cancelled; here nothing is missed
between entering and the first item, and ``asyncio.wait_for(anext(updates), 5)`` may be repeated.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from vantage_sdk.core.deadline import Seconds, seconds
from vantage_sdk.core.stepping import run

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """What a live stream draws from."""

    async def begin(self) -> None:
        """Return once nothing can be missed any more."""
        ...

    async def following(self, until: float | None = None) -> T_co | None:
        """Return the next item, ``None`` if there is none before ``until``; raise ``StopAsyncIteration`` at the end."""
        ...

    @property
    def ended(self) -> bool: ...
    async def aclose(self) -> None:
        """End it, for any thread or task; who waits for the next item is told that there is none."""
        ...


class LiveStream(Iterator[T], Generic[T]):
    """Items as they come, from the moment the ``with`` block is entered; ``close`` it, or leave the block, to end it.

    ``next`` waits for one, ``poll`` only for a while.  Everything happens inside these calls, there is no thread.
    """

    def __init__(self, source: Source[T]) -> None:
        self._source = source

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            if (item := run(self._source.following())) is not None:
                return item
        except StopAsyncIteration:
            pass
        raise StopIteration

    def poll(self, timeout: Seconds | None = 0.0) -> T | None:
        """Return the next item, or ``None`` if none comes within ``timeout`` seconds, default 0, or it has ``ended``."""
        try:
            return run(self._source.following(_until(timeout)))
        except StopAsyncIteration:
            return None

    @property
    def ended(self) -> bool:
        """Tell whether no item will come any more."""
        return self._source.ended

    def close(self) -> None:
        """End it, from any thread; one that waits for the next item then gets none.  Doing it twice is fine."""
        run(self._source.aclose())

    def __enter__(self) -> Self:
        try:
            run(self._source.begin())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class AsyncLiveStream(AsyncIterator[T], Generic[T]):
    """Items as they come, from the moment the ``async with`` block is entered; ``aclose`` it, or leave the block, to end it.

    A wait for the next item that is cancelled loses none.  Everything happens inside these waits, there is no task beside.
    """

    def __init__(self, source: Source[T]) -> None:
        self._source = source

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        item = await self._source.following()
        if item is None:
            raise StopAsyncIteration
        return item

    async def poll(self, timeout: Seconds | None = 0.0) -> T | None:
        """Return the next item, or ``None`` if none comes within ``timeout`` seconds, default 0, or it has ``ended``."""
        try:
            return await self._source.following(_until(timeout))
        except StopAsyncIteration:
            return None

    @property
    def ended(self) -> bool:
        """Tell whether no item will come any more."""
        return self._source.ended

    async def aclose(self) -> None:
        """End it, from any task; one that waits for the next item then gets none.  Doing it twice is fine."""
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        try:
            await self._source.begin()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


def _until(timeout: Seconds | None) -> float | None:
    """Return the monotonic instant ``timeout`` seconds from now."""
    span = 0.0 if timeout == 0 else seconds(timeout, "timeout")
    return None if span is None else time.monotonic() + span
