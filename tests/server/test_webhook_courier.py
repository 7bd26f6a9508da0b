"""Deliveries while the server goes on with its own life."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import JobRequest
from tests.server.receiver import Receiver, states, submit, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


def test_a_slow_receiver_holds_up_nobody(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver, "job.created")
    receiver.hold.set()
    with Receiver() as quick:
        subscribe(client, quick, "job.created")
        submit(client)
        receiver.wait()
        submit(client)
        quick.wait()
        quick.wait()
    assert len(receiver.messages) == 1
    with pytest.raises(TimeoutError):
        server.webhooks.settle(timeout=0.05)
    server.stop()
    server.start()
    receiver.hold.clear()
    server.webhooks.settle()
    # What was broken off is done again, under its id.
    assert len({one.id for one in receiver.messages}) == 2
    assert set(states(server)) == {"delivered"}
    assert receiver.messages[0].id == receiver.messages[1].id


def test_many_receivers_get_their_turn(server: MockServer, client: httpx.Client, receiver: Receiver) -> None:
    for _ in range(40):
        subscribe(client, receiver, "job.created")
    submit(client)
    server.webhooks.settle()
    assert [attempt.error for delivery in server.webhooks.deliveries for attempt in delivery.attempts] == [None] * 40
    assert len(receiver.messages) == 40
    assert len({one.id for one in receiver.messages}) == 1


def test_a_reset_forgets_subscriptions_and_deliveries(
    server: MockServer, client: httpx.Client, receiver: Receiver
) -> None:
    subscribe(client, receiver, "job.created")
    receiver.hold.set()
    submit(client)
    receiver.wait()
    server.reset()
    submit(client)
    server.webhooks.settle()
    assert (server.webhooks.deliveries, len(receiver.messages)) == ([], 1)
    subscribe(client, receiver, "job.created")
    receiver.hold.clear()
    submit(client)
    server.webhooks.settle()
    assert states(server) == ["delivered"]


def test_a_running_clock_needs_nobody_who_looks(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client], receiver: Receiver
) -> None:
    server = make_server(world="empty", clock="x1000")
    client = make_client(server)
    subscribe(client, receiver, "job.completed")
    receiver.answers = [500, 500]
    submit(client, "sleep 30")
    for _ in range(2):  # not the third, which is due five minutes later
        receiver.wait()
    assert receiver.types == ["job.completed"] * 2


def test_a_server_without_a_socket_keeps_its_messages(receiver: Receiver) -> None:
    server = MockServer(clock="manual", world="empty")
    server.app.state.webhooks.add(receiver.url, ["job.created"], server.now(), secret=None, active=True)
    server.cluster.submit(JobRequest("n", "true", "user_456"))
    assert states(server) == ["pending"]
    with pytest.raises(RuntimeError, match="not running"):
        server.webhooks.settle()
    asyncio.run(server.app.state.courier.settled(1))  # nobody delivers, so there is nothing to wait for
    with server:
        server.webhooks.settle()
        assert receiver.types == ["job.created"]


def test_stopping_leaves_no_thread(receiver: Receiver) -> None:
    before = threading.active_count()
    server = MockServer(clock="manual", world="empty").start()
    receiver.hold.set()
    with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer your-key"}) as client:
        subscribe(client, receiver, "job.created")
        submit(client)
        receiver.wait()
    server.stop()
    receiver.go_on.set()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("mock-server")]
    assert threading.active_count() <= before + 2  # the receiver's own
