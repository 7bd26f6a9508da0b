"""What waits to be delivered, without any network.

Rule 1: each subscription gets its messages one at a time, in the order of the events; a failing one holds up the rest.
Rule 2: an attempt is due at an instant of the server's clock, the first at once.
Rule 3: a subscription that answers 410, or one message of which has been given up, is dead: whoever asks may end it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mock_server.webhooks.delivery import Delivery, DeliveryState
from mock_server.webhooks.schedule import pause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.webhooks.delivery import Attempt
    from mock_server.webhooks.ledger import Ledger

MAX_WAITING = 1000
LOG_LENGTH = 1000


class Outbox:
    """The deliveries of a server; ``log`` keeps the latest of them, whatever has become of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.log: deque[Delivery] = deque(maxlen=LOG_LENGTH)
        self._queues: dict[str, deque[Delivery]] = {}
        self._away: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._queues)

    def recall(self) -> None:
        """Go on with what the server before had not sent."""
        for delivery in self._ledger.deliveries():
            self.log.append(delivery)
            self._queues.setdefault(delivery.webhook_id, deque()).append(delivery)

    def add(self, webhook_id: str, message_id: str, kind: str, body: bytes, now: float) -> Delivery:
        """Queue a message; one too many is dropped."""
        delivery = Delivery(message_id, webhook_id, kind, body, now, now)
        self.log.append(delivery)
        queue = self._queues.setdefault(webhook_id, deque())
        if len(queue) < MAX_WAITING:
            queue.append(delivery)
            self._ledger.add(delivery)
        else:
            delivery.end(DeliveryState.DROPPED)
        return delivery

    def due(self, now: float) -> list[Delivery]:
        """Return what can be sent at this moment, at most one delivery for each subscription."""
        return [head for at, head in self._heads() if at <= now]

    def next_at(self) -> float | None:
        """Return when the next attempt is due, those excepted that are being made."""
        return min((at for at, _ in self._heads()), default=None)

    def take(self, delivery: Delivery) -> None:
        """Note that an attempt is being made; until ``land`` the subscription gets no other."""
        self._away.add(delivery.webhook_id)

    def land(self, delivery: Delivery) -> None:
        """Note that an attempt is over; one that was not settled was broken off and does not count."""
        self._away.discard(delivery.webhook_id)

    def settle(self, delivery: Delivery, attempt: Attempt, asked: float | None = None) -> bool:
        """Book an attempt and tell whether the subscription is dead; ``asked`` are the seconds of a Retry-After."""
        delivery.attempts.append(attempt)
        if delivery.state is not DeliveryState.PENDING:
            return False
        wait = None if attempt.is_gone else pause(len(delivery.attempts), asked)
        if not attempt.succeeded and wait is not None:
            delivery.due_at = attempt.at + wait
            self._ledger.postpone(delivery)
            return False
        delivery.end(DeliveryState.DELIVERED if attempt.succeeded else DeliveryState.FAILED)
        self._ledger.end(delivery)
        self._pop(delivery.webhook_id)
        return not attempt.succeeded

    def drop(self, webhook_id: str) -> None:
        """Send nothing more to a subscription of what waits for it now."""
        for delivery in self._queues.pop(webhook_id, ()):
            delivery.end(DeliveryState.DROPPED)
            self._ledger.end(delivery)

    def _heads(self) -> Iterator[tuple[float, Delivery]]:
        for webhook_id, queue in self._queues.items():
            head = queue[0]
            if webhook_id not in self._away and head.due_at is not None:
                yield head.due_at, head

    def _pop(self, webhook_id: str) -> None:
        queue = self._queues[webhook_id]
        queue.popleft()
        if not queue:
            del self._queues[webhook_id]
