"""Tokens, API keys and anonymous callers of S9S, and their budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from mock_server.auth import Credential

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTED = ("YOUR_TOKEN", "YOUR_API_KEY", "ACCESS_TOKEN", "TOKEN", "your_token_here", "test_token_123")
RATES = ("Limit", "Remaining", "Reset", "Window")


def ask(server: MockServer, **headers: str) -> httpx.Response:
    return httpx.get(
        f"{server.s9s_url}/v1/status", headers={key.replace("_", "-"): text for key, text in headers.items()}
    )


def rates(answer: httpx.Response) -> list[str | None]:
    return [answer.headers.get(f"X-RateLimit-{name}") for name in RATES]


@pytest.mark.parametrize("token", DOCUMENTED)
def test_the_documented_tokens_are_known_in_both_headers(server: MockServer, token: str) -> None:
    assert ask(server, Authorization=f"Bearer {token}").status_code == 200
    assert ask(server, X_API_Key=token).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic WU9VUl9UT0tFTjo="},
        {"Authorization": "Bearer"},
        {"X_API_Key": "wrong"},
        {"X_API_Key": ""},
        {"X_API_Key": "YOUR_API_KEY", "Authorization": "Bearer wrong"},
        {"Cookie": "YOUR_TOKEN"},
    ],
)
def test_everything_else_is_refused(server: MockServer, headers: dict[str, str]) -> None:
    answer = ask(server, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AUTHENTICATION_FAILED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_of_the_platform_is_none_of_this_family_and_the_reverse(server: MockServer) -> None:
    assert ask(server, Authorization="Bearer your-key").status_code == 401
    assert httpx.get(f"{server.url}/v1/jobs", headers={"Authorization": "Bearer YOUR_TOKEN"}).status_code == 401
    assert httpx.get(f"{server.url}/v1/jobs", headers={"X-API-Key": "YOUR_API_KEY"}).status_code == 401


def test_a_token_that_may_only_read_is_refused_to_write(s9s: httpx.Client) -> None:
    headers = {"Authorization": "Bearer read-only-token"}
    assert s9s.get("/v1/jobs", headers=headers).status_code == 200
    answer = s9s.put("/v1/nodes/node001/resume", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")


def test_anonymous_callers_come_in_only_where_they_may(make_server: Callable[..., MockServer]) -> None:
    server = make_server(anonymous_s9s=True)
    assert ask(server).status_code == 200
    assert ask(server, Authorization="Bearer wrong").status_code == 401
    assert httpx.get(f"{server.url}/v1/jobs").status_code == 401


def test_the_budget_is_told_with_its_window(server: MockServer) -> None:
    assert rates(ask(server, X_API_Key="YOUR_API_KEY")) == ["1000", "999", "1705318500", "3600"]
    assert rates(ask(server, Authorization="Bearer YOUR_API_KEY")) == ["1000", "998", "1705318500", "3600"]
    assert rates(ask(server, Authorization="Bearer TOKEN"))[1] == "999"


def test_who_uses_it_up_is_told_when_to_come_back(make_server: Callable[..., MockServer]) -> None:
    server = make_server(anonymous_s9s=True)
    with httpx.Client(base_url=server.s9s_url) as client:
        for _ in range(1000):
            assert client.get("/v1/status").status_code == 200
        answer = client.get("/v1/status")
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert answer.headers["Retry-After"] == "3600"
        assert answer.json()["error"]["details"] == {"limit": 1000, "retry_after": 3600}
        assert client.get("/v1/status", headers={"X-API-Key": "YOUR_API_KEY"}).status_code == 200
        server.advance(3600)
        assert client.get("/v1/status").status_code == 200


def test_other_tiers_have_other_budgets(make_server: Callable[..., MockServer]) -> None:
    server = make_server(api_keys=[Credential("p", tier="pro"), Credential("e", tier="enterprise"), "f"])
    assert rates(ask(server, X_API_Key="p"))[:2] == ["10000", "9999"]
    assert rates(ask(server, X_API_Key="f"))[:2] == ["1000", "999"]
    assert rates(ask(server, X_API_Key="e")) == [None, None, None, None]
    platform = httpx.get(f"{server.url}/v1/jobs", headers={"Authorization": "Bearer e"})
    assert rates(platform) == ["1000", "999", "1705318500", None]


def test_nothing_secret_is_in_the_journal(server: MockServer) -> None:
    ask(server, X_API_Key="YOUR_API_KEY")
    ask(server, X_API_Key="sesame")
    assert "YOUR_API_KEY" not in str(server.journal)
    assert "sesame" not in str(server.journal)
