"""Subscriptions to what happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, get_args

from mock_server.world.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mock_server.webhooks.ledger import Ledger

EventName = Literal["job.created", "job.started", "job.completed", "job.failed", "job.cancelled", "cluster.scaled"]
EVENTS: frozenset[str] = frozenset(get_args(EventName))

ROTATION = 24 * 3600.0
"""Seconds for which an old secret signs beside the new one."""

MAX_SECRETS = 5
DAY = 86_400.0


@dataclass(slots=True, eq=False)
class Webhook:
    """Where to send which events; ``retired`` has the old secrets, the latest first, with the times of their ends."""

    id: str
    url: str
    events: tuple[EventName, ...]
    created_at: float
    updated_at: float
    active: bool = True
    secret: str | None = field(default=None, repr=False)
    retired: tuple[tuple[str, float], ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """What a list is sorted by in place of a name."""
        return self.url

    def rotate(self, secret: str, now: float) -> None:
        """Take a new secret; the old one signs on for a day."""
        if secret == self.secret:
            return
        kept = [(old, end) for old, end in self.retired if end > now and old != secret]
        if self.secret is not None:
            kept.insert(0, (self.secret, now + ROTATION))
        self.secret, self.retired = secret, tuple(kept[: MAX_SECRETS - 1])

    def secrets(self, now: float) -> list[str]:
        """Return the secrets that sign at this moment, the newest first."""
        old = [secret for secret, end in self.retired if end > now]
        return old if self.secret is None else [self.secret, *old]


class Webhooks:
    """All subscriptions of a server, by id; ``changed`` is to be called for one that was changed."""

    def __init__(self, world: str, now: float, *, seed: int, ledger: Ledger) -> None:
        self._seed = seed
        self._ledger = ledger
        self._number = 0
        self._webhooks: dict[str, Webhook] = {}
        if world == "documented":
            # Not active: nothing may leave this machine because of an example.
            made = now - DAY
            self._webhooks["wh_123"] = Webhook(
                "wh_123", "https://example.com/hook", ("job.completed",), made, made, active=False
            )

    def recall(self) -> None:
        """Go on with the subscriptions of the server before."""
        webhooks, self._number = self._ledger.begin(list(self))
        self._webhooks = {webhook.id: webhook for webhook in webhooks}

    def __iter__(self) -> Iterator[Webhook]:
        return iter(self._webhooks.values())

    def get(self, webhook_id: str) -> Webhook:
        webhook = self._webhooks.get(webhook_id)
        if webhook is None:
            raise MissingError("webhook", webhook_id)
        return webhook

    def add(self, url: str, events: Sequence[EventName], now: float, *, secret: str | None, active: bool) -> Webhook:
        """Make a subscription."""
        self._number += 1
        key = "wh_" + blake2b(f"{self._seed}:{self._number}".encode(), digest_size=6).hexdigest()
        self._webhooks[key] = webhook = Webhook(key, url, tuple(events), now, now, active, secret)
        self._ledger.make(webhook, self._number)
        return webhook

    def changed(self, webhook: Webhook, now: float) -> None:
        """Note a change of a subscription."""
        webhook.updated_at = now
        self._ledger.save(webhook)

    def remove(self, webhook_id: str) -> Webhook:
        """Forget a subscription."""
        webhook = self.get(webhook_id)
        del self._webhooks[webhook_id]
        self._ledger.remove(webhook_id)
        return webhook
