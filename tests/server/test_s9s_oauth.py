"""Access tokens for OAuth clients; a client of another make gets one and calls with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client, OAuthError  # type: ignore[import-untyped]
from websockets.exceptions import ConnectionClosed

from mock_server import MockServer
from mock_server.world import tokens
from tests.server.s9s_sockets import peer, submit

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT = {"client_id": "your_client_id", "client_secret": "your_client_secret", "grant_type": "client_credentials"}


def fetch(s9s: httpx.Client, **changes: Any) -> httpx.Response:
    return s9s.post("/oauth/token", json={**CLIENT, **changes}, headers={"Authorization": ""})


def status(s9s: httpx.Client, token: str) -> int:
    return s9s.get("/v1/status", headers={"Authorization": f"Bearer {token}"}).status_code


def test_the_documented_request_gets_a_token(s9s: httpx.Client) -> None:
    answer = fetch(s9s)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert {**body, "access_token": ""} == {"access_token": "", "token_type": "Bearer", "expires_in": 3600}
    assert status(s9s, body["access_token"]) == 200


@pytest.mark.parametrize("auth", [None, ("your_client_id", "your_client_secret")])
def test_a_form_does_as_well_with_the_client_in_it_or_in_the_header(s9s: httpx.Client, auth: Any) -> None:
    form = CLIENT if auth is None else {"grant_type": "client_credentials", "scope": "everything"}
    answer = s9s.post("/oauth/token", data=form, headers={} if auth else {"Authorization": ""}, auth=auth)
    assert status(s9s, answer.json()["access_token"]) == 200


def test_a_token_ends_an_hour_later_on_the_clock_of_the_server(server: MockServer, s9s: httpx.Client) -> None:
    token = fetch(s9s).json()["access_token"]
    server.advance(3599)
    assert status(s9s, token) == 200
    server.advance(1)
    answer = s9s.get("/v1/status", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "The access token has expired")


def test_sockets_end_with_the_token_they_were_opened_by(server: MockServer, s9s: httpx.Client) -> None:
    job_id = submit(server, "echo one; sleep 7000")
    old = {"Authorization": f"Bearer {fetch(s9s).json()['access_token']}"}
    server.advance(1800)
    new = {"Authorization": f"Bearer {fetch(s9s).json()['access_token']}"}
    with (
        peer(server, additional_headers=old) as first,
        peer(server, f"/v1/jobs/{job_id}/output?follow=true", additional_headers=old) as output,
        peer(server, additional_headers=new) as second,
        peer(server) as third,
    ):
        for reader in (first, second, third):
            reader.subscribe("jobs")
        assert output.next()["data"]["text"] == "one"
        server.advance(1799)
        first.say(action="unsubscribe", channel="jobs")
        assert first.next()["action"] == "unsubscribed"
        server.advance(1)
        for reader in (first, output):
            with pytest.raises(ConnectionClosed, match="3000 .*The access token has expired"):
                reader.next()
        for reader in (second, third):
            reader.all_so_far()
            assert reader.ask(action="unsubscribe", channel="jobs")["action"] == "unsubscribed"


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"client_secret": "wrong"}, 401, "AUTHENTICATION_FAILED"),
        ({"client_id": "nobody"}, 401, "AUTHENTICATION_FAILED"),
        ({"client_id": ""}, 401, "AUTHENTICATION_FAILED"),
        ({"grant_type": "password"}, 400, "INVALID_REQUEST"),
        ({"grant_type": ""}, 400, "INVALID_REQUEST"),
        ({"grant_type": 1}, 400, "VALIDATION_ERROR"),
        ({"client_id": ["x"]}, 400, "VALIDATION_ERROR"),
        ({"client_secret": "\ud800"}, 401, "AUTHENTICATION_FAILED"),
    ],
)
def test_wrong_requests_are_refused(s9s: httpx.Client, changes: dict[str, Any], code: int, word: str) -> None:
    body = json.dumps({**CLIENT, **changes})
    headers = {"Authorization": "", "Content-Type": "application/json"}
    answer = s9s.post("/oauth/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (code, word)


@pytest.mark.parametrize(
    ("content", "media", "code"),
    [
        (b"{", "application/json", "INVALID_REQUEST"),
        (b"[]", "application/json", "INVALID_REQUEST"),
        (b"{}", "application/json", "VALIDATION_ERROR"),
        (b"", "application/x-www-form-urlencoded", "VALIDATION_ERROR"),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", "INVALID_REQUEST"),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", "INVALID_REQUEST"),
        (b"grant_type=\xff", "application/x-www-form-urlencoded", "INVALID_REQUEST"),
        (b"&".join([b"a=b"] * 101), "application/x-www-form-urlencoded", "INVALID_REQUEST"),
        (b"<x/>", "application/xml", "INVALID_REQUEST"),
        (b" " * 20_000, "application/json", "INVALID_REQUEST"),
    ],
)
def test_what_cannot_be_read_is_refused(s9s: httpx.Client, content: bytes, media: str, code: str) -> None:
    answer = s9s.post("/oauth/token", content=content, headers={"Authorization": "", "Content-Type": media})
    assert answer.status_code in (400, 413, 415)
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("value", ["Basic !", "Basic /w==", "Basic"])
def test_a_header_that_says_nothing_is_refused(s9s: httpx.Client, value: str) -> None:
    answer = s9s.post("/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": value})
    assert answer.status_code in (400, 401)


def test_further_clients_can_be_given(make_server: Callable[..., MockServer]) -> None:
    server = make_server(oauth_clients={"robot": "s3cret, with % and ü"})
    with OAuth2Client("robot", "s3cret, with % and ü", token_endpoint=f"{server.s9s_url}/oauth/token") as client:
        client.fetch_token(grant_type="client_credentials")
        assert client.get(f"{server.s9s_url}/v1/status").json()["status"] == "ok"
    assert "s3cret" not in repr(server.app.settings)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_foreign_client_gets_a_token_and_a_new_one_when_it_has_ended(server: MockServer, method: str) -> None:
    with OAuth2Client(
        "your_client_id",
        "your_client_secret",
        token_endpoint=f"{server.s9s_url}/oauth/token",
        token_endpoint_auth_method=method,
        grant_type="client_credentials",
    ) as client:
        first = client.fetch_token()["access_token"]
        assert client.get(f"{server.s9s_url}/v1/status").status_code == 200
        client.token["expires_at"] = 1  # it goes by the clock of this machine
        assert client.get(f"{server.s9s_url}/v1/status").status_code == 200
        assert client.token["access_token"] != first


@pytest.mark.asyncio
async def test_a_foreign_client_without_blocking(server: MockServer) -> None:
    url = f"{server.s9s_url}/oauth/token"
    async with AsyncOAuth2Client("your_client_id", "your_client_secret", token_endpoint=url) as client:
        await client.fetch_token(grant_type="client_credentials")
        assert (await client.get(f"{server.s9s_url}/v1/status")).status_code == 200


def test_a_foreign_client_is_told_that_its_secret_is_wrong(server: MockServer) -> None:
    with OAuth2Client("your_client_id", "wrong", token_endpoint=f"{server.s9s_url}/oauth/token") as client:
        with pytest.raises((OAuthError, httpx.HTTPStatusError)):
            client.fetch_token(grant_type="client_credentials")


def test_a_refreshed_token_has_the_same_budget(s9s: httpx.Client) -> None:
    remaining = []
    for _ in range(2):
        token = fetch(s9s).json()["access_token"]
        answer = s9s.get("/v1/status", headers={"Authorization": f"Bearer {token}"})
        remaining.append(answer.headers["X-RateLimit-Remaining"])
    assert remaining == ["999", "998"]


def test_tokens_are_kept_as_digests_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "CAPACITY", 2)
    now = 0.0
    store = tokens.AccessTokens({"c": "s"}, now=lambda: now, seed=0)
    issued = [str(store.issue("c", "s")) for _ in range(3)]
    assert [store.find(token.encode()) is not None for token in issued] == [False, True, True]
    assert issued[2] not in repr(vars(store))
    now = 3601.0
    store.issue("c", "s")
    assert [store.find(token.encode()) is not None for token in issued] == [False, False, False]
    assert store.issue("c", "other") is None


def test_the_same_seed_gives_the_same_tokens(make_server: Callable[..., MockServer]) -> None:
    issued = []
    for seed in (0, 0, 1):
        server = make_server(seed=seed)
        issued.append(httpx.post(f"{server.s9s_url}/oauth/token", json=CLIENT).json()["access_token"])
    assert issued[0] == issued[1] != issued[2]


def test_a_reset_forgets_them(server: MockServer, s9s: httpx.Client) -> None:
    token = fetch(s9s).json()["access_token"]
    server.reset()
    assert status(s9s, token) == 401
