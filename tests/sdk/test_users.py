"""The user behind the credential, as the contract proposes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.platform_samples import USER
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import User


async def test_me_is_a_typed_user(face: Face) -> None:
    with ScriptedServer([Json(200, USER), Json(200, {"id": "user_1", "organization": None, "badge": 7})]) as server:
        async with face.client(server.url) as client:
            user, bare = await client.users.me(), await client.users.me()
    assert server.requests[0].path == "/v1/users/me"
    assert isinstance(user, User)
    assert (user.id, user.email, user.name, user.organization) == (
        "user_456",
        "user@example.com",
        "Example User",
        "your-org-id",
    )
    assert (user.to_dict(), user.extra) == (USER, {})
    assert (bare.name, bare.organization, bare.extra) == (None, None, {"badge": 7})


async def test_update_me_sends_what_is_given(face: Face) -> None:
    with ScriptedServer([Json(200, {**USER, "name": "New Name"})] * 2) as server:
        async with face.client(server.url) as client:
            assert (await client.users.update_me(name="New Name")).name == "New Name"
            await client.users.update_me(name="New Name", email="new@example.com")
    assert [(request.method, request.path) for request in server.requests] == [("PATCH", "/v1/users/me")] * 2
    assert [json.loads(request.body) for request in server.requests] == [
        {"name": "New Name"},
        {"name": "New Name", "email": "new@example.com"},
    ]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({}, ValueError, "nothing to update: give name or email"),
        ({"name": ""}, ValueError, "name cannot be empty"),
        ({"email": "  "}, ValueError, "email cannot be empty"),
        ({"email": 3}, TypeError, "email takes text, not int"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    face: Face, given: Any, error: type[Exception], says: str
) -> None:
    async with face.client("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(error, match=says):
            await client.users.update_me(**given)
        with pytest.raises(ValueError, match="user_id cannot be '..'"):
            await client.users.jobs("..")
