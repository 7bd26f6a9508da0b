"""A subscription to live events over any number of connections.

Rule 1: it begins when every channel is acknowledged, or when a server that acknowledges nothing has had the time for it.
Rule 2: on a new connection each channel goes on after the last update that came; where it cannot, there is a gap.  A gap is told
in its place among the updates, as ``Resynced`` with the state as it is when it is told.
Rule 3: a wait that is cancelled loses nothing; Ctrl-C goes back to the last item that the caller has got.
Rule 4: at most ``limit`` updates wait for the caller.  Then nothing more is read, unless the caller prefers to lose the older
half, which is a gap, or an error.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from vantage_sdk.core.reconnecting import Line, Manner
from vantage_sdk.exceptions import StreamInterrupted, VantageAPIError
from vantage_sdk.models.update import Resynced, Update, update_of
from vantage_sdk.s9s.channels import Channel, Gap
from vantage_sdk.s9s.frames import decoded, error_of

if TYPE_CHECKING:
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender

Item = Update | Resynced
Overflow = Literal["wait", "drop_oldest", "error"]
Snapshot = Callable[["Sender", Channel], Awaitable[Sequence[Any]]]

PATIENCE = 5.0  # seconds for an acknowledgement; the documents promise none
LOOK = 1.0  # seconds after which the connection is looked at while the caller works through what waits
LOOKING = 0.1  # seconds that a look takes at most, also at a server that never pauses
CONTROL = frozenset({"subscribed", "unsubscribed", "ping", "pong"})


class Subscription:
    """What a live stream of updates draws from."""

    def __init__(
        self,
        sender: Sender,
        request: Request[Any],
        options: Mapping[str, Any],
        channels: Sequence[Channel],
        snapshot: Snapshot,
        manner: Manner,
        limit: int,
        overflow: Overflow,
    ) -> None:
        self.channels = {channel.name: channel for channel in channels}
        self._line = Line(sender, request, options, partial(_greetings, channels), manner)
        self._path = request.path
        self._snapshot = snapshot
        self._limit = limit
        self._overflow = overflow
        self._waiting = deque[Update | Gap]()
        self._lost: dict[str, Gap] = {}
        self._given: tuple[object, Update | Gap] | None = None

    @property
    def ended(self) -> bool:
        return self._line.closed or (self._line.over and not self._waiting)

    async def begin(self) -> None:
        await self._line.turn(self._begin)

    async def following(self, until: float | None = None) -> Item | None:
        call = object()
        try:
            return await self._line.turn(partial(self._next, until, call))
        except KeyboardInterrupt:
            await self._rewind(call)
            raise

    async def aclose(self) -> None:
        await self._line.aclose()

    async def _begin(self) -> None:
        while not all(channel.acknowledged for channel in self.channels.values()) and self._has_room:
            await self._hear_more(None)

    async def _next(self, until: float | None, call: object) -> Item | None:
        self._confirm()
        tried = False
        while True:
            if (self._waiting or self._line.has_more) and self._line.unseen > LOOK:
                await self._look()
            if (self._lost or self._waiting) and (item := await self._first(call)) is not None:
                return item
            if tried and until is not None and time.monotonic() >= until:
                return None
            await self._hear_more(until)
            tried = True

    async def _first(self, call: object) -> Item | None:
        """Return what waits longest, ``None`` if it is a gap, which is told with the state as it is now, and that is not to be had."""
        gap = next(iter(self._lost.values()), None)
        first = gap or self._waiting[0]
        if isinstance(first, Update):
            item: Item = first
        elif not self._line.ready:
            return None
        else:
            try:
                state = await self._snapshot(self._line.sender, self.channels[first.channel])
            except VantageAPIError as error:
                if self._line.over:
                    raise
                await self._line.lost(error)
                return None
            item = Resynced(first.channel, first.since, state, first.reason)
        self._given = call, first
        if gap is None:
            self._waiting.popleft()
        else:
            del self._lost[gap.channel]
        return item

    async def _hear_more(self, until: float | None) -> None:
        """Take in one message, or make a connection, or see that ``until`` has come, or that nobody acknowledges."""
        silent = [channel for channel in self.channels.values() if not channel.acknowledged]
        due = self._line.since + PATIENCE if silent and self._line.since else None
        ends = [end for end in (until, due) if end is not None]
        try:
            text = await self._line.receive(min(ends, default=None))
        except StopAsyncIteration:
            if self._line.closed or not self._gave_up(silent):
                raise
            return
        if text is not None:
            await self._hear(text)
        elif due is not None and time.monotonic() >= due:
            self._gave_up(silent)

    def _gave_up(self, silent: Sequence[Channel]) -> bool:
        """Wait for no acknowledgement any more; tell whether that leaves a gap."""
        before = len(self._waiting)
        self._keep(*[channel.unacknowledged() for channel in silent])
        return len(self._waiting) > before

    async def _hear(self, text: str) -> None:
        frame = decoded(text, self._path)
        if (error := error_of(frame, self._line.sender, self._path)) is not None:
            await self._line.lost(error)
            return
        channel, action = self.channels.get(str(frame.get("channel"))), frame.get("action")
        if channel is None:
            return
        if action == "subscribed":
            self._keep(channel.acknowledge(frame))
        elif action not in CONTROL:
            self._keep(*channel.take(update_of(frame)))

    def _keep(self, *found: Update | Gap | None) -> None:
        for item in found:
            last = self._waiting[-1] if self._waiting else None
            if isinstance(item, Gap) and isinstance(last, Gap) and last.channel == item.channel:
                self._waiting[-1] = replace(item, since=last.since)
            elif item is not None:
                self._waiting.append(item)

    @property
    def _has_room(self) -> bool:
        return len(self._waiting) < self._limit

    async def _look(self) -> None:
        """Take in what has arrived while the caller was busy, so that the server is answered and a full queue is noticed."""
        end = time.monotonic() + LOOKING
        while time.monotonic() < end:
            while self._line.has_more:
                if not self._has_room and not self._made_room():
                    return
                await self._hear_more(None)
            await self._line.glance()
            if not self._line.has_more:
                return

    def _made_room(self) -> bool:
        if self._overflow == "error":
            raise StreamInterrupted(f"more than {self._limit} updates wait to be taken", path=self._path)
        if self._overflow == "wait":
            return False
        for _ in range((len(self._waiting) + 1) // 2):
            item = self._waiting.popleft()
            resumed = item.resumed if isinstance(item, Gap) else item.sequence
            known = self._lost.get(item.channel)
            since = self.channels[item.channel].taken if known is None else known.since
            self._lost[item.channel] = Gap(item.channel, since, resumed, "updates were dropped because too many waited")
        return True

    def _confirm(self) -> None:
        """The caller asks for the next item, so it has got the last one."""
        if self._given is not None:
            given = self._given[1]
            number = given.resumed if isinstance(given, Gap) else given.sequence
            self.channels[given.channel].delivered(number)
            self._given = None

    async def _rewind(self, call: object) -> None:
        """Forget what the caller has not got, of this call in particular; the next connection brings it, or tells the gap."""
        if self._given is not None and self._given[0] is not call:
            self._confirm()
        untold = {*self._lost, *(item.channel for item in self._waiting if isinstance(item, Gap))}
        for channel in self.channels.values():
            channel.rewind(lost=channel.name in untold)
        self._waiting.clear()
        self._lost.clear()
        self._given = None
        await self._line.drop()


def _greetings(channels: Sequence[Channel]) -> list[str]:
    return [channel.greeting() for channel in channels]
