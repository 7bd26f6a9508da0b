"""Users and what they tell about themselves."""

from __future__ import annotations

from vantage_sdk.models.base import Model, Timestamp


class User(Model):
    """A user of the platform; ``organization`` is the id of theirs."""

    id: str
    email: str | None = None
    name: str | None = None
    organization: str | None = None
    role: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
