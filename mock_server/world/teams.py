"""Teams and who belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mock_server.world.errors import ConflictError, MissingError

if TYPE_CHECKING:
    from mock_server.world.users import User

DAY = 86_400.0

Role = Literal["owner", "admin", "member", "viewer"]


@dataclass(slots=True)
class Member:
    """One user's place in a team."""

    user_id: str
    role: Role
    added_at: float


@dataclass(slots=True)
class Team:
    """Users who work together; there is always an owner among them."""

    id: str
    name: str
    description: str | None
    created_at: float
    updated_at: float
    members: dict[str, Member] = field(default_factory=dict[str, Member])

    def add(self, user_id: str, role: Role, now: float) -> Member:
        """Take a user in."""
        if user_id in self.members:
            raise ConflictError(f"User {user_id!r} is a member of team {self.id!r} already")
        self.members[user_id] = member = Member(user_id, role, now)
        self.updated_at = now
        return member

    def remove(self, user_id: str, now: float) -> None:
        """Let a member go; the last owner has to stay."""
        if user_id not in self.members:
            raise MissingError("member", user_id)
        if [member.user_id for member in self.members.values() if member.role == "owner"] == [user_id]:
            raise ConflictError(f"User {user_id!r} is the last owner of team {self.id!r}")
        del self.members[user_id]
        self.updated_at = now

    def lets_in(self, user: User, role: Role) -> bool:
        """Tell whether a user may give out a role: admins of the account and owners any, admins all but the first."""
        own = self.members.get(user.id)
        return user.is_admin or (own is not None and (own.role == "owner" or (own.role == "admin" and role != "owner")))


def seeded(world: str, now: float) -> dict[str, Team]:
    """Return the teams that exist from the start, by id."""
    if world != "documented":
        return {}
    created = now - 14 * DAY
    teams = {
        key: Team(key, name, description, created, created)
        for key, name, description in (
            ("team_123", "research", None),
            ("team_124", "operations", "Keeps the clusters running"),
        )
    }
    places: tuple[tuple[str, str, Role], ...] = (
        ("team_123", "user_456", "owner"),
        ("team_123", "user_457", "member"),
        ("team_124", "user_457", "owner"),
        ("team_124", "user_456", "viewer"),
        ("team_124", "user_458", "member"),
    )
    for team, user, role in places:
        teams[team].members[user] = Member(user, role, created)
    return teams
