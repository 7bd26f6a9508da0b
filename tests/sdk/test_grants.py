"""OAuth 2 client credentials: one token for all, the next one in time."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from tests.support.crowd import crowd
from tests.support.faces import Face
from tests.support.scripted import CutAt, Json, Redirect, Reply, Request, ScriptedServer, Step
from vantage_sdk import (
    AsyncS9SClient,
    AuthenticationError,
    DeadlineExceeded,
    RateLimitError,
    S9SClient,
    ServerError,
    SubmitOutcomeUnknown,
    VantageAPIError,
    VantageConnectionError,
)
from vantage_sdk.core.tokens import Token
from vantage_sdk.testing import instant_retries

ID, SECRET = "your_client_id", "your_client_secret"
WHO = {"client_id": ID, "client_secret": SECRET}


class Authority:
    """A server that gives tokens and takes the last one it gave; ``script`` are other answers to requests for tokens."""

    def __init__(self, *script: Step, **fields: Any) -> None:
        self.given: list[str] = []
        self.script = [*script]
        self.fields = {"token_type": "Bearer", "expires_in": 3600, **fields}
        self.revoked: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, request: Request, _: int) -> Step:
        if request.target.endswith("/oauth/token"):
            with self._lock:
                if self.script:
                    return self.script.pop(0)
                self.given.append(f"token-{len(self.given) + 1}")
                return Json(200, {"access_token": self.given[-1], **self.fields})
        shown = str(request.header("authorization")).removeprefix("Bearer ")
        if shown in {*self.given} - self.revoked:
            return Json(200, {"shown": shown})
        return Json(401, {"error": {"code": "AUTHENTICATION_FAILED", "message": "no such token"}})


def asked(server: ScriptedServer) -> list[Request]:
    return [request for request in server.requests if request.target.endswith("/oauth/token")]


async def get(client: Any, **options: Any) -> Any:
    return (await client.request("GET", "/jobs", **options)).data["shown"]


@pytest.mark.parametrize(
    ("base", "path", "jobs"),
    [
        ("", "/oauth/token", "/v1/jobs"),
        ("/v1", "/oauth/token", "/v1/jobs"),
        ("/api/v1", "/oauth/token", "/api/v1/jobs"),
        ("/mount", "/mount/oauth/token", "/mount/v1/jobs"),
        ("/mount/api/v1/", "/mount/oauth/token", "/mount/api/v1/jobs"),
        ("/api", "/api/oauth/token", "/api/v1/jobs"),
    ],
)
async def test_the_request_for_a_token_is_as_documented(face: Face, base: str, path: str, jobs: str) -> None:
    authority = Authority()
    with ScriptedServer(authority) as server:
        async with face.s9s(server.url + base, **WHO) as client:
            assert await get(client) == "token-1"
    request, call = server.requests
    assert (request.method, request.target, call.target) == ("POST", path, jobs)
    assert json.loads(request.body) == {**WHO, "grant_type": "client_credentials"}
    assert request.header("content-type") == "application/json"
    for name in ("authorization", "x-api-key", "idempotency-key"):
        assert request.header(name) is None


async def test_a_token_is_kept_by_the_client_and_its_copies(face: Face) -> None:
    authority = Authority()
    with ScriptedServer(authority) as server:
        async with face.s9s(server.url, **WHO) as client:
            assert [await get(client), await get(client.with_options(timeout=5)), await get(client)] == ["token-1"] * 3
    assert len(asked(server)) == 1


async def test_a_crowd_gets_one_token_and_one_more_after_a_401(face: Face) -> None:
    authority = Authority()
    with ScriptedServer(authority, patience=20) as server:
        async with face.s9s(server.url, **WHO) as client:
            assert await crowd(face, 50, lambda: get(client)) == ["token-1"] * 50
            authority.revoked.add("token-1")
            assert await crowd(face, 50, lambda: get(client)) == ["token-2"] * 50
    assert len(asked(server)) == 2


async def test_a_failure_is_told_to_the_crowd_and_the_next_call_asks_anew(face: Face) -> None:
    refusal = Json(503, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "later"}})
    authority = Authority(*[refusal] * 20)
    with ScriptedServer(authority, patience=20) as server:
        async with face.s9s(server.url, max_retries=0, **WHO) as client:
            came_to = await crowd(face, 20, lambda: get(client))
            assert {type(error) for error in came_to} == {ServerError}
            assert all(str(error).startswith("503 SERVICE_UNAVAILABLE: no access token: later") for error in came_to)
            assert all(error.path == "/oauth/token" for error in came_to)
            authority.script.clear()
            assert await get(client) == "token-1"
    assert {request.target for request in server.requests[:-1]} == {"/oauth/token"}


@pytest.mark.parametrize(("life", "due"), [(3600, 3540.0), (60, 48.0), (400, 340.0), (300, 240.0), (10, 8.0)])
async def test_the_next_token_is_asked_for_ahead_of_the_end(
    face: Face, life: int, due: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Token] = []
    usual = Token.__init__

    def remember(self: Token, *args: Any) -> None:
        usual(self, *args)
        made.append(self)

    monkeypatch.setattr(Token, "__init__", remember)
    with ScriptedServer(Authority(expires_in=life)) as server:
        async with face.s9s(server.url, **WHO) as client:
            before = time.monotonic()
            await get(client)
            after = time.monotonic()
    (token,) = made
    assert token.due is not None
    assert token.ends is not None
    assert before <= token.due - due <= after
    assert before <= token.ends - life <= after


async def test_a_token_that_is_due_is_renewed(face: Face) -> None:
    with ScriptedServer(Authority(expires_in=1e-6)) as server:
        async with face.s9s(server.url, **WHO) as client:
            assert [await get(client), await get(client)] == ["token-1", "token-2"]


@pytest.mark.parametrize("life", [None, "soon", -5, 0, True, [3600]])
async def test_without_a_sensible_life_it_is_used_until_it_is_refused(face: Face, life: Any) -> None:
    with ScriptedServer(Authority(expires_in=life)) as server:
        async with face.s9s(server.url, **WHO) as client:
            assert [await get(client), await get(client)] == ["token-1"] * 2


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_client_is_an_authentication_error_at_once(face: Face, status: int) -> None:
    said = {"error": "invalid_client", "error_description": "no such client"}
    with ScriptedServer([Json(status, said)]) as server:
        async with face.s9s(server.url, **WHO) as client:
            with pytest.raises(AuthenticationError) as caught:
                await get(client)
    error = caught.value
    assert (error.status_code, error.code, error.method, error.path) == (
        status,
        "invalid_client",
        "POST",
        "/oauth/token",
    )
    assert error.message == "no access token: no such client"
    assert len(error.attempts) == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Json(200, {"token_type": "Bearer"}), "no access_token"),
        (Json(200, {"access_token": "", "token_type": "Bearer"}), "no access_token"),
        (Json(200, {"access_token": "a\nb"}), "no access_token that a header can carry"),
        (Json(200, {"access_token": "a", "token_type": "mac"}), "another type than Bearer"),
        (Reply(200, b"<html>"), "no access_token"),
        (Json(200, ["access_token"]), "no access_token"),
    ],
)
async def test_an_answer_without_a_token_is_an_error(face: Face, answer: Step, says: str) -> None:
    with ScriptedServer([answer]) as server:
        async with face.s9s(server.url, **WHO) as client:
            with pytest.raises(VantageAPIError, match=says) as caught:
                await get(client)
    assert caught.value.code == "invalid_response"


async def test_a_passing_failure_is_an_attempt_of_the_call(face: Face) -> None:
    passing = [Json(500, {"error": "no"}), CutAt(30, Json(200, {})), Json(503, {"error": "no"})]
    authority = Authority(*passing)
    with ScriptedServer(authority) as server, instant_retries() as pauses:
        async with face.s9s(server.url, **WHO) as client:
            answer = await client.request("POST", "/jobs", json={"script": "x"})
    assert answer.data == {"shown": "token-1"}
    assert [attempt.number for attempt in answer.attempts] == [1, 2, 3]
    assert len(pauses) == 3
    assert [request.target for request in server.requests] == ["/oauth/token"] * 4 + ["/v1/jobs"]


async def test_a_failure_to_get_a_token_leaves_no_doubt_about_a_submission(face: Face) -> None:
    with ScriptedServer(lambda request, _: CutAt(30, Json(200, {}))) as server, instant_retries():
        async with face.s9s(server.url, max_retries=1, **WHO) as client:
            with pytest.raises(VantageConnectionError) as caught:
                await client.request("POST", "/jobs", json={"script": "x"})
    assert not isinstance(caught.value, SubmitOutcomeUnknown)
    assert len(caught.value.attempts) == 2


async def test_a_server_that_gives_no_more_tokens_says_how_long_to_wait(face: Face) -> None:
    authority = Authority(Json(429, {"error": "slow_down"}, {"Retry-After": "7"}))
    with ScriptedServer(authority) as server, instant_retries() as pauses:
        async with face.s9s(server.url, **WHO) as client:
            assert await get(client) == "token-1"
            authority.given.clear()
            authority.script = [Json(429, {"error": "slow_down"}, {"Retry-After": "7000"})]
            with pytest.raises(RateLimitError) as caught:
                await get(client)
    assert len(pauses) == 1
    assert 7 <= pauses[0] < 8
    assert caught.value.retry_after == 7000


async def test_a_request_for_a_token_keeps_to_the_deadline_of_its_call(face: Face) -> None:
    release = threading.Event()
    authority = Authority()

    def script(request: Request, connection: int) -> Step:
        if request.number == 0:
            release.wait(60)
        return authority(request, connection)

    with ScriptedServer(script, patience=20) as server:
        async with face.s9s(server.url, **WHO) as client:
            with pytest.raises(DeadlineExceeded):
                await get(client, deadline=0.1)
            release.set()
            assert await get(client) in ("token-1", "token-2")


async def test_a_redirect_never_takes_the_secret_along(face: Face) -> None:
    with ScriptedServer([]) as elsewhere, ScriptedServer([Redirect(307, f"{elsewhere.url}/oauth/token")]) as server:
        async with face.s9s(server.url, **WHO) as client:
            with pytest.raises(VantageAPIError, match="is not followed"):
                await get(client)
    assert elsewhere.requests == []


@pytest.mark.parametrize("kind", [S9SClient, AsyncS9SClient])
def test_settings_are_shown_masked(kind: type[Any]) -> None:
    client = kind("https://s9s.example", client_id=ID, client_secret="secret-0123456789-abcdef")
    text = client.config.explain()
    assert ID in text
    assert "0123456789" not in text + repr(client.config) + repr(client)
    assert client.config.token is client.config.api_key is None
