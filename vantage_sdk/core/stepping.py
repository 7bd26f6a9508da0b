"""Run a coroutine that never suspends, without an event loop.

Rule 1: behind a blocking client every awaited thing finishes at once, so one step runs a coroutine to its end.
Rule 2: a coroutine that does suspend here is a defect of the SDK; it is closed and reported, never left half done.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("a blocking call tried to suspend")


class Stream(Iterator[T], Generic[T]):
    """Items as they come; close it, or leave its ``with`` block, to let go of the connection early."""

    def __init__(self, batches: AsyncGenerator[Sequence[T], None]) -> None:
        self._items = _flatten(batches)

    def __iter__(self) -> Generator[T, None, None]:  # the generator itself: no call of ours per item
        return self._items

    def __next__(self) -> T:
        return next(self._items)

    def close(self) -> None:
        """Stop and free what the stream holds; doing it twice is fine."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class AsyncStream(AsyncIterator[T], Generic[T]):
    """Items as they come; ``aclose`` it, or leave its ``async with`` block, to let go of the connection early."""

    def __init__(self, batches: AsyncGenerator[Sequence[T], None]) -> None:
        self._items = _aflatten(batches)

    def __aiter__(self) -> AsyncGenerator[T, None]:
        return self._items

    async def __anext__(self) -> T:
        return await anext(self._items)

    async def aclose(self) -> None:
        """Stop and free what the stream holds; doing it twice is fine."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


def _flatten(batches: AsyncGenerator[Sequence[T], None]) -> Generator[T, None, None]:
    try:
        while True:
            try:
                batch = run(anext(batches))
            except StopAsyncIteration:
                return
            yield from batch
    finally:
        run(batches.aclose())


async def _aflatten(batches: AsyncGenerator[Sequence[T], None]) -> AsyncGenerator[T, None]:
    try:
        async for batch in batches:
            for item in batch:
                yield item
    finally:
        await batches.aclose()
