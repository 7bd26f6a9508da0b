"""API keys of workflows: made, limited, changed, expired, revoked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.auth import Credential
from tests.server.test_workflows import BASE, GRAPH, KEY, refused

KEYS = "/api/v1/keys"
COOKIE = {"Cookie": "your-session-cookie"}
READ, WRITE, EXECUTE = "workflows:read", "workflows:write", "workflows:execute"


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key=KEY)


@pytest.fixture
def nobody(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key=None)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def made(client: httpx.Client, **body: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Make a key; return what is shown of it and the header that uses it."""
    answer = client.post(KEYS, json={"name": "made", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["key"], bearer(answer.json()["full_key"])


def test_the_value_is_told_once(client: httpx.Client) -> None:
    answer = client.post(KEYS, json={"name": "My Production Key", "scopes": [READ, EXECUTE]}).json()
    assert re.fullmatch(r"vntg_[A-Za-z0-9]{30,}", answer["full_key"])
    key = answer["key"]
    assert key["key_prefix"] == answer["full_key"][:9]
    assert (key["scope_level"], key["scopes"], key["expires_at"]) == ("user", [READ, EXECUTE], None)
    assert not {"is_active", "last_used_at"} & set(key)
    listed = client.get(KEYS).text
    assert answer["full_key"] not in listed
    assert f'"id":{key["id"]}' in listed


def test_a_new_key_works_at_once_and_may_only_read(client: httpx.Client, nobody: httpx.Client) -> None:
    _, header = made(client)
    assert nobody.get(BASE, headers=header).status_code == 200
    refused(nobody.post(BASE, json=GRAPH, headers=header), 403, "FORBIDDEN", WRITE)
    refused(nobody.post(f"{BASE}/42/execute", headers=header), 403, "FORBIDDEN", EXECUTE)


CALLS = [
    ("GET", BASE, READ),
    ("GET", f"{BASE}/42", READ),
    ("GET", f"{BASE}/42/data/dataRef:wf42_abc123", READ),
    ("GET", "/api/v1/node-types", READ),
    ("POST", f"{BASE}/42/validate", READ),
    ("POST", BASE, WRITE),
    ("PATCH", f"{BASE}/42", WRITE),
    ("DELETE", f"{BASE}/42", WRITE),
    ("POST", f"{BASE}/42/execute", EXECUTE),
]


@pytest.mark.parametrize(("verb", "path", "needed"), CALLS)
def test_each_call_needs_its_scope(
    verb: str, path: str, needed: str, client: httpx.Client, nobody: httpx.Client
) -> None:
    body = {"json": {"title": "x"}} if needed == WRITE and verb != "DELETE" else {}
    others = [scope for scope in (READ, WRITE, EXECUTE) if scope != needed]
    _, without = made(client, scopes=others)
    refused(nobody.request(verb, path, headers=without, **body), 403, "FORBIDDEN", needed)
    _, with_it = made(client, scopes=[needed])
    assert nobody.request(verb, path, headers=with_it, **body).is_success


def test_keys_need_no_scope(client: httpx.Client, nobody: httpx.Client) -> None:
    _, header = made(client, scopes=[])
    assert nobody.get(KEYS, headers=header).is_success
    assert nobody.post(KEYS, json={"name": "less", "scopes": []}, headers=header).is_success


def test_nobody_gives_more_than_is_theirs(client: httpx.Client, nobody: httpx.Client) -> None:
    key, header = made(client, scopes=[READ])
    refused(nobody.post(KEYS, json={"name": "x", "scopes": [WRITE]}, headers=header), 403, "FORBIDDEN", WRITE)
    refused(nobody.post(KEYS, json={"name": "x", "scope_level": "client"}, headers=header), 403, "FORBIDDEN")
    refused(nobody.patch(f"{KEYS}/{key['id']}", json={"scopes": [READ, WRITE]}, headers=header), 403, "FORBIDDEN")
    [same] = [one for one in client.get(KEYS).json()["keys"] if one["id"] == key["id"]]
    assert same["scopes"] == [READ]


def test_the_first_key_is_made_with_a_session(nobody: httpx.Client) -> None:
    answer = nobody.post(KEYS, json={"name": "My First Key", "scopes": [READ, WRITE, EXECUTE]}, headers=COOKIE)
    assert answer.status_code == 201
    assert nobody.get(BASE, headers=bearer(answer.json()["full_key"])).is_success
    refused(nobody.get(BASE, headers=COOKIE), 401, "UNAUTHORIZED")
    refused(nobody.get(KEYS, headers={"Cookie": "another"}), 401, "UNAUTHORIZED")
    refused(nobody.get(KEYS, headers={**COOKIE, **bearer("wrong")}), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("header", [{}, bearer("wrong"), {"Authorization": f"Basic {KEY}"}])
def test_who_is_unknown_is_refused(nobody: httpx.Client, header: dict[str, str]) -> None:
    refused(nobody.get(BASE, headers=header), 401, "UNAUTHORIZED")


def test_keys_of_the_platform_are_no_keys_here(nobody: httpx.Client) -> None:
    refused(nobody.get(BASE, headers=bearer("YOUR_API_KEY")), 401, "UNAUTHORIZED")
    assert nobody.get("/v1/jobs", headers=bearer(KEY)).status_code == 401


def test_keys_given_to_the_server_work_in_both_families(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(api_keys=["mine", Credential("reader", can_write=False)])
    client = make_client(server, key="mine")
    assert client.get("/v1/jobs").is_success
    assert client.post(BASE, json=GRAPH).is_success
    reader = make_client(server, key="reader")
    assert reader.get(BASE).is_success
    refused(reader.post(BASE, json=GRAPH), 403, "FORBIDDEN")


def test_a_key_expires_on_the_clock_of_the_server(
    client: httpx.Client, nobody: httpx.Client, server: MockServer
) -> None:
    _, header = made(client, expires_at="2024-01-15T10:36:00.000Z")
    server.advance(59)
    assert nobody.get(BASE, headers=header).is_success
    server.advance(1)
    refused(nobody.get(BASE, headers=header), 401, "UNAUTHORIZED", "expired")
    assert next(key for key in client.get(KEYS).json()["keys"] if key["name"] == "made")["is_active"] is True
    refused(client.post(KEYS, json={"name": "x", "expires_at": "2024-01-15T10:36:00Z"}), 400, "INVALID_INPUT", "future")


def test_a_revoked_key_stays_in_the_list(client: httpx.Client, nobody: httpx.Client) -> None:
    key, header = made(client)
    for _ in range(2):
        assert client.delete(f"{KEYS}/{key['id']}").json()["revoked"] is True
        refused(nobody.get(BASE, headers=header), 401, "UNAUTHORIZED")
    [left] = [one for one in client.get(KEYS).json()["keys"] if one["id"] == key["id"]]
    assert left["is_active"] is False


def test_use_is_noted(client: httpx.Client, nobody: httpx.Client, server: MockServer) -> None:
    key, header = made(client)

    def used() -> str | None:
        [one] = [one for one in client.get(KEYS).json()["keys"] if one["id"] == key["id"]]
        found: str | None = one["last_used_at"]
        return found

    assert used() is None
    server.advance(5)
    nobody.get(BASE, headers=header)
    assert used() == "2024-01-15T10:35:05.000Z"


def test_name_and_scopes_may_change(client: httpx.Client, nobody: httpx.Client) -> None:
    key, header = made(client)
    body = {"name": "Renamed Key", "scopes": [READ, WRITE, EXECUTE], "favourite_colour": "blue"}
    assert client.patch(f"{KEYS}/{key['id']}", json=body).json()["key"]["name"] == "Renamed Key"
    assert nobody.post(BASE, json=GRAPH, headers=header).is_success


@pytest.mark.parametrize("name", ["scope_level", "key", "full_key", "hash", "key_prefix"])
def test_the_rest_may_not(client: httpx.Client, name: str) -> None:
    key, _ = made(client)
    answer = client.patch(f"{KEYS}/{key['id']}", json={"name": "half", name: "client"})
    refused(answer, 400, "INVALID_INPUT", name)
    assert "half" not in client.get(KEYS).text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": None},
        {"name": 5},
        {"name": "x", "scopes": ["workflows:everything"]},
        {"name": "x", "scopes": READ},
        {"name": "x", "scope_level": "organization"},
        {"name": "x", "expires_at": "soon"},
        {"name": "x", "expires_at": 5},
        {"name": "x", "unknown": 1},
    ],
)
def test_a_bad_key_is_not_made(client: httpx.Client, body: dict[str, Any]) -> None:
    count = len(client.get(KEYS).json()["keys"])
    refused(client.post(KEYS, json=body), 400, "INVALID_INPUT")
    assert len(client.get(KEYS).json()["keys"]) == count


@pytest.mark.parametrize("number", ["999", "x", "-1", "9" * 30])
def test_no_such_key(client: httpx.Client, number: str) -> None:
    refused(client.patch(f"{KEYS}/{number}", json={"name": "x"}), 404, "KEY_NOT_FOUND")
    refused(client.delete(f"{KEYS}/{number}"), 404, "KEY_NOT_FOUND")


# Who sees what


@pytest.fixture
def crowd(make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]) -> Callable[..., Any]:
    """Return clients of different people of one server."""
    people = {"first": "user_456", "second": "user_457", "stranger": "user_900", "gone": ""}
    server = make_server(world="empty", api_keys=[Credential(key, user_id=user) for key, user in people.items()])
    return lambda name: make_client(server, key=name)


def test_keys_and_workflows_of_others(crowd: Callable[..., httpx.Client]) -> None:
    first, second, stranger = crowd("first"), crowd("second"), crowd("stranger")
    workflow = first.post(BASE, json=GRAPH).json()["data"]["id"]
    key, _ = made(first)
    assert second.get(f"{BASE}/{workflow}").is_success  # keys given to the server reach the organization
    refused(stranger.get(f"{BASE}/{workflow}"), 404, "WORKFLOW_NOT_FOUND")
    assert stranger.get(BASE).json()["data"]["total"] == 0
    for other in (second, stranger):
        refused(other.delete(f"{KEYS}/{key['id']}"), 404, "KEY_NOT_FOUND")
        assert str(key["id"]) not in [str(one["id"]) for one in other.get(KEYS).json()["keys"]]


def test_a_key_for_the_user_sees_own_and_shared_ones(
    crowd: Callable[..., httpx.Client],
    make_client: Callable[..., httpx.Client],
) -> None:
    first, second = crowd("first"), crowd("second")
    theirs = first.post(BASE, json=GRAPH).json()["data"]["id"]
    own = second.post(BASE, json=GRAPH).json()["data"]["id"]
    _, header = made(second, scope_level="user", scopes=[READ, WRITE])
    listed = second.get(BASE, headers=header).json()["data"]["workflows"]
    assert [one["id"] for one in listed] == [own]
    refused(second.get(f"{BASE}/{theirs}", headers=header), 404, "WORKFLOW_NOT_FOUND")
    refused(second.patch(f"{BASE}/{theirs}", json={"title": "x"}, headers=header), 404, "WORKFLOW_NOT_FOUND")


def test_shared_workflows_are_seen_by_the_organization(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(api_keys=[Credential("second", user_id="user_457"), Credential("far", user_id="user_900")])
    second = make_client(server, key="second")
    _, header = made(second, scope_level="user")
    assert second.get(f"{BASE}/42", headers=header).is_success
    refused(make_client(server, key="far").get(f"{BASE}/42"), 404, "WORKFLOW_NOT_FOUND")


def test_an_account_that_is_gone(crowd: Callable[..., httpx.Client]) -> None:
    refused(crowd("gone").get(BASE), 404, "USER_NOT_FOUND")
