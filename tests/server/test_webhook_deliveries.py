"""Events on their way to receivers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest
import standardwebhooks

from mock_server import MockServer
from tests.server.receiver import DAY, EVERYTHING, SECRET, Receiver, states, submit, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


def test_the_life_of_jobs_and_clusters_in_order(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver)
    jobs = [submit(client, command) for command in ("true", "exit 3", "sleep 9")]
    server.advance(1)
    client.patch(f"/v1/jobs/{jobs[2]['id']}", json={"status": "cancelled", "reason": "enough"})
    client.post("/v1/clusters/default/scale", json={"nodes": 5})
    server.run_until_idle()
    server.webhooks.settle()
    told = [(one.content["type"], one.content["data"]["id"]) for one in receiver.messages]
    first, second, third = (job["id"] for job in jobs)
    assert told == [
        *[("job.created", one) for one in (first, second, third)],
        *[("job.started", first), ("job.completed", first), ("job.started", second), ("job.failed", second)],
        *[("job.started", third), ("job.cancelled", third)],
        ("cluster.scaled", "cluster_default"),
    ]
    assert [one.content["data"] for one in receiver.messages[:3]] == jobs
    by_type = {one.content["type"]: one.content for one in receiver.messages}
    assert by_type["job.cancelled"]["data"] == client.get(f"/v1/jobs/{third}").json()
    assert by_type["job.cancelled"]["timestamp"] == "2024-01-15T10:35:01Z"
    assert by_type["cluster.scaled"]["data"]["scaling"] == {"nodes": 5}
    assert by_type["job.created"].keys() == {"type", "timestamp", "data"}
    assert len({one.id for one in receiver.messages}) == len(receiver.messages) == 10


def test_the_reference_library_accepts_a_delivery(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver, "job.created")
    job = submit(client, "echo 'ü'")
    server.webhooks.settle()
    (message,) = receiver.messages
    assert standardwebhooks.Webhook(SECRET).verify(message.body, message.headers)["data"]["id"] == job["id"]
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook("whsec_b3RoZXI=").verify(message.body, message.headers)
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == receiver.url.split("/")[2]
    assert message.headers["user-agent"].startswith("vantage-mock/")
    assert abs(int(message.headers["webhook-timestamp"]) - time.time()) < 60


def test_without_a_secret_nothing_is_signed(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    client.post("/v1/webhooks", json={"url": receiver.url.replace("127.0.0.1", "localhost"), "events": EVERYTHING})
    submit(client)
    server.webhooks.settle()
    assert "webhook-signature" not in receiver.messages[0].headers
    assert receiver.messages[0].headers["host"].startswith("localhost:")


def test_what_was_before_and_what_nobody_asked_for_is_not_sent(
    server: MockServer, client: httpx.Client, receiver: Receiver
) -> None:
    submit(client, "sleep 5")
    subscribe(client, receiver, "job.created", "job.completed")
    submit(client, "exit 1")
    server.run_until_idle()
    server.webhooks.settle()
    assert receiver.types == ["job.created", "job.completed"]


def test_the_documented_webhook_sends_nothing(make_server: Callable[..., MockServer]) -> None:
    server = make_server()
    server.run_until_idle()
    server.webhooks.settle()
    assert server.webhooks.deliveries == []


def test_a_first_secret_signs_alone(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    made = client.post("/v1/webhooks", json={"url": receiver.url, "events": ["job.created"]}).json()
    client.patch(f"/v1/webhooks/{made['id']}", json={"secret": SECRET})
    submit(client)
    server.webhooks.settle()
    assert len(receiver.messages[0].signatures) == 1


def test_old_and_new_secret_sign_for_a_day(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    key = subscribe(client, receiver, "job.created")
    new = "whsec_bmV3"

    def signers() -> list[str]:
        submit(client)
        server.webhooks.settle()
        message = receiver.messages[-1]
        found = []
        for secret in (SECRET, new, "third"):
            for signature in message.signatures:
                try:
                    only = {**message.headers, "webhook-signature": signature}
                    standardwebhooks.Webhook(secret.encode() if secret == "third" else secret).verify(
                        message.body, only
                    )
                    found.append(secret)
                except standardwebhooks.WebhookVerificationError:
                    continue
        assert len(found) == len(message.signatures)
        return found

    assert signers() == [SECRET]
    client.patch(f"/v1/webhooks/{key}", json={"secret": new})
    client.patch(f"/v1/webhooks/{key}", json={"secret": new})
    assert signers() == [SECRET, new]
    server.advance(DAY - 1)
    client.patch(f"/v1/webhooks/{key}", json={"secret": "third"})
    assert signers() == [SECRET, new, "third"]
    server.advance(1)
    assert signers() == [new, "third"]
    client.patch(f"/v1/webhooks/{key}", json={"secret": new})
    assert signers() == [new, "third"]
    server.advance(DAY)
    assert signers() == [new]


@pytest.mark.parametrize("how", ["delete", "deactivate", "at work"])
def test_an_ended_subscription_gets_nothing_more(
    server: MockServer, client: httpx.Client, receiver: Receiver, how: str
) -> None:
    key = subscribe(client, receiver, "job.created")
    receiver.answers = [500]
    if how == "at work":
        receiver.hold.set()
    submit(client)
    submit(client)
    if how == "at work":
        receiver.wait()
    else:
        server.webhooks.settle()
    if how == "deactivate":
        client.patch(f"/v1/webhooks/{key}", json={"active": False})
    else:
        client.delete(f"/v1/webhooks/{key}")
    server.advance(DAY)
    submit(client)
    server.webhooks.settle()
    assert (states(server), len(receiver.messages)) == (["dropped", "dropped"], 1)
    assert not server.app.state.time.watched


def test_deliveries_in_the_control_api(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    key = subscribe(client, receiver, "job.created")
    other = subscribe(client, receiver, "job.created", url="http://127.0.0.1:1/")
    receiver.answers = [500]
    submit(client)
    server.webhooks.settle()
    mine, theirs = client.get("/_mock/webhooks/deliveries").json()
    now = server.now()
    assert mine == {
        "id": receiver.messages[0].id,
        "webhook_id": key,
        "type": "job.created",
        "state": "pending",
        "created_at": now,
        "due_at": now + 5,
        "attempts": [{"at": now, "status": 500, "error": None}],
        "body": receiver.messages[0].body.decode(),
    }
    assert (theirs["id"], theirs["webhook_id"]) == (mine["id"], other)
    assert client.get(f"/_mock/webhooks/deliveries?webhook_id={other}").json() == [theirs]
    assert client.post("/_mock/webhooks/deliveries").status_code == 405


def test_the_same_seed_gives_the_same_ids(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client], receiver: Receiver
) -> None:
    found = []
    for seed in (1, 1, 2):
        server = make_server(world="empty", seed=seed)
        client = make_client(server)
        found.append((subscribe(client, receiver, "job.created"), submit(client)["id"], receiver))
        server.webhooks.settle()
    ids = [one.id for one in receiver.messages]
    assert found[0] == found[1] != found[2]
    assert ids[0] == ids[1] != ids[2]
