"""Follow a log over server-sent events, across any number of broken connections.

Rule 1: a line is delivered once and in order.  The id of the last delivered event decides where to go on.
Rule 2: where a server sends no ids, it is read again from the start and the lines that were delivered are skipped, but only
if they are the very same (a running digest tells).
Rule 3: the end is the server's ``end`` event, or a clean end of the stream after the job is known to have ended.
Rule 4: where a server sends no ids and cuts off the beginning, the lines that were delivered are looked for in the whole log
and must be there once; from then on rule 2 holds for the whole log.
Rule 5: what cannot go on under these rules raises ``StreamInterrupted``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.port import Incoming, TransportError
from vantage_sdk.core.lines import EventDecoder, LineDecoder, ServerSentEvent
from vantage_sdk.core.log_position import Position, Replay
from vantage_sdk.core.retry import BASE, CAP
from vantage_sdk.exceptions import DeadlineExceeded, ServerError, StreamInterrupted, VantageConnectionError

if TYPE_CHECKING:
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender

Lines = AsyncGenerator[Sequence[str], None]


@dataclass(frozen=True, slots=True)
class Whole:
    """How to get all of a log that a server cuts off otherwise: the query that says so, and the lines there are now."""

    query: Mapping[str, Any]
    lines: Callable[[], Awaitable[Sequence[str]]]


class Follower:
    """One followed log."""

    def __init__(
        self,
        sender: Sender,
        request: Request[Any],
        options: Mapping[str, Any],
        ended: Callable[[], Awaitable[bool]],
        whole: Whole | None = None,
    ) -> None:
        self._sender = sender
        self._request = request
        self._options = options
        self._ended = ended
        self._whole = whole
        self._position = Position(from_start=whole is None)
        self._done = False
        self._pause = BASE

    async def batches(self) -> Lines:
        """Yield lines as they come; return at the end of the log."""
        failures, known_end = 0, False
        while True:
            before = self._position.count
            broken: Exception | None = None
            try:
                await self._find_place()
                async with aclosing(self._once()) as batches:
                    async for lines in batches:
                        yield lines
            except (TransportError, VantageConnectionError, ServerError) as error:
                broken = error
            if self._done or (broken is None and known_end):
                return
            failures = 0 if self._position.count > before else failures + 1
            if isinstance(broken, DeadlineExceeded | StreamInterrupted):
                raise broken
            self._must_be_resumable(broken)
            if failures > self._retries():
                raise self._interrupted(broken)
            if broken is None:
                known_end = await self._ended()
                failures = 0 if known_end else failures
            if not known_end:
                await self._sender.io.sleep(min(CAP, self._pause * 2 ** max(0, failures - 1)))

    async def _find_place(self) -> None:
        """Find out which part of the log was delivered, where only that can tell how to go on."""
        position = self._position
        if self._whole is not None and position.count and position.last_id is None and position.lead is None:
            position.find(await self._whole.lines())

    async def _once(self) -> Lines:
        """Yield what one connection brings."""
        incoming = await self._sender.open(self._resumed(), self._options)
        try:
            replay = None if self._position.last_id or not self._position.count else Replay(self._position)
            kind = incoming.headers.get("content-type", "")
            source = self._events if kind.startswith("text/event-stream") else self._plain
            async with aclosing(source(incoming, replay)) as batches:
                async for lines in batches:
                    yield lines
            if replay is not None and replay.incomplete and not self._done:
                raise StreamInterrupted("the log is shorter after the connection broke; it may have been replaced")
        finally:
            await incoming.aclose()

    def _resumed(self) -> Request[Any]:
        last_id = self._position.last_id
        if last_id is None and (self._whole is None or self._position.lead is None):
            return self._request
        query = {name: value for name, value in self._request.query.items() if name != "tail"}
        if self._whole is not None:
            query |= self._whole.query
        return replace(self._request, query=query, headers={} if last_id is None else {"Last-Event-ID": last_id})

    async def _events(self, incoming: Incoming, replay: Replay | None) -> Lines:
        decoder = EventDecoder()
        async for chunk in incoming:
            numbered = None if self._done else decoder.numbered(chunk)
            if numbered is not None and self._position.is_followed_by(numbered[0]):
                self._position.advance_to(numbered[0] + len(numbered[1]) - 1, len(numbered[1]))
                yield numbered[1]
            elif lines := self._new(_as_events(numbered) if numbered else decoder.feed(chunk), replay):
                yield lines
            if decoder.retry_seconds is not None:
                self._pause = min(CAP, decoder.retry_seconds)

    async def _plain(self, incoming: Incoming, replay: Replay | None) -> Lines:
        decoder = LineDecoder()
        async for chunk in incoming:
            yield self._new([ServerSentEvent("message", line, None) for line in decoder.feed(chunk)], replay)
        yield self._new([ServerSentEvent("message", line, None) for line in decoder.flush()], replay)

    def _new(self, events: Sequence[ServerSentEvent], replay: Replay | None) -> list[str]:
        """Return the lines among ``events`` that were not delivered before."""
        lines: list[str] = []
        for event in events:
            if self._done or event.event == "end":
                self._done = True
            elif event.event != "message" or (event.id is not None and self._position.is_behind(event.id)):
                continue
            elif event.id is not None or replay is None or not replay.skips(event.data):
                self._position.advance(event.id, event.data)
                lines.append(event.data)
        return lines

    def _retries(self) -> int:
        retries: int = self._options.get("max_retries", self._sender.config.max_retries)
        return retries

    def _must_be_resumable(self, broken: Exception | None) -> None:
        if self._whole is not None:
            return
        if self._position.count and self._position.last_id is None and self._request.query.get("tail") is not None:
            raise self._interrupted(broken, "; the server numbers no lines, so a log with tail= cannot be resumed")

    def _interrupted(self, broken: Exception | None, why: str = "") -> StreamInterrupted:
        cause = "the server ends the stream although the job goes on" if broken is None else str(broken)
        error = StreamInterrupted(f"the log stream broke after {self._position.count} lines: {cause}{why}")
        error.__cause__ = broken
        return error


def _as_events(numbered: tuple[int, list[str]]) -> list[ServerSentEvent]:
    return [ServerSentEvent("message", line, str(number)) for number, line in enumerate(numbered[1], numbered[0])]
