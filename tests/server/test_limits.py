"""Request budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server import MockServer
from mock_server.limits import MAX_WINDOWS, RateLimiter
from mock_server.platform.dialect import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

POLICY = PLATFORM.rate


def exhaust(server: MockServer, key: str = "YOUR_API_KEY") -> None:
    """Use up all but one request of a key without sending them."""
    window = server.app.state.limits.count("platform", f"key {key}", POLICY)
    window.used = POLICY.limit - 1


def test_every_answer_tells_what_is_left(client: httpx.Client) -> None:
    first, second = client.get("/v1/jobs"), client.get("/v1/nothing")
    assert first.headers["X-RateLimit-Limit"] == "1000"
    assert (first.headers["X-RateLimit-Remaining"], second.headers["X-RateLimit-Remaining"]) == ("999", "998")
    assert first.headers["X-RateLimit-Reset"] == second.headers["X-RateLimit-Reset"] == "1705318500"


def test_the_budget_ends_and_comes_back(server: MockServer, client: httpx.Client) -> None:
    exhaust(server)
    assert client.get("/v1/jobs").headers["X-RateLimit-Remaining"] == "0"
    refused = client.get("/v1/jobs")
    assert refused.status_code == 429
    assert refused.json()["error"] == "rate_limit_exceeded"
    assert refused.headers["Retry-After"] == "3600"
    server.advance(3599.5)
    assert client.get("/v1/jobs").headers["Retry-After"] == "1"
    server.advance(0.5)
    assert client.get("/v1/jobs").headers["X-RateLimit-Remaining"] == "999"


def test_the_wait_is_in_the_callers_seconds(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(clock="x3600")
    exhaust(server)
    client = make_client(server)
    client.get("/v1/jobs")
    assert client.get("/v1/jobs").headers["Retry-After"] == "1"


def test_each_key_has_its_own_budget(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    exhaust(server)
    client = make_client(server)
    client.get("/v1/jobs")
    assert client.get("/v1/jobs").status_code == 429
    assert make_client(server, key="your-key").get("/v1/jobs").status_code == 200


def test_wrong_keys_are_counted_by_address(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    headers = [make_client(server, key=key).get("/v1/jobs").headers for key in ("one", "two", None)]
    assert [each["X-RateLimit-Remaining"] for each in headers] == ["999", "998", "997"]
    server.app.state.limits.count("platform", "address 127.0.0.1", POLICY).used = POLICY.limit
    assert make_client(server, key="three").get("/v1/jobs").status_code == 429


def test_limits_can_be_switched_off(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(rate_limits=False)
    exhaust(server)
    client = make_client(server)
    assert [client.get("/v1/jobs").status_code for _ in range(3)] == [200, 200, 200]
    assert client.get("/v1/jobs").headers["X-RateLimit-Remaining"] == "0"


def test_windows_do_not_pile_up() -> None:
    server = MockServer(clock="manual")
    time = server.app.state.time
    limiter = RateLimiter(time, enforced=True)
    for number in range(MAX_WINDOWS):
        limiter.count("platform", f"key {number}", POLICY)
    kept = limiter.count("platform", "key 1", POLICY)
    limiter.count("platform", "another", POLICY)
    assert limiter.count("platform", "key 1", POLICY) is kept
    assert limiter.count("platform", "key 0", POLICY).used == 1
    time.advance(POLICY.window)
    limiter.count("platform", "yet another", POLICY)
    assert limiter.count("platform", "key 1", POLICY) is not kept
