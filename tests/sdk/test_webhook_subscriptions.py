"""Subscriptions to events: what is sent, what comes back, what is refused, and that none is made twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.answers import fault
from tests.support.faces import Face
from tests.support.platform_samples import WEBHOOK
from tests.support.scripted import CutAt, Json, Reply, ScriptedServer
from vantage_sdk import ResourceNotFoundError, SubmitOutcomeUnknown, Webhook, WebhookSubscription
from vantage_sdk.testing import instant_retries

URL = "https://example.com/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_create_is_a_typed_subscription(face: Face) -> None:
    with ScriptedServer([Json(201, WEBHOOK), Json(201, {**WEBHOOK, "secret": SECRET})]) as server:
        async with face.client(server.url) as client:
            made = await client.webhooks.create(URL, ["job.completed"], secret=SECRET, active=True)
            shown = await client.webhooks.create(URL, ["job.completed"], idempotency_key="key-1")
    assert [(request.method, request.path) for request in server.requests] == [("POST", "/v1/webhooks")] * 2
    assert [json.loads(request.body) for request in server.requests] == [
        {"url": URL, "events": ["job.completed"], "secret": SECRET, "active": True},
        {"url": URL, "events": ["job.completed"]},
    ]
    assert server.requests[1].header("idempotency-key") == "key-1"
    assert isinstance(made, WebhookSubscription)
    assert (made.url, made.events, made.active, made.secret) == (URL, ["job.completed"], True, None)
    assert made.created_at == datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    assert (made.to_dict(), made.extra) == (WEBHOOK, {})
    assert shown.secret == SECRET
    assert SECRET not in f"{shown!r}{shown}{shown._repr_html_()}"


async def test_update_sends_what_is_given(face: Face) -> None:
    changes: list[dict[str, Any]] = [
        {"active": False},
        {"url": "http://127.0.0.1:8080/a?b=c"},
        {"events": ["a.b", "c.d"], "secret": Webhook.new_secret()},
    ]
    with ScriptedServer([Json(200, WEBHOOK)] * 3) as server:
        async with face.client(server.url) as client:
            for change in changes:
                await client.webhooks.update("wh_123", **change)
    assert {(request.method, request.path) for request in server.requests} == {("PATCH", "/v1/webhooks/wh_123")}
    assert [json.loads(request.body) for request in server.requests] == changes


async def test_a_subscription_is_never_made_twice(face: Face) -> None:
    with ScriptedServer([CutAt(10, Json(201, WEBHOOK))]) as server, instant_retries():
        async with face.client(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown) as caught:
                await client.webhooks.create(URL, ["job.completed"])
    assert len(server.requests) == 1
    assert caught.value.idempotency_key == server.requests[0].header("idempotency-key")


async def test_delete_is_done_when_it_is_gone(face: Face) -> None:
    with ScriptedServer([Reply(204), CutAt(10, Reply(204)), fault(404), fault(404)]) as server, instant_retries():
        async with face.client(server.url) as client:
            assert await client.webhooks.delete("wh_123") is None
            await client.webhooks.delete("wh_123")
            with pytest.raises(ResourceNotFoundError):
                await client.webhooks.delete("wh_123")
    assert {(request.method, request.path) for request in server.requests} == {("DELETE", "/v1/webhooks/wh_123")}


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"url": ""}, ValueError, "url cannot be empty"),
        ({"url": 3}, TypeError, "url takes text, not int"),
        ({"url": "example.com/hook"}, ValueError, "url must begin with https://"),
        ({"url": "ftp://example.com/hook"}, ValueError, "url must begin with https://"),
        ({"url": "ws://example.com/hook"}, ValueError, "url must begin with https://"),
        ({"url": "https://user:hunter2@example.com/"}, ValueError, "url cannot hold a user name or password"),
        ({"url": "https://example.com/\nX: y"}, ValueError, "url contains a control character"),
        ({"url": "https:///hook"}, ValueError, "url has no valid host and port"),
        ({"events": []}, ValueError, "events cannot be empty"),
        ({"events": "job.completed"}, TypeError, "events takes several names, not str"),
        ({"events": 3}, TypeError, "events takes several names, not int"),
        ({"events": ["job.completed", ""]}, ValueError, "a name in events cannot be empty"),
        ({"events": ["job.completed", None]}, TypeError, "a name in events takes text, not NoneType"),
        ({"events": ["job.failed", "job.failed"]}, ValueError, "events has a name twice"),
        ({"secret": ""}, ValueError, "secret cannot be empty"),
        ({"secret": "whsec_"}, ValueError, "a secret cannot be empty"),
        ({"secret": "hunter2 hunter2"}, ValueError, "the text of a secret is base64"),
        ({"secret": b"raw"}, TypeError, "secret takes text, not bytes"),
        ({"active": "yes"}, TypeError, "active is True or False, not 'yes'"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    face: Face, change: dict[str, Any], error: type[Exception], says: str
) -> None:
    async with face.client("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(error, match=says) as updating:
            await client.webhooks.update("wh_123", **change)
        with pytest.raises(error, match=says):
            await client.webhooks.create(**{"url": URL, "events": ["job.completed"], **change})
    assert "hunter2" not in str(updating.value)


async def test_an_update_of_nothing_is_refused(face: Face) -> None:
    async with face.client("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(ValueError, match="nothing to update: give url, events, secret or active"):
            await client.webhooks.update("wh_123")
        with pytest.raises(ValueError, match="webhook_id cannot be '..'"):
            await client.webhooks.delete("..")
