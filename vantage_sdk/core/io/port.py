"""Every side effect that the SDK needs, as a protocol with a blocking and an asynchronous implementation.

All methods are coroutines.  Those of the blocking implementation never suspend, so ``run`` steps them to their end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vantage_sdk.core.answer import Answer
from vantage_sdk.core.urls import Origin

if TYPE_CHECKING:
    from vantage_sdk.core.io.abort import Abort
    from vantage_sdk.core.io.flights import Flight

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Call = Callable[[], Coroutine[Any, Any, T]]
Sink = Callable[[memoryview], None]
"""Takes the next bytes of a body; the memory is used again when it returns."""


class Failure(Enum):
    """Why no answer came, by what it means for a repeat."""

    UNSENT = "the request never reached the server"
    STALE = "a reused connection turned out to be closed; not one byte came back"
    CUT = "the connection broke after the request may have arrived"
    LATE = "no answer in time, the request may have arrived"
    UNREADABLE = "an answer came, but it is larger than allowed or in an encoding that was not asked for"
    BAD = "the request cannot be sent like this"


class TransportError(Exception):
    """What the port raises when there is no answer; carries text only, so it can hold no credential."""

    def __init__(self, failure: Failure, text: str, *, timed_out: bool = False) -> None:
        super().__init__(text)
        self.failure = failure
        self.timed_out = timed_out


class Body(Protocol):
    """The body of a request that is made while it is sent; of known length, and the same bytes at every attempt."""

    @property
    def length(self) -> int: ...
    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning; it may block, and what it raises ends the exchange."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """One exchange as it goes over the wire; its text never shows header values.

    ``origin`` is scheme, host and port, ``target`` path and query; ``at`` is the monotonic instant by which the answer must be complete; ``idle`` the seconds between two chunks of a
    streamed answer; ``limit`` the bytes a whole answer may have; ``bulk`` says that many bytes are to come or to go;
    ``abort`` shuts the connection when it is thrown.
    """

    method: str
    origin: Origin
    target: str
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    body: bytes | Body = field(default=b"", repr=False)
    at: float | None = None
    idle: float | None = None
    limit: int = 0
    bulk: bool = False
    abort: Abort | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return str(self.origin) + self.target


class Duplex(Protocol):
    """A connection after the server has switched protocols: bytes both ways, until either side ends it."""

    async def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        """Return what has come, and nothing at the end.

        Raises ``TransportError``, with ``timed_out`` if nothing came for ``timeout`` seconds; nothing is lost then, nor when the
        caller is cancelled.
        """
        ...

    async def send(self, data: bytes, timeout: float | None) -> None:
        """Send all of it within ``timeout`` seconds; raise ``TransportError`` if that fails, perhaps half-way."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection; never waits."""
        ...


class Incoming(Protocol):
    """A streamed answer: head first; iterating gives the body as it comes; whoever opened it closes it."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def __anext__(self) -> bytes: ...
    async def read(self, limit: int) -> bytes: ...
    async def pour(self, sink: Sink) -> None:
        """Give what is left of the body to ``sink``, as it came over the wire; raise ``TransportError`` if it is cut short."""
        ...

    def duplex(self) -> Duplex:
        """Return the connection itself, which is the caller's since the server answered 101; close it instead of this."""
        ...

    async def aclose(self) -> None: ...


class Pending(Protocol[T_co]):
    """A call that runs beside its caller."""

    async def result(self) -> T_co: ...
    def abandon(self) -> None: ...


class IO(Protocol):
    """The port itself; ``suspends`` tells whether its coroutines may, ``connections`` how many calls it sends at once."""

    suspends: bool
    connections: int

    async def exchange(self, wire: Wire) -> Answer:
        """Send and read the whole answer; raise ``TransportError`` if there is none."""
        ...

    async def open(self, wire: Wire) -> Incoming:
        """Send and return once the head of the answer is there."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def read_file(self, path: Path, limit: int) -> bytes:
        """Return the content of a local file of at most ``limit`` bytes, else raise ``ValueError``."""
        ...

    async def gather(self, calls: Sequence[Call[T]], limit: int, abort: Abort | None = None, /) -> list[T]:
        """Run calls at most ``limit`` at a time; results in order; the first failure stops the rest and is raised bare.

        There are never more at a time than connections: one that waits for another's would run out of time.  With ``abort``, which is thrown then, also those that have begun have ended when this returns.
        """
        ...

    async def work(
        self,
        job: Callable[[], T],
        abort: Abort | None = None,
        /,
        *,
        undo: Callable[[T], None] | None = None,
        waits: bool = False,
    ) -> T:
        """Run a function that blocks, where it does no harm.

        If the caller is cancelled meanwhile, ``abort`` is thrown, and ``undo`` is called with what the function returns.
        ``waits``: the function waits for others, whose place it must not take.
        """
        ...

    def tell(self, listener: Callable[..., object]) -> Callable[..., None]:
        """Return a function for any thread that calls ``listener`` where the user's code may run."""
        ...

    def bound_to(self, abort: Abort, /) -> IO:
        """Return the same port, whose exchanges and pauses end when ``abort`` is thrown."""
        ...

    def start(self, call: Call[T]) -> Pending[T]:
        """Begin a call now and let it run while the caller does something else."""
        ...

    async def launch(self, call: Call[None], flight: Flight[Any], /) -> None:
        """Begin a call that goes on whatever becomes of its caller, if its caller can go on at all; ``flight`` lands with it."""
        ...

    async def landed(self, flight: Flight[Any], seconds: float | None, /) -> bool:
        """Wait for the end of a flight, but not longer; tell whether it is over."""
        ...

    async def aclose(self) -> None: ...
