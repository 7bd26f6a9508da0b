"""Teams and their members, as the contract proposes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.answers import fault
from tests.support.faces import Face
from tests.support.platform_samples import MEMBER, TEAM
from tests.support.scripted import CutAt, Json, Reply, ScriptedServer
from vantage_sdk import ResourceNotFoundError, Team, TeamMember
from vantage_sdk.testing import instant_retries


async def test_get_is_a_typed_team(face: Face) -> None:
    with ScriptedServer([Json(200, TEAM)]) as server:
        async with face.client(server.url) as client:
            team = await client.teams.get("team_123")
    assert server.requests[0].path == "/v1/teams/team_123"
    assert isinstance(team, Team)
    assert (team.name, team.description, team.member_count) == ("research", None, 2)
    assert team.created_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert team.to_dict() == TEAM
    assert team.extra == {}


async def test_add_member_is_the_member(face: Face) -> None:
    with ScriptedServer([Json(201, MEMBER), Json(201, {**MEMBER, "role": "astronaut"})]) as server:
        async with face.client(server.url) as client:
            member = await client.teams.add_member("team_123", "user_456")
            odd = await client.teams.add_member("team_123", "user_456", role="owner")
    assert [(request.method, request.path) for request in server.requests] == [
        ("POST", "/v1/teams/team_123/members")
    ] * 2
    assert [json.loads(request.body) for request in server.requests] == [
        {"user_id": "user_456"},
        {"user_id": "user_456", "role": "owner"},
    ]
    assert isinstance(member, TeamMember)
    assert (member.id, member.user_id, member.role, member.email) == (
        "user_456",
        "user_456",
        "member",
        "user@example.com",
    )
    assert member.to_dict() == MEMBER
    assert odd.role == "astronaut"


async def test_remove_member_takes_any_good_answer(face: Face) -> None:
    with ScriptedServer([Reply(204), Json(200, {})]) as server:
        async with face.client(server.url) as client:
            assert await client.teams.remove_member("team_123", "user_456") is None
            await client.teams.remove_member("team_123", "a/b")
    assert [(request.method, request.target) for request in server.requests] == [
        ("DELETE", "/v1/teams/team_123/members/user_456"),
        ("DELETE", "/v1/teams/team_123/members/a%2Fb"),
    ]


async def test_a_member_who_is_gone_after_a_lost_answer_was_removed(face: Face) -> None:
    with ScriptedServer([CutAt(10, Reply(204)), fault(404), fault(404)]) as server, instant_retries():
        async with face.client(server.url) as client:
            await client.teams.remove_member("team_123", "user_456")
            with pytest.raises(ResourceNotFoundError):
                await client.teams.remove_member("team_123", "user_456")


@pytest.mark.parametrize(
    ("verb", "args", "options", "error", "says"),
    [
        ("get", ("",), {}, ValueError, "team_id cannot be ''"),
        ("get", ("..",), {}, ValueError, "team_id cannot be '..'"),
        ("get", (3,), {}, TypeError, "team_id takes text, not int"),
        ("members", (".",), {}, ValueError, "team_id cannot be '.'"),
        ("add_member", ("t", ""), {}, ValueError, "user_id cannot be empty"),
        ("add_member", ("t", 3), {}, TypeError, "user_id takes text, not int"),
        (
            "add_member",
            ("t", "u"),
            {"role": "boss"},
            ValueError,
            "role is one of owner, admin, member, viewer, not 'boss'",
        ),
        ("add_member", ("t", "u"), {"role": ["owner"]}, ValueError, "role is one of owner"),
        ("add_member", ("", "u"), {}, ValueError, "team_id cannot be ''"),
        ("remove_member", ("t", ".."), {}, ValueError, "user_id cannot be '..'"),
        ("remove_member", ("t", None), {}, TypeError, "user_id takes text, not NoneType"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    face: Face, verb: str, args: Any, options: Any, error: type[Exception], says: str
) -> None:
    async with face.client("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(error, match=says):
            await getattr(client.teams, verb)(*args, **options)
