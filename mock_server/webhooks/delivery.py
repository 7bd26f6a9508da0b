"""One message on its way to one subscription."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the status of the answer, or the error if there was none; ``at`` is on the server's clock."""

    at: float
    status: int | None = None
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == 410


@dataclass(slots=True, eq=False)
class Delivery:
    """A message, its attempts and when the next one is due, on the server's clock.

    ``id`` is that of the message: kept over all attempts, and the same for all subscriptions.  A delivery is dropped
    when its subscription ends, is switched off or has too many others waiting.
    """

    id: str
    webhook_id: str
    type: str
    body: bytes
    created_at: float
    due_at: float | None
    state: DeliveryState = DeliveryState.PENDING
    attempts: list[Attempt] = field(default_factory=list[Attempt])

    def end(self, state: DeliveryState) -> None:
        self.state = state
        self.due_at = None

    def as_dict(self) -> dict[str, Any]:
        """Return what the control API shows."""
        return {
            "id": self.id,
            "webhook_id": self.webhook_id,
            "type": self.type,
            "state": self.state.value,
            "created_at": self.created_at,
            "due_at": self.due_at,
            "attempts": [{"at": one.at, "status": one.status, "error": one.error} for one in self.attempts],
            "body": self.body.decode(),
        }
