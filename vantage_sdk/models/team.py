"""Teams and who belongs to them."""

from __future__ import annotations

from vantage_sdk.models.base import Model, Timestamp


class Team(Model):
    """A team of an organization."""

    id: str
    name: str | None = None
    description: str | None = None
    member_count: int | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class TeamMember(Model):
    """A user in a team; ``role`` is ``owner``, ``admin``, ``member`` or ``viewer``, or one that is newer than this SDK."""

    user_id: str
    role: str | None = None
    email: str | None = None
    added_at: Timestamp | None = None

    @property
    def id(self) -> str:
        """Return the id of the user, which tells members apart."""
        return self.user_id
