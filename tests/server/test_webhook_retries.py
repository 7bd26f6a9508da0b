"""What happens when a receiver does not take a message."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.webhooks.delivery import Attempt, DeliveryState
from mock_server.webhooks.ledger import Ledger
from mock_server.webhooks.outbox import MAX_WAITING, Outbox
from mock_server.webhooks.poster import post
from mock_server.webhooks.schedule import PAUSES, pause
from tests.server.receiver import DAY, EVERYTHING, PATIENCE, Receiver, states, submit, subscribe, webhook

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


def test_a_failed_attempt_is_repeated_when_the_clock_says_so(
    server: MockServer, client: httpx.Client, receiver: Receiver
) -> None:
    subscribe(client, receiver, "job.created")
    receiver.answers = [500, 503, 404]
    first, start = submit(client), server.now()
    second = submit(client)
    server.webhooks.settle()
    assert len(receiver.messages) == 1
    for count, seconds in enumerate(PAUSES[:3], 2):
        assert server.webhooks.next_attempt_at == server.now() + seconds
        server.advance(seconds - 1)
        server.webhooks.settle()
        assert len(receiver.messages) == count - 1
        server.advance(1)
        server.webhooks.settle()
    # The second one has waited for its turn.
    assert [one.content["data"]["id"] for one in receiver.messages] == [first["id"]] * 4 + [second["id"]]
    assert len({one.id for one in receiver.messages[:4]}) == 1
    assert len({one.body for one in receiver.messages[:4]}) == 1
    delivery = server.webhooks.deliveries[0]
    assert [attempt.status for attempt in delivery.attempts] == [500, 503, 404, 204]
    assert [attempt.at - start for attempt in delivery.attempts] == [0, 5, 305, 2105]
    assert (delivery.state, delivery.due_at, server.webhooks.next_attempt_at) == ("delivered", None, None)


@pytest.mark.parametrize("how", ["in process", "control"])
def test_a_moved_clock_is_enough(server: MockServer, client: httpx.Client, receiver: Receiver, how: str) -> None:
    subscribe(client, receiver, "job.created")
    receiver.answers = [500]
    submit(client)
    server.webhooks.settle()
    receiver.wait()
    if how == "control":
        client.post("/_mock/clock", json={"advance": 5})
    else:
        server.advance(5)
    receiver.wait()


def test_an_automatic_clock_goes_on_to_the_next_attempt(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client], receiver: Receiver
) -> None:
    server = make_server(world="empty", clock="auto")
    client = make_client(server)
    subscribe(client, receiver, "job.created")
    receiver.answers = [500] * 4
    submit(client)
    server.webhooks.settle()
    assert states(server) == ["delivered"]
    assert len(receiver.messages) == 5


@pytest.mark.parametrize(("asked", "wait"), [("60", 60), ("2", 5), ("9999999", DAY), ("soon", 5), ("1" * 40, 5)])
def test_a_receiver_may_ask_for_more_time(
    server: MockServer, client: httpx.Client, receiver: Receiver, asked: str, wait: float
) -> None:
    subscribe(client, receiver, "job.created")
    receiver.answers = [(503, {"Retry-After": asked})]
    submit(client)
    server.webhooks.settle()
    assert server.webhooks.next_attempt_at == server.now() + wait


def test_gone_ends_a_subscription(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    key = subscribe(client, receiver, "job.created")
    receiver.answers = [410]
    submit(client)
    submit(client)
    server.webhooks.settle()
    submit(client)
    server.webhooks.settle()
    assert (states(server), len(receiver.messages)) == (["failed", "dropped"], 1)
    assert not webhook(client, key)["active"]
    client.patch(f"/v1/webhooks/{key}", json={"active": True})
    submit(client)
    server.webhooks.settle()
    assert (states(server)[2:], len(receiver.messages)) == (["delivered"], 2)


def test_failing_for_days_ends_a_subscription(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    key = subscribe(client, receiver, "job.created")
    receiver.answers = [500] * 20
    submit(client)
    submit(client)
    server.webhooks.settle()
    for seconds in PAUSES:
        assert webhook(client, key)["active"]
        server.advance(seconds)
        server.webhooks.settle()
    assert not webhook(client, key)["active"]
    assert states(server) == ["failed", "dropped"]
    assert len(receiver.messages) == len(PAUSES) + 1 == 10
    assert sum(PAUSES) > 3 * DAY


def test_a_receiver_that_is_not_there(server: MockServer, client: httpx.Client) -> None:
    with Receiver() as gone:
        url = gone.url
    client.post("/v1/webhooks", json={"url": url, "events": EVERYTHING})
    client.post("/v1/webhooks", json={"url": url.replace("http:", "https:"), "events": EVERYTHING})
    client.post("/v1/webhooks", json={"url": "http://name.invalid/", "events": EVERYTHING})
    client.post("/v1/webhooks", json={"url": "http://[:::]/", "events": EVERYTHING})
    submit(client)
    server.webhooks.settle()
    attempts = [delivery.attempts[0] for delivery in server.webhooks.deliveries]
    assert [attempt.status for attempt in attempts] == [None] * 4
    assert all(attempt.error for attempt in attempts)
    assert attempts[0].error is not None
    assert attempts[0].error.startswith("ConnectError")


def test_a_redirect_is_not_followed(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver, "job.created")
    with Receiver() as other:
        receiver.answers = [(307, {"Location": other.url})]
        submit(client)
        server.webhooks.settle()
        assert other.messages == []
    assert states(server) == ["pending"]


def test_a_long_answer_is_not_read(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver, "job.created")
    receiver.answers = [200, 200]
    receiver.body = b"x" * 50_000_000
    submit(client)
    server.webhooks.settle()
    assert receiver.cut_off.wait(PATIENCE)
    receiver.body = b"thanks"
    submit(client)
    server.webhooks.settle()
    assert states(server) == ["delivered", "delivered"]


@pytest.mark.asyncio
async def test_every_address_of_a_host_is_tried(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["127.0.0.2", "127.0.0.1"]

    def look_up(host: str, port: int, **options: Any) -> list[Any]:
        assert host == "hooks.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("mock_server.webhooks.poster.socket.getaddrinfo", look_up)
    url = receiver.url.replace("127.0.0.1", "hooks.example")
    assert (await post(url, {}, b"{}")).status == 204
    assert receiver.messages[0].headers["host"] == url.split("/")[2]
    addresses.clear()
    assert (await post(url, {}, b"{}")).error == "OSError: hooks.example has no address"


@pytest.mark.asyncio
async def test_a_look_up_that_hangs_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, ended = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def look_up(*arguments: Any, **options: Any) -> list[Any]:
        assert go_on.wait(PATIENCE)
        loop.call_soon_threadsafe(loop.call_soon, ended.set)  # behind what the result of this sets off
        return []

    monkeypatch.setattr("mock_server.webhooks.poster.socket.getaddrinfo", look_up)
    outcome = await post("http://hooks.example/", {}, b"{}", timeout=0.05)
    assert outcome.error == "no answer within 0.05 s"
    go_on.set()
    await ended.wait()


@pytest.mark.asyncio
async def test_an_attempt_has_an_end(receiver: Receiver) -> None:
    receiver.hold.set()
    outcome = await post(receiver.url, {}, b"{}", timeout=0.05)
    assert (outcome.status, outcome.error) == (None, "no answer within 0.05 s")


def test_a_new_address_gets_what_waits(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    key = subscribe(client, receiver, "job.created", url="http://127.0.0.1:1/")
    submit(client)
    server.webhooks.settle()
    client.patch(f"/v1/webhooks/{key}", json={"url": receiver.url})
    server.advance(5)
    server.webhooks.settle()
    assert receiver.types == ["job.created"]


def test_pauses() -> None:
    assert [pause(count) for count in range(1, len(PAUSES) + 2)] == [*PAUSES, None]
    assert pause(1, 1e9) == DAY


def test_one_message_too_many_is_dropped() -> None:
    outbox = Outbox(Ledger(None))
    for number in range(MAX_WAITING + 1):
        last = outbox.add("wh", f"msg_{number}", "job.created", b"", 0.0)
    assert last.state is DeliveryState.DROPPED
    (head,) = outbox.due(0.0)
    assert (head.id, head.state) == ("msg_0", DeliveryState.PENDING)


def test_the_next_message_waits_until_the_attempt_has_landed() -> None:
    outbox = Outbox(Ledger(None))
    first, second = (outbox.add("wh", f"msg_{number}", "job.created", b"", 0.0) for number in range(2))
    outbox.take(first)
    outbox.settle(first, Attempt(0.0, 200))
    assert (outbox.due(0.0), outbox.next_at()) == ([], None)
    outbox.land(first)
    assert outbox.due(0.0) == [second]


def test_an_attempt_that_comes_back_too_late_changes_nothing() -> None:
    outbox = Outbox(Ledger(None))
    delivery = outbox.add("wh", "msg", "job.created", b"", 0.0)
    outbox.take(delivery)
    assert outbox.due(0.0) == []
    outbox.drop("wh")
    assert not outbox.settle(delivery, Attempt(1.0, 410))
    assert (delivery.state, len(delivery.attempts)) == (DeliveryState.DROPPED, 1)
    assert not outbox
