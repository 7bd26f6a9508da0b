"""Users over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_server.auth import Credential

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer


def test_me(client: httpx.Client) -> None:
    assert client.get("/v1/users/me").json() == {
        "id": "user_456",
        "email": "user@example.com",
        "name": "Example User",
        "organization": "your-org-id",
        "role": "admin",
        "created_at": "2024-01-01T10:35:00Z",
        "updated_at": "2024-01-01T10:35:00Z",
    }


def test_a_key_for_somebody_new_makes_a_user(
    make_server: Callable[..., MockServer], make_client: Callable[..., Any]
) -> None:
    server = make_server(api_keys=[Credential("k", user_id="newcomer")])
    user = make_client(server, key="k").get("/v1/users/me").json()
    assert (user["id"], user["email"], user["role"]) == ("newcomer", "newcomer@example.com", "member")


def test_the_own_profile_changes(server: MockServer, client: httpx.Client) -> None:
    server.advance(60)
    changed = client.patch("/v1/users/me", json={"name": "New Name", "email": "new.name+x@sub.example.com"})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["email"]) == ("New Name", "new.name+x@sub.example.com")
    assert changed.json()["updated_at"] == "2024-01-15T10:36:00Z"
    assert client.get("/v1/users/me").json() == changed.json()
    assert client.patch("/v1/users/me", json={"name": "N"}).json()["email"] == "new.name+x@sub.example.com"
    members = client.get("/v1/teams/team_123/members").json()["members"]
    assert {member["email"] for member in members} == {"new.name+x@sub.example.com", "second@example.com"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": ""}, 400),
        ({"name": "n" * 256}, 400),
        ({"name": None}, 400),
        ({"name": 5}, 400),
        ({"email": "nobody"}, 400),
        ({"email": "a@b@c"}, 400),
        ({"email": f"a@{'b' * 64}"}, 400),
        ({"email": "a@b\n"}, 400),
        ({"name": "Half", "email": "wrong"}, 400),
        ({"role": "admin"}, 400),
        ({"name": "Half", "email": "SECOND@example.com"}, 409),
        ([], 400),
    ],
)
def test_what_is_no_profile_changes_nothing(client: httpx.Client, body: Any, status: int) -> None:
    before = client.get("/v1/users/me").json()
    assert client.patch("/v1/users/me", json=body).status_code == status
    assert client.get("/v1/users/me").json() == before


def test_a_repeated_key_changes_once(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    first = client.patch("/v1/users/me", json={"name": "First"}, headers=key)
    client.patch("/v1/users/me", json={"name": "Second"})
    assert client.patch("/v1/users/me", json={"name": "First"}, headers=key).json() == first.json()
    assert client.get("/v1/users/me").json()["name"] == "Second"
    assert client.patch("/v1/users/me", json={"name": "Third"}, headers=key).status_code == 409


def test_jobs_of_a_user(make_server: Callable[..., MockServer], make_client: Callable[..., Any]) -> None:
    server = make_server(api_keys=[Credential("k", user_id="user_457")])
    client, second = make_client(server), make_client(server, key="k")
    job = second.post("/v1/jobs", json={"name": "n", "command": "true"}).json()
    assert [one["id"] for one in second.get("/v1/users/me/jobs").json()["jobs"]] == [job["id"]]
    assert [one["id"] for one in client.get("/v1/users/user_457/jobs").json()["jobs"]] == [job["id"]]
    mine = client.get("/v1/users/me/jobs").json()
    assert mine == client.get("/v1/users/user_456/jobs").json()
    assert mine == client.get("/v1/jobs?user_id=user_456").json()
    assert mine["total"] == 10
    for query in ("status=running&sort=name", "limit=2&page=2", "cluster=gpu-cluster", "created_before=2024-01-15"):
        expected = client.get(f"/v1/jobs?user_id=user_456&{query}").json()
        assert client.get(f"/v1/users/me/jobs?{query}").json() == expected
    assert client.get("/v1/users/me/jobs?user_id=user_457").json()["total"] == 0
    assert client.get("/v1/users/me/jobs?status=odd").status_code == 400


def test_an_unknown_user_is_not_found(client: httpx.Client) -> None:
    response = client.get("/v1/users/user_1/jobs")
    assert (response.status_code, response.json()["details"]) == (404, {"resource": "user", "id": "user_1"})
