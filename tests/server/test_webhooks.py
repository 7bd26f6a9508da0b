"""Webhook subscriptions over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer

HOOK = {"url": "https://example.com/hook", "events": ["job.completed"], "active": False}


def test_the_documented_one_is_there_and_sends_nothing(client: httpx.Client) -> None:
    page = client.get("/v1/webhooks").json()
    assert page["webhooks"] == [
        {
            "id": "wh_123",
            "url": "https://example.com/hook",
            "events": ["job.completed"],
            "active": False,
            "created_at": "2024-01-14T10:35:00Z",
            "updated_at": "2024-01-14T10:35:00Z",
        }
    ]
    assert (page["total"], page["page"], page["per_page"]) == (1, 1, 50)


def test_the_empty_world_has_none(make_server: Callable[..., MockServer], make_client: Callable[..., Any]) -> None:
    assert make_client(make_server(world="empty")).get("/v1/webhooks").json()["total"] == 0


def test_create_update_delete(server: MockServer, client: httpx.Client) -> None:
    made = client.post("/v1/webhooks", json={**HOOK, "secret": "s3cret"})
    assert made.status_code == 201
    webhook = made.json()
    assert webhook.keys() == {"id", "url", "events", "active", "created_at", "updated_at"}
    server.advance(60)
    changed = client.patch(f"/v1/webhooks/{webhook['id']}", json={"events": ["job.failed", "cluster.scaled"]}).json()
    assert changed == {**webhook, "events": ["job.failed", "cluster.scaled"], "updated_at": "2024-01-15T10:36:00Z"}
    changed = client.patch(f"/v1/webhooks/{webhook['id']}", json={"url": "http://[::1]:8080"}).json()
    assert changed["url"] == "http://[::1]:8080"
    assert "s3cret" not in client.get("/v1/webhooks").text
    assert client.delete(f"/v1/webhooks/{webhook['id']}").status_code == 204
    assert client.delete(f"/v1/webhooks/{webhook['id']}").status_code == 404


def test_a_new_one_is_active(client: httpx.Client) -> None:
    made = client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9", "events": ["job.created"]}).json()
    assert made["active"]


def test_a_secret_is_shown_nowhere(server: MockServer, client: httpx.Client) -> None:
    secret = "very-secret-indeed"
    made = client.post("/v1/webhooks", json={**HOOK, "secret": secret}).json()
    client.patch(f"/v1/webhooks/{made['id']}", json={"secret": "another-one"})
    webhook = server.app.state.webhooks.get(made["id"])
    assert webhook.secrets(server.now()) == ["another-one", secret]
    for text in (repr(webhook), client.get("/_mock/journal").text, client.get("/v1/webhooks").text):
        assert secret not in text
        assert "another-one" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ftp://example.com/"},
        {"url": "example.com"},
        {"url": "http://"},
        {"url": "http://user:pw@example.com/"},
        {"url": "http://example.com:65536/"},
        {"url": "http://example.com:0/"},
        {"url": "http://example.com/a b"},
        {"url": "http://example.com/\n"},
        {"url": "http://example.com/" + "x" * 2048},
        {"url": None},
        {"events": []},
        {"events": ["job.exploded"]},
        {"events": ["job.created", "job.created"]},
        {"events": "job.created"},
        {"events": None},
        {"secret": ""},
        {"secret": "whsec_"},
        {"secret": "s" * 257},
        {"secret": 5},
        {"secret": None},
        {"active": "yes"},
        {"active": None},
        {"name": "hook"},
    ],
)
def test_what_is_no_webhook_changes_nothing(client: httpx.Client, change: dict[str, Any]) -> None:
    made = client.post("/v1/webhooks", json=HOOK).json()
    before = client.get("/v1/webhooks").json()
    # Together with a change that would be fine.
    for response in (
        client.post("/v1/webhooks", json={**HOOK, **change}),
        client.patch(f"/v1/webhooks/{made['id']}", json={"events": ["job.failed"], "active": True, **change}),
    ):
        assert response.status_code == 400
        assert response.json()["details"]["field"].partition(".")[0] == next(iter(change))
    assert client.get("/v1/webhooks").json() == before


@pytest.mark.parametrize("body", [{}, {"url": HOOK["url"]}, {"events": HOOK["events"]}, []])
def test_url_and_events_are_required(client: httpx.Client, body: Any) -> None:
    assert client.post("/v1/webhooks", json=body).status_code == 400
    assert client.patch("/v1/webhooks/wh_123", json={}).status_code == 400


def test_an_unknown_one_is_not_found(client: httpx.Client) -> None:
    for response in (client.patch("/v1/webhooks/wh_1", json={"active": True}), client.delete("/v1/webhooks/wh_1")):
        assert (response.status_code, response.json()["details"]) == (404, {"resource": "webhook", "id": "wh_1"})


def test_the_list_is_filtered_sorted_and_paged(server: MockServer, client: httpx.Client) -> None:
    made = []
    for name in "cab":
        server.advance(60)
        made.append(client.post("/v1/webhooks", json={**HOOK, "url": f"http://{name}.example"}).json()["id"])

    def found(query: str) -> list[str]:
        return [webhook["id"] for webhook in client.get(f"/v1/webhooks?{query}").json()["webhooks"]]

    assert found("") == [*made[::-1], "wh_123"]
    assert found("sort=name") == [made[1], made[2], made[0], "wh_123"]
    assert found("limit=2&page=2") == [made[0], "wh_123"]
    assert found("created_after=2024-01-15T10:36:00Z") == [made[2], made[1]]
    client.patch("/v1/webhooks/wh_123", json={"active": False})
    assert found("updated_after=2024-01-15T10:37:00Z&sort=name") == [made[2], "wh_123"]


def test_a_repeated_key_subscribes_once(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    first = client.post("/v1/webhooks", json=HOOK, headers=key)
    assert client.post("/v1/webhooks", json=HOOK, headers=key).json() == first.json()
    assert client.get("/v1/webhooks").json()["total"] == 2
    other = client.post("/v1/webhooks", json={**HOOK, "secret": "s3cret"}, headers=key)
    assert (other.status_code, other.json()["details"]["code"]) == (409, "idempotency_key_reused")


def test_a_key_that_may_only_read_changes_nothing(server: MockServer, make_client: Callable[..., Any]) -> None:
    reader = make_client(server, key="read-only-key")
    assert reader.post("/v1/webhooks", json=HOOK).status_code == 403
    assert reader.patch("/v1/webhooks/wh_123", json={"active": True}).status_code == 403
    assert reader.delete("/v1/webhooks/wh_123").status_code == 403
    assert not reader.get("/v1/webhooks").json()["webhooks"][0]["active"]
