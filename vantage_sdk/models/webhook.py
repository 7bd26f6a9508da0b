"""Subscriptions to events."""

from __future__ import annotations

from pydantic import Field

from vantage_sdk.models.base import Model, Timestamp


class WebhookSubscription(Model):
    """Where which events are delivered.

    ``secret`` is there only if a server shows it once, when it made one; it is left out of the text of the object.
    """

    id: str
    url: str | None = None
    events: list[str] = Field(default_factory=list[str])
    active: bool | None = None
    secret: str | None = Field(default=None, repr=False)
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
