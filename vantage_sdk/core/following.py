"""Follow a log over server-sent events, across any number of broken connections.

Rule 1: a line is delivered once and in order.  The id of the last delivered event decides where to go on.
Rule 2: where a server sends no ids, it is read again from the start and the lines that were delivered are skipped, but only
if they are the very same (a running digest tells).
Rule 3: the end is the server's ``end`` event, or a clean end of the stream after the job is known to have ended.
Rule 4: what cannot go on under these rules raises ``StreamInterrupted``.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.port import Incoming, TransportError
from vantage_sdk.core.lines import EventDecoder, LineDecoder, ServerSentEvent
from vantage_sdk.core.retry import BASE, CAP
from vantage_sdk.exceptions import DeadlineExceeded, ServerError, StreamInterrupted, VantageConnectionError

if TYPE_CHECKING:
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender

Lines = AsyncGenerator[Sequence[str], None]


class Position:
    """How far the log was delivered: the last event id, the number of lines, and their digest."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        self.count = 0
        self._digest = hashlib.blake2b(digest_size=16)

    def advance(self, event_id: str | None, line: str) -> None:
        self.last_id = event_id or self.last_id
        self.count += 1
        if self.last_id is None:
            self._digest.update(line.encode("utf-8", "surrogatepass") + b"\n")

    def advance_to(self, number: int, lines: int) -> None:
        self.last_id = str(number)
        self.count += lines

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def is_followed_by(self, number: int) -> bool:
        """Tell whether the numbered event ``number`` is the next one, or the first at all."""
        if self.last_id is None:
            return self.count == 0
        return self.last_id.isdigit() and number == int(self.last_id) + 1

    def is_behind(self, event_id: str) -> bool:
        """Tell whether the numbered event ``event_id`` was delivered before, for servers that repeat some."""
        if self.last_id is None or not (event_id.isdigit() and self.last_id.isdigit()):
            return event_id == self.last_id
        return int(event_id) <= int(self.last_id)


class Replay:
    """The delivered lines that a server without ids sends again; they must be the very same."""

    def __init__(self, position: Position) -> None:
        self._expected = position.digest
        self._left = position.count
        self._digest = hashlib.blake2b(digest_size=16)

    def skips(self, line: str) -> bool:
        if self._left == 0:
            return False
        self._left -= 1
        self._digest.update(line.encode("utf-8", "surrogatepass") + b"\n")
        if self._left == 0 and self._digest.digest() != self._expected:
            raise StreamInterrupted("the log is not the same after the connection broke; some lines may be missing")
        return True

    @property
    def incomplete(self) -> bool:
        return self._left > 0


class Follower:
    """One followed log."""

    def __init__(
        self,
        sender: Sender,
        request: Request[Any],
        options: Mapping[str, Any],
        ended: Callable[[], Awaitable[bool]],
    ) -> None:
        self._sender = sender
        self._request = request
        self._options = options
        self._ended = ended
        self._position = Position()
        self._done = False
        self._pause = BASE

    async def batches(self) -> Lines:
        """Yield lines as they come; return at the end of the log."""
        failures, known_end = 0, False
        while True:
            before = self._position.count
            broken: Exception | None = None
            try:
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
        if self._position.last_id is None:
            return self._request
        query = {name: value for name, value in self._request.query.items() if name != "tail"}
        return replace(self._request, query=query, headers={"Last-Event-ID": self._position.last_id})

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
        if self._position.count and self._position.last_id is None and self._request.query.get("tail") is not None:
            raise self._interrupted(broken, "; the server numbers no lines, so a log with tail= cannot be resumed")

    def _interrupted(self, broken: Exception | None, why: str = "") -> StreamInterrupted:
        cause = "the server ends the stream although the job goes on" if broken is None else str(broken)
        error = StreamInterrupted(f"the log stream broke after {self._position.count} lines: {cause}{why}")
        error.__cause__ = broken
        return error


def _as_events(numbered: tuple[int, list[str]]) -> list[ServerSentEvent]:
    return [ServerSentEvent("message", line, str(number)) for number, line in enumerate(numbered[1], numbered[0])]
