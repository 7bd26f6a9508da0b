"""Teams of the platform family, and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from mock_server.platform.lists import Listing
from mock_server.routes import Call, Routes
from mock_server.wire import iso
from mock_server.world.errors import MissingError

if TYPE_CHECKING:
    from mock_server.world.teams import Team

routes = Routes("teams", prefix="/v1")


class TeamView(TypedDict):
    """Users who work together."""

    id: str
    name: str
    description: str | None
    member_count: int
    created_at: str
    updated_at: str


class TeamPage(TypedDict):
    """A page of teams."""

    teams: list[TeamView]
    total: int
    page: int
    per_page: int


@routes.get("/teams")
async def list_(call: Call[Listing, None]) -> TeamPage:
    """List teams."""
    found = call.query.select(call.state.teams.values(), lambda _: True)
    return {
        "teams": [_view_team(team) for team in call.query.cut(found)],
        "total": len(found),
        "page": call.query.number,
        "per_page": call.query.size,
    }


@routes.get("/teams/{team_id}")
async def get(call: Call[None, None]) -> TeamView:
    """Get team."""
    return _view_team(find_team(call))


def find_team(call: Call[Any, Any]) -> Team:
    """Return the team that the path names."""
    team = call.state.teams.get(call.path["team_id"])
    if team is None:
        raise MissingError("team", call.path["team_id"])
    return team


def _view_team(team: Team) -> TeamView:
    return {
        "id": team.id,
        "name": team.name,
        "description": team.description,
        "member_count": len(team.members),
        "created_at": iso(team.created_at),
        "updated_at": iso(team.updated_at),
    }
