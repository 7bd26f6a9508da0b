"""Follow a log whose lines are messages on a WebSocket, or plain text where the server does not switch to it.

The rules are those of every followed log; the number of a line is its id.  A number that is not the next one means that
something is missing: the connection is made anew, from the last line on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.following import Follower, Lines
from vantage_sdk.core.lines import ServerSentEvent
from vantage_sdk.core.log_position import Replay
from vantage_sdk.core.websocket import PING_INTERVAL, PING_TIMEOUT, SWITCHED, Handshake, SocketClosed, SocketFault
from vantage_sdk.exceptions import DeadlineExceeded, StreamInterrupted, VantageAPIError, VantageConnectionError

if TYPE_CHECKING:
    from vantage_sdk.core.deadline import Deadline
    from vantage_sdk.core.io.port import Incoming
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender
    from vantage_sdk.core.websocket import WebSocket


class SocketFollower(Follower):
    """One followed log; ``understand`` makes events of a message, with the number of a line as their id."""

    def __init__(
        self,
        sender: Sender,
        request: Request[Any],
        options: Mapping[str, Any],
        ended: Callable[[], Awaitable[bool]],
        understand: Callable[[str], Sequence[ServerSentEvent]],
        caller: str,
    ) -> None:
        super().__init__(sender, request, options, ended)
        self._understand = understand
        self._caller = caller

    async def _once(self) -> Lines:
        handshake = Handshake(self._caller)
        request = self._resumed()
        request = replace(request, headers={**request.headers, **handshake.headers})
        incoming = await self._sender.open(request, self._options)
        replay = None if self._position.last_id or not self._position.count else Replay(self._position)
        switched = incoming.status == SWITCHED
        source = self._frames(handshake, incoming, replay) if switched else self._text(incoming, replay)
        async with aclosing(source) as batches:
            async for lines in batches:
                yield lines
        if replay is not None and replay.incomplete and not self._done:
            raise StreamInterrupted("the output is shorter after the connection broke; it may have been replaced")

    def _resumed(self) -> Request[Any]:
        if self._position.last_id is None:
            return self._request
        return replace(self._request, query={**self._request.query, "after": self._position.last_id})

    async def _text(self, incoming: Incoming, replay: Replay | None) -> Lines:
        """Yield the lines of plain text, which have no numbers."""
        try:
            kind = incoming.headers.get("content-type", "")
            if not kind.startswith("text/"):
                raise VantageAPIError(f"the server answers with {kind or 'something'} that cannot be followed")
            if self._position.last_id is not None:
                raise StreamInterrupted("the server numbers its lines no more, so that it is unknown which come next")
            async with aclosing(self._plain(incoming, replay)) as batches:
                async for lines in batches:
                    yield lines
        finally:
            await incoming.aclose()

    async def _frames(self, handshake: Handshake, incoming: Incoming, replay: Replay | None) -> Lines:
        deadline: Deadline | None = self._options.get("deadline")
        socket: WebSocket | None = None
        try:
            socket = await handshake.socket(incoming, PING_INTERVAL, PING_TIMEOUT)
            while not self._done:
                text = await socket.receive(None if deadline is None else deadline.at)
                if text is not None:
                    yield self._new(self._checked(self._understand(text)), replay)
                elif deadline is not None and deadline.remaining() <= 0:
                    raise DeadlineExceeded(f"the deadline of {deadline.budget:g} s has passed")
        except SocketClosed as goodbye:
            if (error := goodbye.error(self._caller, self._sender.shown)) is not None:
                raise error from None
        except SocketFault as fault:
            raise StreamInterrupted(f"{self._caller} broke: {self._sender.shown(str(fault))}") from None
        except GeneratorExit:
            if socket is not None:
                await socket.aclose()
            raise
        finally:
            if socket is not None:
                await socket.drop()

    def _checked(self, events: Sequence[ServerSentEvent]) -> Sequence[ServerSentEvent]:
        due = int(self._position.last_id or 0) + 1
        for number in [event.id for event in events if event.id is not None and int(event.id) > due]:
            raise VantageConnectionError(f"line {number} came where line {due} was due")
        return events
