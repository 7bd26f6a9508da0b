"""What carries an exchange: the pools of this package, or httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from vantage_sdk.core.io.port import Sink, Wire

RawHeaders = list[tuple[bytes, bytes]]


class Carried(Protocol):
    """An answer whose head has come: its body as raw chunks, and how to let go of it."""

    status: int
    headers: RawHeaders

    def chunks(self) -> Iterator[bytes]: ...
    def receive(self, size: int, sink: Sink, /) -> bool: ...
    def stream(self) -> Any:
        """Return httpcore's stream below the answer 101, without any clock."""
        ...

    def close(self) -> None: ...


class AsyncCarried(Protocol):
    """The same for asynchronous clients."""

    status: int
    headers: RawHeaders

    def chunks(self) -> AsyncIterator[bytes]: ...
    def stream(self) -> Any: ...
    async def aclose(self) -> None: ...


class Carrier(Protocol):
    """Sends one exchange and returns when the head of the answer is there; raises one of ``failures.caught``."""

    def send(self, wire: Wire) -> Carried: ...
    def close(self) -> None: ...


class AsyncCarrier(Protocol):
    """The same for asynchronous clients."""

    async def send(self, wire: Wire) -> AsyncCarried: ...
    async def aclose(self) -> None: ...
