"""Subscriptions and deliveries that outlive the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.webhooks.delivery import Attempt, DeliveryState
from mock_server.webhooks.ledger import FILE, Ledger
from mock_server.webhooks.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADERS = {"Authorization": "Bearer YOUR_API_KEY"}
SECRET = "whsec_c2VjcmV0"


def _server(directory: Path) -> MockServer:
    """Return a server before a Slurm that is away; only jobs miss it."""
    slurm = SlurmSettings("http://127.0.0.1:1", token="none", directory=str(directory / "out"))
    return MockServer(slurm=slurm, state=str(directory / "state"))


def _paths(server: MockServer) -> dict[str, str]:
    webhooks = httpx.get(f"{server.url}/v1/webhooks", headers=HEADERS).json()["webhooks"]
    return {webhook["id"]: webhook["url"].rpartition("/")[2] for webhook in webhooks if webhook["active"]}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path


def _made(server: MockServer, path: str) -> str:
    body = {"url": f"https://example.com/{path}", "events": ["job.completed"], "secret": SECRET}
    answer = httpx.post(f"{server.url}/v1/webhooks", headers=HEADERS, json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def test_subscriptions_outlive_the_server(directory: Path) -> None:
    with _server(directory) as server:
        first, second, third = (_made(server, name) for name in ("first", "second", "third"))
        where = f"{server.url}/v1/webhooks"
        assert httpx.delete(f"{where}/{second}", headers=HEADERS).is_success
        assert httpx.delete(f"{where}/wh_123", headers=HEADERS).is_success
        changes = {"url": "https://example.com/moved", "secret": "whsec_bmV3"}
        assert httpx.patch(f"{where}/{third}", headers=HEADERS, json=changes).is_success
        shown = httpx.get(where, headers=HEADERS).json()
        server.stop()
        server.start()
        assert _paths(server) == {first: "first", third: "moved"}
    assert os.stat(directory / "state" / FILE).st_mode & 0o077 == 0
    with _server(directory) as server:
        assert httpx.get(f"{server.url}/v1/webhooks", headers=HEADERS).json() == shown
        state = server.app.state
        assert state.webhooks.get(first).secrets(0.0) == [SECRET]
        assert state.webhooks.get(third).secrets(state.time.now()) == ["whsec_bmV3", SECRET]
        assert _made(server, "fourth") not in {first, second, third}
        server.reset()
        assert _paths(server) == {}
    with _server(directory) as server:
        assert _paths(server) == {}
        assert [webhook.id for webhook in server.app.state.webhooks] == ["wh_123"]


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[tuple[Ledger, Ledger]]:
    """A ledger and that of the next server, which was not closed before: its server was killed."""
    both = Ledger(str(tmp_path / FILE)), Ledger(str(tmp_path / FILE))
    for ledger in both:
        ledger.open()
    yield both
    for ledger in both:
        ledger.close()


def test_what_has_not_arrived_is_sent_by_the_next_server(ledgers: tuple[Ledger, Ledger]) -> None:
    outbox = Outbox(ledgers[0])
    arrived, failed, waiting, other = (
        outbox.add(webhook, f"msg_{number}", "job.completed", b"{}", 5.0)
        for number, webhook in enumerate(["one", "one", "one", "two"])
    )
    assert not outbox.settle(arrived, Attempt(6.0, 200))
    assert not outbox.settle(failed, Attempt(6.0, 503))
    outbox.drop("two")
    after = Outbox(ledgers[1])
    after.recall()
    assert [(one.id, one.due_at, one.state) for one in after.log] == [
        ("msg_1", failed.due_at, DeliveryState.PENDING),
        ("msg_2", 5.0, DeliveryState.PENDING),
    ]
    assert (after.log[0].attempts, after.log[0].body) == ([Attempt(6.0, 503)], b"{}")
    assert after.next_at() == failed.due_at
    after.settle(after.log[0], Attempt(9.0, 204))
    assert after.due(9.0) == [after.log[1]]
    assert (waiting.state, other.state) == (DeliveryState.PENDING, DeliveryState.DROPPED)


def test_one_message_may_wait_for_several(ledgers: tuple[Ledger, Ledger]) -> None:
    outbox = Outbox(ledgers[0])
    for webhook in ("one", "two"):
        outbox.add(webhook, "msg_1", "job.completed", b"{}", 5.0)
    after = Outbox(ledgers[1])
    after.recall()
    assert [one.webhook_id for one in after.due(5.0)] == ["one", "two"]
