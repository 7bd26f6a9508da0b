"""People and the organizations they belong to."""

from __future__ import annotations

from dataclasses import dataclass

ORGANIZATION = "your-org-id"
DAY = 86_400.0


@dataclass(slots=True)
class User:
    """A person with an account; ``organization_id`` is whose resources a key of level ``client`` reaches."""

    id: str
    email: str
    name: str
    role: str
    organization_id: str
    created_at: float
    updated_at: float


def seeded(now: float) -> dict[str, User]:
    """Return the users that exist from the start, by id: three of one organization and one of another."""
    created = now - 14 * DAY
    return {
        key: User(key, email, name, role, organization, created, created)
        for key, email, name, role, organization in (
            ("user_456", "user@example.com", "Example User", "admin", ORGANIZATION),
            ("user_457", "second@example.com", "Second User", "member", ORGANIZATION),
            ("user_458", "third@example.com", "Third User", "viewer", ORGANIZATION),
            ("user_900", "other@example.org", "Other User", "admin", "other-org-id"),
        )
    }
