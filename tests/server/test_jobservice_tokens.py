"""Tokens of the job service: which ones are believed, and what they allow."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from mock_server import Credential, MockServer
from mock_server.jobservice import tokens

JOBS = "/api/v1/jobs/"
SECRET = "a secret that is known to the tests alone"
AUDIENCE, ISSUER = "job-service", "https://login.example.com/"
NOW = 1705314900  # where the manual clock begins

Ask = Callable[..., httpx.Response]


def signed(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **claims: Any) -> str:
    """Return a token for user_7, as somebody else would make it."""
    return jwt.encode({"sub": "user_7", **claims}, key, algorithm, headers=None if kid is None else {"kid": kid})


def forged(header: dict[str, Any], payload: str, secret: bytes = b"") -> str:
    """Return a token with any header at all, signed with HMAC if there is a secret."""
    content = b".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(header).encode(), payload.encode())
    )
    signature = hmac.digest(secret, content, "sha256") if secret else b""
    return (content + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(jwt_secret=SECRET)


@pytest.fixture
def ask(make_client: Callable[..., httpx.Client]) -> Ask:
    """Ask a server for its jobs with a token."""
    return lambda server, token, path=JOBS: make_client(server, key=token).get(path)


def refused(answer: httpx.Response, message: str, status: int = 401) -> None:
    error = answer.json()["error"]
    assert answer.status_code == status
    assert error["code"] == {401: "UNAUTHORIZED", 403: "FORBIDDEN"}[status]
    assert message in error["message"]
    assert error["request_id"] == answer.headers["X-Request-ID"]


def test_the_printed_placeholder_is_a_token(server: MockServer, ask: Ask) -> None:
    assert ask(server, "<token>").status_code == 200
    for other in ("token", "YOUR_API_KEY", "your_token_here"):
        refused(ask(server, other), "cannot be read")


def test_a_token_of_the_secret(server: MockServer, ask: Ask) -> None:
    assert ask(server, signed()).status_code == 200
    refused(ask(server, signed("another secret that nobody told the server")), "signature")
    assert ask(server, signed()[:-2]).status_code == 401


def test_the_scheme_is_bearer(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    client = make_client(server, key=None)
    refused(client.get(JOBS), "No credentials")
    refused(client.get(JOBS, headers={"Authorization": f"Basic {signed()}"}), "Bearer")
    assert client.get(JOBS, headers={"Authorization": f"bearer {signed()}"}).status_code == 200


def test_a_refusal_says_what_scheme_is_wanted(server: MockServer, ask: Ask) -> None:
    assert ask(server, signed(exp=NOW)).headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert ask(server, None).headers["WWW-Authenticate"] == "Bearer"


def test_times_are_those_of_the_servers_clock(server: MockServer, ask: Ask) -> None:
    begins = signed(nbf=NOW + 10, exp=NOW + 20)
    refused(ask(server, begins), "not valid yet")
    server.advance(10)
    assert ask(server, begins).status_code == 200
    server.advance(9.5)
    assert ask(server, begins).status_code == 200
    server.advance(0.5)
    refused(ask(server, begins), "expired")


def test_clocks_may_differ_by_the_leeway(make_server: Callable[..., MockServer], ask: Ask) -> None:
    server = make_server(jwt_secret=SECRET, jwt_leeway=5)
    assert ask(server, signed(exp=NOW - 4, nbf=NOW + 5)).status_code == 200
    refused(ask(server, signed(exp=NOW - 5)), "expired")
    refused(ask(server, signed(nbf=NOW + 6)), "not valid yet")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ('{"sub": "a", "exp": "later"}', "exp of the token is not a time"),
        ('{"sub": "a", "exp": true}', "exp of the token is not a time"),
        ('{"sub": "a", "exp": NaN}', "exp of the token is not a time"),
        ('{"sub": "a", "exp": 1e999}', "exp of the token is not a time"),
        ('{"sub": "a", "nbf": [1]}', "nbf of the token is not a time"),
        ('{"sub": "a", "nbf": 1%s}' % ("0" * 400), "not valid yet"),
        ("{}", "lacks the claim sub"),
        ('{"sub": 7}', "cannot be read"),
        ('{"sub": ""}', "names no user"),
        ('{"sub": "%s"}' % ("a" * 256), "names no user"),
        ('{"sub": "a\\nb"}', "names no user"),
        ('{"sub": "\\ud800"}', "names no user"),
        ("[]", "cannot be read"),
        ("[" * 20_000, "cannot be read"),
    ],
)
def test_claims_that_mean_nothing(server: MockServer, ask: Ask, payload: str, message: str) -> None:
    token = jwt.api_jws.encode(payload.encode(), SECRET, "HS256")
    refused(ask(server, token), message)


def test_a_time_may_be_very_large(server: MockServer, ask: Ask) -> None:
    assert ask(server, signed(exp=10**400, iat=NOW + 5)).status_code == 200


def test_audience_and_issuer(make_server: Callable[..., MockServer], ask: Ask) -> None:
    server = make_server(jwt_secret=SECRET, jwt_audience=AUDIENCE, jwt_issuer=ISSUER)
    assert ask(server, signed(aud=AUDIENCE, iss=ISSUER)).status_code == 200
    assert ask(server, signed(aud=["other", AUDIENCE], iss=ISSUER)).status_code == 200
    refused(ask(server, signed(aud="other", iss=ISSUER)), "another audience")
    refused(ask(server, signed(aud=AUDIENCE, iss="other")), "another issuer")
    refused(ask(server, signed(iss=ISSUER)), "lacks the claim aud")
    refused(ask(server, signed(aud=AUDIENCE)), "lacks the claim iss")
    assert ask(server, server.token()).status_code == 200
    refused(ask(server, server.token(aud="other")), "another audience")


def test_a_server_without_an_audience_takes_tokens_for_any(server: MockServer, ask: Ask) -> None:
    assert ask(server, signed(aud="other", iss="other")).status_code == 200


def test_an_unsigned_token_is_none(server: MockServer, ask: Ask) -> None:
    for algorithm in ("none", "None", "HS512"):
        header = {"alg": algorithm, "typ": "JWT"}
        refused(ask(server, forged(header, '{"sub": "user_7"}')), "")
    refused(ask(server, jwt.encode({"sub": "user_7"}, SECRET * 2, "HS512")), "signature")
    refused(ask(server, forged({"alg": "HS256"}, '{"sub": "user_7"}')), "signature")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MockServer(jwt_secret="short")
    with pytest.raises(ValueError, match="leeway"):
        MockServer(jwt_leeway=-1)


def test_secrets_are_not_shown() -> None:
    server = MockServer(jwt_secret=SECRET)
    assert SECRET not in repr(server.app.settings)
    assert SECRET not in repr(tokens.JwtPolicy(SECRET.encode()))


# What the server signs itself


def test_the_server_makes_tokens(make_server: Callable[..., MockServer], ask: Ask) -> None:
    server, other = make_server(), make_server()
    token = server.token("alice", lifetime=60)
    assert ask(server, token).status_code == 200
    refused(ask(other, token), "signature")
    server.advance(60)
    refused(ask(server, token), "expired")
    for_ever = server.token(lifetime=None)
    server.advance(1e8)
    assert ask(server, for_ever).status_code == 200
    with pytest.raises(ValueError, match="no token can have these claims"):
        server.token(iss=5)


def test_a_reset_keeps_the_secret(make_server: Callable[..., MockServer], ask: Ask) -> None:
    server = make_server()
    token = server.token()
    server.reset()
    assert ask(server, token).status_code == 200


# What a token allows


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 404),
        ({"scope": "openid profile"}, 404),
        ({"scope": "jobs:read"}, 403),
        ({"scope": "openid jobs:read"}, 403),
        ({"scope": "jobs:read jobs:write"}, 404),
        ({"scp": ["jobs:read"]}, 403),
        ({"scp": ["jobs:write"]}, 404),
        ({"scope": 7, "scp": [7, "jobs:read"]}, 403),
    ],
)
def test_scopes_may_forbid_changes(
    server: MockServer, make_client: Callable[..., httpx.Client], claims: dict[str, Any], status: int
) -> None:
    client = make_client(server, key=server.token(**claims))
    assert client.get(JOBS).status_code == 200
    answer = client.delete(JOBS + "nothing")
    assert answer.status_code == status
    if status == 403:
        refused(answer, "may only read", 403)


def test_keys_given_to_the_server(make_server: Callable[..., MockServer], make_client: Callable[..., Any]) -> None:
    server = make_server(api_keys=["plain", Credential("weak", can_write=False)])
    assert make_client(server, key="plain").get(JOBS).status_code == 200
    refused(make_client(server, key="weak").delete(JOBS + "nothing"), "may only read", 403)


def test_a_user_has_one_budget_with_all_tokens(server: MockServer, ask: Ask) -> None:
    left = [ask(server, token).headers["X-RateLimit-Remaining"] for token in (signed(), signed(exp=NOW + 9))]
    assert left == ["299", "298"]
    assert ask(server, server.token("alice")).headers["X-RateLimit-Remaining"] == "299"


# For those who are not in this process


def test_the_control_api_makes_tokens(server: MockServer, ask: Ask) -> None:
    control = httpx.Client(base_url=f"{server.url}/_mock", trust_env=False)
    made = control.post("/token", json={"sub": "alice", "lifetime": 60, "claims": {"scope": "jobs:read"}}).json()
    assert ask(server, made["token"]).status_code == 200
    assert jwt.decode(made["token"], options={"verify_signature": False}) == {
        "sub": "alice",
        "scope": "jobs:read",
        "iat": NOW,
        "exp": NOW + 60,
    }
    assert control.post("/token", json={}).status_code == 200
    for wrong in ({"sub": 5}, {"lifetime": "x"}, {"other": 1}, {"claims": {"iss": 5}}):
        assert control.post("/token", json=wrong).status_code == 400
    control.close()
