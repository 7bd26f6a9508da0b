"""Teams and their members over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_server.auth import Credential

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer

MEMBERS = "/v1/teams/team_123/members"


def ids(client: httpx.Client, query: str = "", path: str = MEMBERS) -> list[str]:
    return [member["user_id"] for member in client.get(f"{path}?{query}").json()["members"]]


def test_list_and_get(client: httpx.Client) -> None:
    page = client.get("/v1/teams?sort=name").json()
    assert [team["name"] for team in page["teams"]] == ["operations", "research"]
    assert (page["total"], page["page"], page["per_page"]) == (2, 1, 50)
    assert client.get("/v1/teams?limit=1&page=2&sort=name").json()["teams"] == page["teams"][1:]
    team = client.get("/v1/teams/team_123").json()
    assert team in page["teams"]
    assert (team["member_count"], team["description"]) == (2, None)


def test_the_empty_world_has_none(make_server: Callable[..., MockServer], make_client: Callable[..., Any]) -> None:
    client = make_client(make_server(world="empty"))
    assert client.get("/v1/teams").json()["total"] == 0
    assert client.get("/v1/users/me").json()["id"] == "user_456"


def test_members_are_added_listed_and_removed(server: MockServer, client: httpx.Client) -> None:
    server.advance(60)
    added = client.post(MEMBERS, json={"user_id": "user_458"})
    assert added.status_code == 201
    assert added.json() == {
        "user_id": "user_458",
        "role": "member",
        "email": "third@example.com",
        "added_at": "2024-01-15T10:36:00Z",
    }
    assert ids(client) == ["user_458", "user_456", "user_457"]
    assert ids(client, "sort=name") == ["user_456", "user_457", "user_458"]
    assert ids(client, "created_after=2024-01-15") == ["user_458"]
    assert ids(client, "sort=updated_at")[-1] == "user_458"
    assert ids(client, "limit=1&offset=1&sort=name") == ["user_457"]
    team = client.get("/v1/teams/team_123").json()
    assert (team["member_count"], team["updated_at"]) == (3, "2024-01-15T10:36:00Z")
    assert client.delete(f"{MEMBERS}/user_458").status_code == 204
    assert client.delete(f"{MEMBERS}/user_458").status_code == 404
    assert client.get("/v1/teams/team_123").json()["member_count"] == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"user_id": "user_457"}, 409),
        ({"user_id": "user_1"}, 404),
        ({"user_id": ""}, 400),
        ({"user_id": "u" * 256}, 400),
        ({"user_id": 5}, 400),
        ({"user_id": None}, 400),
        ({}, 400),
        ({"user_id": "user_458", "role": "boss"}, 400),
        ({"user_id": "user_458", "role": None}, 400),
        ({"user_id": "user_458", "since": "now"}, 400),
        ([], 400),
    ],
)
def test_what_is_no_new_member_changes_nothing(client: httpx.Client, body: Any, status: int) -> None:
    before = client.get("/v1/teams/team_123").json()
    assert client.post(MEMBERS, json=body).status_code == status
    assert ids(client, "sort=name") == ["user_456", "user_457"]
    assert client.get("/v1/teams/team_123").json() == before


def test_the_last_owner_stays(client: httpx.Client) -> None:
    assert client.delete(f"{MEMBERS}/user_456").status_code == 409
    client.post(MEMBERS, json={"user_id": "user_458", "role": "owner"})
    assert client.delete(f"{MEMBERS}/user_456").status_code == 204
    assert client.delete(f"{MEMBERS}/user_458").status_code == 409


@pytest.mark.parametrize("path", ["/v1/teams/team_1", "/v1/teams/team_1/members"])
def test_an_unknown_team_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["details"]) == (404, {"resource": "team", "id": "team_1"})


def test_roles_decide_who_decides(make_server: Callable[..., MockServer], make_client: Callable[..., Any]) -> None:
    users = ("user_457", "user_458", "stranger")
    server = make_server(api_keys=[Credential(user, user_id=user) for user in users])
    second, third, stranger = (make_client(server, key=user) for user in users)
    new = {"user_id": "user_458"}
    # A member of the one team, the owner of the other.
    refused = second.post(MEMBERS, json=new)
    assert (refused.status_code, refused.json()["error"]) == (403, "permission_denied")
    assert second.delete(f"{MEMBERS}/user_456").status_code == 403
    other = "/v1/teams/team_124/members"
    assert second.delete(f"{other}/user_456").status_code == 204
    assert second.post(other, json={"user_id": "user_456", "role": "admin"}).status_code == 201
    # Members may leave, and nobody may send others away.
    assert third.delete(f"{other}/user_457").status_code == 403
    assert third.delete(f"{other}/user_458").status_code == 204
    assert stranger.post(other, json={"user_id": "stranger"}).status_code == 403
    assert stranger.delete(f"{other}/unheard-of").status_code == 403
    # An admin of a team makes no owners.
    assert second.post(other, json={"user_id": "stranger", "role": "admin"}).status_code == 201
    assert stranger.post(other, json={"user_id": "user_458", "role": "owner"}).status_code == 403
    assert stranger.delete(f"{other}/user_457").status_code == 403
    assert stranger.post(other, json={"user_id": "user_458", "role": "viewer"}).status_code == 201


def test_a_repeated_key_adds_once(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    first = client.post(MEMBERS, json={"user_id": "user_458"}, headers=key)
    again = client.post(MEMBERS, json={"user_id": "user_458"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


def test_a_key_that_may_only_read_changes_nothing(server: MockServer, make_client: Callable[..., Any]) -> None:
    reader = make_client(server, key="read-only-key")
    assert reader.post(MEMBERS, json={"user_id": "user_458"}).status_code == 403
    assert reader.delete(f"{MEMBERS}/user_457").status_code == 403
    assert reader.patch("/v1/users/me", json={"name": "n"}).status_code == 403
    assert ids(reader, "sort=name") == ["user_456", "user_457"]
