"""Idempotency keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.errors import ApiError
from mock_server.idempotency import CAPACITY, Entry, IdempotencyStore

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = {"name": "n", "command": "true"}
KEY = {"Idempotency-Key": "key-1"}


def total(client: httpx.Client) -> int:
    count: int = client.get("/v1/jobs").json()["total"]
    return count


def test_a_repeated_request_gets_the_same_answer_and_makes_nothing_new(
    server: MockServer, client: httpx.Client
) -> None:
    first = client.post("/v1/jobs", json=BODY, headers=KEY)
    before = total(client)
    server.advance(60)
    second = client.post("/v1/jobs", json=BODY, headers=KEY)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert total(client) == before
    assert [record.replayed for record in server.journal if record.idempotency_key] == [False, True]


def test_without_a_key_every_request_counts(client: httpx.Client) -> None:
    assert client.post("/v1/jobs", json=BODY).json()["id"] != client.post("/v1/jobs", json=BODY).json()["id"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/jobs", {**BODY, "name": "other"}),
        ("POST", "/v1/clusters/cluster_abc/scale", BODY),
        ("PATCH", "/v1/jobs/job_123", BODY),
    ],
)
def test_a_key_belongs_to_one_request(client: httpx.Client, method: str, path: str, body: dict[str, Any]) -> None:
    client.post("/v1/jobs", json=BODY, headers=KEY)
    sent = {"name": "n"} if method == "PATCH" else {"nodes": 4} if path.endswith("scale") else body
    response = client.request(method, path, json=sent, headers=KEY)
    assert response.status_code == 409
    assert response.json()["error"] == "resource_conflict"
    assert response.json()["details"]["code"] == "idempotency_key_reused"


def test_keys_are_kept_for_a_day(server: MockServer, client: httpx.Client) -> None:
    first = client.post("/v1/jobs", json=BODY, headers=KEY).json()
    server.advance(24 * 3600 - 1)
    assert client.post("/v1/jobs", json=BODY, headers=KEY).json() == first
    server.advance(1)
    assert client.post("/v1/jobs", json={**BODY, "name": "other"}, headers=KEY).json()["id"] != first["id"]


def test_keys_belong_to_a_credential(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    first, second = make_client(server), make_client(server, key="your-key")
    job = first.post("/v1/jobs", json=BODY, headers=KEY).json()
    assert second.post("/v1/jobs", json=BODY, headers=KEY).json()["id"] != job["id"]


@pytest.mark.parametrize("refused", [{"name": "n"}, {**BODY, "cluster_id": "unheard-of"}])
def test_a_refusal_does_not_use_a_key_up(client: httpx.Client, refused: dict[str, Any]) -> None:
    assert client.post("/v1/jobs", json=refused, headers=KEY).status_code in (400, 404)
    assert client.post("/v1/jobs", json=BODY, headers=KEY).status_code == 201


def test_a_planned_failure_before_the_work_does_not_use_a_key_up(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("POST /v1/jobs: 503")
    client.event_hooks = {"response": []}
    assert client.post("/v1/jobs", json=BODY, headers=KEY).status_code == 503
    again = client.post("/v1/jobs", json=BODY, headers=KEY)
    assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, False)


def test_a_lost_answer_is_given_again(server: MockServer, client: httpx.Client) -> None:
    server.faults.set("POST /v1/jobs: reset-after")
    with pytest.raises(httpx.ReadError):
        client.post("/v1/jobs", json=BODY, headers=KEY)
    before = total(client)
    again = client.post("/v1/jobs", json=BODY, headers=KEY)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert total(client) == before


def test_updates_honour_keys(client: httpx.Client) -> None:
    first = client.patch("/v1/jobs/job_123", json={"name": "renamed"}, headers=KEY)
    client.patch("/v1/jobs/job_123", json={"name": "again"})
    assert client.patch("/v1/jobs/job_123", json={"name": "renamed"}, headers=KEY).content == first.content
    assert client.get("/v1/jobs/job_123").json()["name"] == "again"


def test_a_key_in_use_is_refused() -> None:
    server = MockServer(clock="manual", faults="POST /v1/jobs: delay=0.05")
    headers = {"Authorization": "Bearer YOUR_API_KEY", **KEY}

    async def both() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://test") as client:
            posts = (client.post("/v1/jobs", json=BODY, headers=headers) for _ in range(2))
            return list(await asyncio.gather(*posts))

    done, refused = sorted(asyncio.run(both()), key=lambda response: response.status_code)
    assert (done.status_code, refused.status_code) == (201, 409)
    assert refused.json()["details"]["code"] == "idempotency_in_progress"
    assert refused.headers["Retry-After"] == "1"


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ä"])
def test_unusable_keys_are_refused(client: httpx.Client, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    response = client.post("/v1/jobs", json=BODY, headers=headers)
    assert response.status_code == 400
    assert response.json()["details"]["field"] == "Idempotency-Key"


def test_every_answer_says_that_keys_are_honoured(client: httpx.Client) -> None:
    for response in (client.get("/v1/jobs"), client.get("/v1/nothing"), client.post("/v1/jobs", json={})):
        assert response.headers["X-Idempotency-Supported"] == "true"


def test_a_server_that_rejects_repetitions(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    client = make_client(make_server(idempotency="reject"))
    job = client.post("/v1/jobs", json=BODY, headers=KEY).json()
    again = client.post("/v1/jobs", json=BODY, headers=KEY)
    assert again.status_code == 409
    assert again.json()["details"]["code"] == "idempotency_key_reused"
    assert client.get("/v1/jobs?idempotency_key=key-1").json()["jobs"][0]["id"] == job["id"]


def test_a_server_that_never_heard_of_keys(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    client = make_client(make_server(idempotency="ignore"))
    first, second = (client.post("/v1/jobs", json=BODY, headers=KEY) for _ in range(2))
    assert first.json()["id"] != second.json()["id"]
    assert "idempotency_key" not in first.json()
    assert "X-Idempotency-Supported" not in first.headers
    refused = client.get("/v1/jobs?idempotency_key=key-1")
    assert (refused.status_code, refused.json()["details"]["code"]) == (400, "unknown_field")


def test_keys_do_not_pile_up() -> None:
    time = MockServer(clock="manual").app.state.time
    store = IdempotencyStore(time, reject=False)
    claims = [store.claim("me", str(number), b"f") for number in range(CAPACITY + 1)]
    assert all(isinstance(claim, Entry) for claim in claims)
    evicted, again = claims[0], store.claim("me", "0", b"another")
    assert isinstance(evicted, Entry)
    assert isinstance(again, Entry)
    store.release("me", "0", evicted)
    with pytest.raises(ApiError, match="in progress"):
        store.claim("me", "0", b"another")
    time.advance(25 * 3600)
    assert isinstance(store.claim("me", str(CAPACITY), b"another"), Entry)


def test_the_order_of_fields_makes_no_other_request(client: httpx.Client) -> None:
    first = client.post("/v1/jobs", json=BODY, headers=KEY)
    again = client.post("/v1/jobs", json=dict(reversed(BODY.items())), headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
