"""People and the organizations they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ORGANIZATION = "your-org-id"
DAY = 86_400.0


@dataclass(slots=True)
class User:
    """A person with an account; ``organization_id`` is whose resources a key of level ``client`` reaches.

    ``username`` is the name on the machines of the clusters, ``admin_level`` the rights there.
    """

    id: str
    email: str
    name: str
    role: str
    organization_id: str
    created_at: float
    updated_at: float
    username: str = ""
    admin_level: str = "none"

    def __post_init__(self) -> None:
        self.username = self.username or _username(self.email, self.id)

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


def named(users: Mapping[str, User], username: str) -> str | None:
    """Return the id of the user with this login name."""
    return next((key for key, user in users.items() if user.username == username), None)


def seeded(now: float, others: Iterable[str] = ()) -> dict[str, User]:
    """Return the users that exist from the start, by id: three of one organization and one of another.

    ``others`` are ids that keys were given out to; they become members of the first organization.
    """
    created = now - 14 * DAY
    users = {
        key: User(key, email, name, role, organization, created, created)
        for key, email, name, role, organization in (
            ("user_456", "user@example.com", "Example User", "admin", ORGANIZATION),
            ("user_457", "second@example.com", "Second User", "member", ORGANIZATION),
            ("user_458", "third@example.com", "Third User", "viewer", ORGANIZATION),
            ("user_900", "other@example.org", "Other User", "admin", "other-org-id"),
        )
    }
    for key in others:
        if key and key not in users:
            users[key] = User(key, f"{key}@example.com", key, "member", ORGANIZATION, created, created)
    users["user_456"].username = "alice"
    return users


def _username(email: str, user_id: str) -> str:
    """Derive a login name, which has small letters, digits, ``.``, ``_`` and ``-``, and begins with a letter."""
    name = re.sub(r"[^a-z0-9._-]", "", email.partition("@")[0].lower()).lstrip("0123456789._-")
    return name or re.sub(r"[^a-z0-9._-]", "", user_id.lower()) or "user"
