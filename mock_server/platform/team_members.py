"""Members of teams of the platform family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field
from typing_extensions import TypedDict

from mock_server.platform.job_requests import Name
from mock_server.platform.lists import Listing
from mock_server.platform.teams import find_team
from mock_server.platform.users import caller, find_user
from mock_server.routes import Call, Routes
from mock_server.validation import StrictBody
from mock_server.wire import iso
from mock_server.world.errors import ForbiddenError
from mock_server.world.teams import Role

if TYPE_CHECKING:
    from mock_server.world.teams import Member, Team
    from mock_server.world.users import User

routes = Routes("team_members", prefix="/v1")


class TeamMember(TypedDict):
    """One user's place in a team."""

    user_id: str
    role: Role
    email: str
    added_at: str


class TeamMemberPage(TypedDict):
    """A page of a team's members."""

    members: list[TeamMember]
    total: int
    page: int
    per_page: int


class TeamMemberAdd(StrictBody):
    """A new member."""

    user_id: Name
    role: Role = Field(default="member")


@dataclass(frozen=True, slots=True)
class Listed:
    """A member as the list's filters and orders see it."""

    member: Member
    user: User

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def created_at(self) -> float:
        return self.member.added_at

    @property
    def updated_at(self) -> float:
        return self.member.added_at


@routes.get("/teams/{team_id}/members")
async def list_(call: Call[Listing, None]) -> TeamMemberPage:
    """List team members."""
    rows = [Listed(member, call.state.users[member.user_id]) for member in find_team(call).members.values()]
    found = call.query.select(rows, lambda _: True)
    return {
        "members": [_view_member(row.member, row.user) for row in call.query.cut(found)],
        "total": len(found),
        "page": call.query.number,
        "per_page": call.query.size,
    }


@routes.post("/teams/{team_id}/members", status=201, conflicts=True)
async def add(call: Call[None, TeamMemberAdd]) -> TeamMember:
    """Add team member."""
    team, role = find_team(call), call.body.role
    _check_right(call, team, role)
    user = find_user(call, call.body.user_id)
    return _view_member(team.add(user.id, role, call.state.time.now()), user)


@routes.delete("/teams/{team_id}/members/{user_id}", conflicts=True)
async def remove(call: Call[None, None]) -> None:
    """Remove team member."""
    team, user_id = find_team(call), call.path["user_id"]
    if user_id != caller(call).id:  # everybody may leave
        member = team.members.get(user_id)
        _check_right(call, team, "member" if member is None else member.role)
    team.remove(user_id, call.state.time.now())


def _check_right(call: Call[Any, Any], team: Team, role: Role) -> None:
    if not team.lets_in(caller(call), role):
        raise ForbiddenError(f"You may not decide who is {role} of team {team.id!r}")


def _view_member(member: Member, user: User) -> TeamMember:
    return {"user_id": user.id, "role": member.role, "email": user.email, "added_at": iso(member.added_at)}
