"""A line to a server that is a WebSocket at a time: when one breaks, the next one is made after a pause.

Rule 1: the first connection is made like any call, with its retries and errors.  Later ones are tried for ever, ever less
often, at most ``CAP`` seconds apart or when the server asks; only a refusal that a repeat would not change ends that.
Rule 2: an orderly end, code 1000, is the end.  What says that we did wrong is an error; all else is a connection that broke.
Rule 3: nothing happens but inside ``receive``; it may be cancelled at any moment, and goes on at the next.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.core.io.abort import Abort, Stopped
from vantage_sdk.core.io.port import Failure, TransportError
from vantage_sdk.core.io.turns import Turn
from vantage_sdk.core.retry import BASE, CAP
from vantage_sdk.core.tokens import Tokens
from vantage_sdk.core.websocket import (
    PING_INTERVAL,
    PING_TIMEOUT,
    SWITCHED,
    TRY_LATER,
    Handshake,
    SocketClosed,
    SocketFault,
)
from vantage_sdk.exceptions import (
    AuthenticationError,
    DeadlineExceeded,
    StreamInterrupted,
    VantageAPIError,
)

if TYPE_CHECKING:
    from vantage_sdk.core.deadline import Deadline
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender
    from vantage_sdk.core.websocket import WebSocket

T = TypeVar("T")
log = logging.getLogger("vantage_sdk")

STEADY = 5.0  # seconds after which a connection counts as a good one


@dataclass(frozen=True, slots=True)
class Manner:
    """How a line is kept: whether it is made anew, and after how many seconds a silent peer is pinged and given up."""

    caller: str
    reconnect: bool = True
    ping_interval: float | None = PING_INTERVAL
    ping_timeout: float | None = PING_TIMEOUT


class Line:
    """One connection after another to the same place.

    ``greet`` returns what is said first on each.
    """

    def __init__(
        self,
        sender: Sender,
        request: Request[Any],
        options: Mapping[str, Any],
        greet: Callable[[], Sequence[str]],
        manner: Manner,
    ) -> None:
        self._abort = Abort()
        self.sender = sender.bound_to(self._abort)
        self._request = request
        self._options = options
        self._greet = greet
        self._manner = manner
        self._turn = Turn(sender.io)
        self._socket: WebSocket | None = None
        self._guard: AsyncGenerator[None, None] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._made = False
        self.since = 0.0
        self.over = False  # the server has said so
        self.closed = False  # by the caller, or by an error

    async def turn(self, step: Callable[[], Awaitable[T]]) -> T:
        """Do something with the line while nobody else does; raise ``StopAsyncIteration`` once it is closed.

        An error closes it; a cancelled step does not.
        """
        await self._turn.take()
        try:
            if self.closed:
                raise StopAsyncIteration
            return await step()
        except Stopped:
            raise StopAsyncIteration from None
        except (Exception, GeneratorExit):
            self.closed = True
            raise
        finally:
            if self.closed:
                await self.drop()
            self._turn.give()

    async def receive(self, until: float | None = None) -> str | None:
        """Return the next message, ``None`` if there is none before ``until``, or when a connection was made or has broken.

        Raises ``StopAsyncIteration`` at the end, and an error of ``exceptions`` for what another connection would not mend.
        """
        deadline: Deadline | None = self._options.get("deadline")
        if deadline is not None:
            if deadline.remaining() <= 0:
                raise DeadlineExceeded(f"the deadline of {deadline.budget:g} s has passed", path=self._request.path)
            until = deadline.at if until is None else min(until, deadline.at)
        if self.over:
            raise StopAsyncIteration
        try:
            if self._socket is not None:
                return await self._socket.receive(until)
            await self._connect(until)
        except SocketClosed as goodbye:
            error = goodbye.error(self._manner.caller, self.sender.shown)
            if error is None:
                self.over = True
                await self.drop()
            else:
                await self.lost(error)
        except SocketFault as fault:
            raise self._interrupted(str(fault)) from None
        except (TransportError, VantageAPIError) as error:
            await self.lost(error)
        if self.closed or self.over:
            raise StopAsyncIteration
        return None

    @property
    def has_more(self) -> bool:
        """Tell whether a message can be received at once."""
        return self._socket is not None and self._socket.has_more

    @property
    def unseen(self) -> float:
        """Return the seconds since somebody looked what has arrived; 0 where there is no connection."""
        return 0.0 if self._socket is None else time.monotonic() - self._socket.looked_at

    @property
    def ready(self) -> bool:
        """Tell whether the pause after a failure is over."""
        return self._not_before <= time.monotonic()

    async def glance(self) -> None:
        """Take what has arrived without waiting for more, and answer pings."""
        if self._socket is not None:
            await self._socket.glance()

    async def lost(self, error: Exception) -> None:
        """Let go of a connection that is of no use any more; the next is made after a pause.  Raise what cannot be mended."""
        await self.drop()
        if self.closed:
            return
        if isinstance(error, TransportError) and error.failure is Failure.BAD:
            raise self.sender.lost(error, self._request.method, self._request.path)
        if isinstance(error, VantageAPIError) and not self._passes(error):
            raise error
        if self._made and not self._manner.reconnect:
            raise self._interrupted(str(error)) from error
        now = time.monotonic()
        self._failures = 0 if self.since and now - self.since > STEADY else self._failures + 1
        if getattr(error, "code", None) == str(TRY_LATER):
            self._failures += 2
        pause = random.random() * min(CAP, BASE * 2.0 ** min(self._failures, 10))
        pause = max(pause, float(getattr(error, "retry_after", None) or 0))
        self.since, self._not_before = 0.0, now + pause
        log.info("%s: connecting again in %.2f s: %s", self._manner.caller, pause, self.sender.shown(str(error)))

    def _passes(self, error: VantageAPIError) -> bool:
        """Tell whether another connection may mend it.  A token that was good until now is given up for the next one."""
        if not self._made or isinstance(error, DeadlineExceeded):
            return False
        credential = self.sender.config.credential
        if isinstance(error, AuthenticationError) and isinstance(credential, Tokens) and not self._failures:
            if (token := credential.current) is not None:
                credential.refuse(token)
            return True
        return error._passing

    async def aclose(self) -> None:
        """End the line: at once for who uses it meanwhile, else with a goodbye."""
        self.closed = True
        if self._turn.take_if_free():
            try:
                if self._socket is not None:
                    await self._socket.aclose()
            finally:
                await self.drop()
                self._turn.give()
                self._abort.throw()
        else:
            self._abort.throw()
            if self.sender.io.suspends:
                await self.drop()  # which wakes the task that reads; a thread has been woken, and lets go itself

    async def drop(self) -> None:
        """Let go of the connection; never waits."""
        guard, self._guard, self._socket = self._guard, None, None
        if guard is not None:
            await guard.aclose()

    async def _connect(self, until: float | None) -> None:
        """Make a connection and say on it what is to be said, unless ``until`` comes before it is time to try."""
        now = time.monotonic()
        if self._not_before > now:
            ready = self._not_before if until is None else min(until, self._not_before)
            await self.sender.io.sleep(max(0.0, ready - now))
            if ready < self._not_before:
                return
        self._not_before = 0.0
        handshake = Handshake(self._manner.caller)
        request = replace(self._request, headers={**self._request.headers, **handshake.headers})
        options = {**self._options, "max_retries": 0} if self._made else self._options
        incoming = await self.sender.open(request, options)
        if incoming.status != SWITCHED:
            await incoming.aclose()
            raise VantageAPIError(
                f"the server answers {incoming.status} where it should switch to WebSocket",
                status_code=incoming.status,
                code="invalid_response",
            )
        socket = await handshake.socket(incoming, self._manner.ping_interval, self._manner.ping_timeout)
        self._guard, self._socket = _held(socket), socket
        try:
            await anext(self._guard)
            for text in self._greet():
                await socket.send(text)
        except BaseException:
            await self.drop()
            raise
        self._made, self.since = True, time.monotonic()

    def _interrupted(self, why: str) -> StreamInterrupted:
        return StreamInterrupted(f"{self._manner.caller} broke: {self.sender.shown(why)}", path=self._request.path)


async def _held(socket: WebSocket) -> AsyncGenerator[None, None]:
    """Let go of a connection when this generator is finalized, also by the event loop of a line that was forgotten (PEP 525)."""
    try:
        yield
    finally:
        await socket.drop()
