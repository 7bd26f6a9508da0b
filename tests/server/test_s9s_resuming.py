"""Numbers of updates: going on where one was, being too slow, and ends of sockets."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from mock_server import MockServer, hosting
from mock_server.s9s import session as sessions
from mock_server.s9s.channels import Channel, Filter
from mock_server.s9s.session import Session
from tests.server.s9s_sockets import peer, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_each_update_names_the_one_before_it(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("jobs", filter={"partition": "cpu"})
        for number in range(6):
            submit(server, "true", partition="cpu" if number % 2 else "normal")
        server.advance(5)
        messages = reader.all_so_far()
        assert [message["previous"] for message in messages] == [
            0,
            *(message["sequence"] for message in messages[:-1]),
        ]
        sequences = [message["sequence"] for message in messages]
        assert sequences == sorted(sequences)
        assert sequences != list(range(sequences[0], sequences[0] + len(sequences)))


def test_a_reader_goes_on_where_it_was_at_every_point(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("jobs", filter={"user": "alice"})
        for _ in range(3):
            submit(server, "sleep 2")
        server.advance(10)
        whole = reader.all_so_far()
    with peer(server) as reader:
        for number in range(len(whole) + 1):
            after = whole[number - 1]["sequence"] if number else 0
            answer = reader.subscribe("jobs", filter={"user": "alice"}, after=after)
            assert "resync" not in answer
            rest = reader.all_so_far()
            expected = whole[number:]
            if expected:
                expected = [{**expected[0], "previous": after}, *expected[1:]]
            assert rest == expected


def test_what_is_not_known_any_more_has_to_be_looked_up(server: MockServer) -> None:
    with peer(server) as reader:
        answer = reader.subscribe("jobs", after=7)
        assert answer == {"action": "subscribed", "channel": "jobs", "sequence": 0, "resync": True}
        submit(server)
        assert reader.next()["previous"] == 0


def test_a_channel_keeps_only_its_latest_updates() -> None:
    channel, everything = Channel("jobs", kept=3), Filter({})
    for number in range(5):
        channel.publish("update", str(number), 0.0, {}, ({"user": "a" if number % 2 else "b"},))
    assert [update.sequence for update in channel.since(2, everything) or ()] == [3, 4, 5]
    assert channel.since(1, everything) is None
    assert channel.since(6, everything) is None
    assert channel.since(5, everything) == []
    assert [update.sequence for update in channel.since(2, Filter({"user": "a"})) or ()] == [4]


def make(limit: int, most: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Channel, Session]:
    monkeypatch.setattr(sessions, "WAITING", limit)
    monkeypatch.setattr(sessions, "MOST", most)
    channel = Channel("jobs")
    session = Session({"jobs": channel}, changed=lambda: None, now=lambda: 0.0)  # type: ignore[dict-item]
    session.hear('{"action": "subscribe", "channel": "jobs"}')
    session.take()
    return channel, session


def publish(channel: Channel, count: int) -> None:
    for number in range(count):
        channel.publish("update", str(number), 0.0, {}, ({},))


def test_one_that_does_not_read_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, session = make(5, 100, monkeypatch)
    session.is_stuck = True
    publish(channel, 5)
    assert not session.is_lost
    publish(channel, 1)
    assert session.is_lost
    assert not session.has_waiting
    assert not channel.is_read


def test_a_burst_is_no_fault_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, session = make(5, 20, monkeypatch)
    publish(channel, 20)
    assert not session.is_lost
    assert len(session.take()) == 20
    publish(channel, 21)
    assert session.is_lost


def test_a_replay_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, session = make(5, 20, monkeypatch)
    session.is_stuck = True
    publish(channel, 3)
    session.take()
    channel.publish("update", "x", 0.0, {}, ({},))
    for _ in range(10):
        session.take()
        publish(channel, 5)
    session.hear('{"action": "subscribe", "channel": "jobs", "after": 0}')
    assert not session.is_lost


def test_it_is_told_to_try_again_and_can_go_on(
    make_server: Callable[..., MockServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "WAITING", 3)
    server = make_server(faults="GET /v1/ws: delay-frames=0.5, ok*")
    with peer(server) as reader:
        reader.subscribe("jobs")
        submit(server)  # which is on its way for a while
        submit(server, array="1-10")
        messages = reader.rest()
        assert reader.connection.close_code == 1013
    last = messages[-1]["sequence"] if messages else 0
    with peer(server) as reader:
        answer = reader.subscribe("jobs", after=last)
        rest = reader.all_so_far()
        assert "resync" not in answer
        assert [message["sequence"] for message in rest] == list(range(last + 1, answer["sequence"] + 1))


def test_a_reset_sends_readers_away_and_then_they_have_to_look_anew(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("jobs")
        submit(server)
        reader.next()
        server.reset()
        assert reader.rest() == []
        assert reader.connection.close_code == 1012
    with peer(server) as reader:
        assert reader.subscribe("jobs", after=1)["resync"] is True


def test_a_server_that_stops_waits_for_nobody() -> None:
    server = MockServer(clock="manual").start()
    with peer(server) as reader:
        reader.subscribe("metrics")
        server.stop()
        assert reader.rest() == []


def test_a_dead_peer_is_dropped(make_server: Callable[..., MockServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "PING_SECONDS", 0.05)
    server = make_server()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10) as sock:
        sock.sendall(
            b"GET /s9s/v1/ws?token=YOUR_TOKEN HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        received = b""
        while chunk := sock.recv(4096):
            received += chunk
        assert b"101 Switching" in received
        assert b"ping timeout" in received
