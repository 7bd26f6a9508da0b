"""What one reader of channels has subscribed to and still has to be sent; no network here."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Literal

import pydantic_core
from pydantic import Field

from mock_server.errors import ApiError, invalid_field
from mock_server.s9s.channels import FIELDS, ChannelName, Filter, Value
from mock_server.s9s.dialect import S9S
from mock_server.validation import LARGEST, Maybe, StrictBody, check_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.faults import Rule
    from mock_server.s9s.channels import Channel, Update

WAITING = 1_000
"""How many messages may wait for a reader that does not read before it is sent away."""

MOST = 10_000
"""How many may wait at all: so much can happen at one instant, before anybody gets a turn."""

BATCH = 200


class Order(StrictBody):
    """What a reader may say: it wants the updates of a channel, or no more of them.

    The same channel again takes the place of what was asked before.  ``filter`` and ``after``, the last update that the
    reader has, belong to ``subscribe``.
    """

    action: Literal["subscribe", "unsubscribe"]
    channel: ChannelName
    filter: Maybe[dict[str, Value]] = None
    after: Maybe[int] = Field(default=None, ge=0, le=LARGEST)


class Subscription:
    """One channel as one reader sees it."""

    def __init__(self, session: Session, channel: Channel, wanted: Filter, previous: int) -> None:
        self.session = session
        self.channel = channel
        self.wanted = wanted
        self.previous = previous
        self.ended = False
        channel.join(self, wanted)

    def push(self, update: Update) -> None:
        self.session.push(self, update)

    def end(self) -> None:
        self.ended = True
        self.channel.leave(self, self.wanted)


class Session:
    """Takes what a reader says and collects what it is to be told.

    ``changed`` is called when there is something to send, and when so much waits that the reader is lost: ``is_lost``.
    ``is_stuck`` is set by whoever sends while the reader does not read.
    """

    def __init__(
        self,
        channels: Mapping[ChannelName, Channel],
        *,
        changed: Callable[[], None],
        now: Callable[[], float],
        request_id: str = "",
        fault: Rule | None = None,
    ) -> None:
        self.subscriptions: dict[ChannelName, Subscription] = {}
        self.is_lost = False
        self.is_stuck = False
        self._channels = channels
        self._changed = changed
        self._now = now
        self._request_id = request_id
        self._fault = fault
        self._waiting: deque[bytes | tuple[Subscription, Update]] = deque()
        self._allowed = 0
        self._updates = 0

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def hear(self, message: str | bytes) -> None:
        """Do what the reader says, or tell it what is wrong with it."""
        try:
            if isinstance(message, bytes):
                raise ApiError(400, "A message must be text", code="INVALID_REQUEST")
            self._obey(message.encode("utf-8", "surrogatepass"))
        except ApiError as error:
            body = S9S.error_body(error, S9S.code(error), self._request_id, self._now())
            self._tell(pydantic_core.to_json(body))

    def push(self, subscription: Subscription, update: Update) -> None:
        """Let an update wait until it is sent."""
        self._wait((subscription, update))

    def take(self) -> list[bytes]:
        """Return the next messages, some of those that wait."""
        texts = list[bytes]()
        while self._waiting and len(texts) < BATCH:
            entry = self._waiting.popleft()
            if isinstance(entry, bytes):
                texts.append(entry)
            elif not entry[0].ended:
                texts.extend(self._text(*entry))
        if len(self._waiting) <= WAITING:
            self._allowed = 0
        return texts

    def end(self) -> None:
        """Leave all channels."""
        for subscription in self.subscriptions.values():
            subscription.end()
        self.subscriptions.clear()
        self._waiting.clear()

    def _obey(self, content: bytes) -> None:
        order = check_body(Order, content)
        if order.action == "subscribe":
            self._subscribe(order)
        else:
            self._unsubscribe(order)

    def _subscribe(self, order: Order) -> None:
        channel = self._channels[order.channel]
        wanted = Filter(_checked(order.channel, order.filter or {}))
        answer: dict[str, Any] = {"action": "subscribed", "channel": channel.name, "sequence": channel.sequence}
        missed: list[Update] | None = []
        if order.after is not None:
            refused = self._fault is not None and self._fault.refuse_replay is not None
            missed = None if refused else channel.since(order.after, wanted)
        self._drop(order.channel)
        previous = 0 if missed is None or order.after is None else order.after
        subscription = self.subscriptions[order.channel] = Subscription(self, channel, wanted, previous)
        self._allowed += 1 + len(missed or ())
        self._tell(pydantic_core.to_json(answer if missed is not None else {**answer, "resync": True}))
        for update in missed or ():
            self.push(subscription, update)

    def _unsubscribe(self, order: Order) -> None:
        self._drop(order.channel)
        sequence = self._channels[order.channel].sequence
        answer = {"action": "unsubscribed", "channel": order.channel, "sequence": sequence}
        self._tell(pydantic_core.to_json(answer))

    def _drop(self, name: ChannelName) -> None:
        subscription = self.subscriptions.pop(name, None)
        if subscription is not None:
            subscription.end()

    def _text(self, subscription: Subscription, update: Update) -> list[bytes]:
        text = update.text(subscription.previous)
        subscription.previous = update.sequence
        self._updates += 1
        return [] if self._fault is not None and self._fault.drops(self._updates) else [text]

    def _tell(self, text: bytes) -> None:
        self._wait(text)

    def _wait(self, entry: bytes | tuple[Subscription, Update]) -> None:
        if self.is_lost:
            return
        self._waiting.append(entry)
        if len(self._waiting) > self._allowed + (WAITING if self.is_stuck else MOST):
            self.is_lost = True
            self.end()
        self._changed()


def _checked(channel: ChannelName, wanted: dict[str, Value]) -> dict[str, Value]:
    unknown = sorted(wanted.keys() - FIELDS[channel])
    if unknown:
        known = ", ".join(sorted(FIELDS[channel]))
        raise invalid_field(
            f"filter.{unknown[0]}", f"The channel {channel} can be filtered by {known}", "unknown_field"
        )
    return wanted
