"""Sequences, slow readers, ends and faults of WebSockets, met by a client of another make."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from mock_server import MockServer, hosting
from mock_server.s9s import session as sessions
from mock_server.s9s.channels import Channel, Filter
from mock_server.s9s.session import Session
from tests.server.s9s_sockets import TOKEN, peer, submit

if TYPE_CHECKING:
    from collections.abc import Callable


class TestSequences:
    def test_each_update_names_the_one_before_it(self, server: MockServer) -> None:
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

    def test_a_reader_goes_on_where_it_was_at_every_point(self, server: MockServer) -> None:
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

    def test_what_is_not_known_any_more_has_to_be_looked_up(self, server: MockServer) -> None:
        with peer(server) as reader:
            answer = reader.subscribe("jobs", after=7)
            assert answer == {"action": "subscribed", "channel": "jobs", "sequence": 0, "resync": True}
            submit(server)
            assert reader.next()["previous"] == 0

    def test_a_channel_keeps_only_its_latest_updates(self) -> None:
        channel, everything = Channel("jobs", kept=3), Filter({})
        for number in range(5):
            channel.publish("update", str(number), 0.0, {}, ({"user": "a" if number % 2 else "b"},))
        assert [update.sequence for update in channel.since(2, everything) or ()] == [3, 4, 5]
        assert channel.since(1, everything) is None
        assert channel.since(6, everything) is None
        assert channel.since(5, everything) == []
        assert [update.sequence for update in channel.since(2, Filter({"user": "a"})) or ()] == [4]


class TestSlowReaders:
    def make(self, limit: int, most: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Channel, Session]:
        monkeypatch.setattr(sessions, "WAITING", limit)
        monkeypatch.setattr(sessions, "MOST", most)
        channel = Channel("jobs")
        session = Session({"jobs": channel}, changed=lambda: None, now=lambda: 0.0)  # type: ignore[dict-item]
        session.hear('{"action": "subscribe", "channel": "jobs"}')
        session.take()
        return channel, session

    def publish(self, channel: Channel, count: int) -> None:
        for number in range(count):
            channel.publish("update", str(number), 0.0, {}, ({},))

    def test_one_that_does_not_read_is_lost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        channel, session = self.make(5, 100, monkeypatch)
        session.is_stuck = True
        self.publish(channel, 5)
        assert not session.is_lost
        self.publish(channel, 1)
        assert session.is_lost
        assert not session.has_waiting
        assert not channel.is_read

    def test_a_burst_is_no_fault_of_the_reader(self, monkeypatch: pytest.MonkeyPatch) -> None:
        channel, session = self.make(5, 20, monkeypatch)
        self.publish(channel, 20)
        assert not session.is_lost
        assert len(session.take()) == 20
        self.publish(channel, 21)
        assert session.is_lost

    def test_a_replay_does_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        channel, session = self.make(5, 20, monkeypatch)
        session.is_stuck = True
        self.publish(channel, 3)
        session.take()
        channel.publish("update", "x", 0.0, {}, ({},))
        for _ in range(10):
            session.take()
            self.publish(channel, 5)
        session.hear('{"action": "subscribe", "channel": "jobs", "after": 0}')
        assert not session.is_lost

    def test_it_is_told_to_try_again_and_can_go_on(
        self, make_server: Callable[..., MockServer], monkeypatch: pytest.MonkeyPatch
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


class TestEnds:
    def test_a_reset_sends_readers_away_and_then_they_have_to_look_anew(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs")
            submit(server)
            reader.next()
            server.reset()
            assert reader.rest() == []
            assert reader.connection.close_code == 1012
        with peer(server) as reader:
            assert reader.subscribe("jobs", after=1)["resync"] is True

    def test_a_server_that_stops_waits_for_nobody(self) -> None:
        server = MockServer(clock="manual").start()
        with peer(server) as reader:
            reader.subscribe("metrics")
            server.stop()
            assert reader.rest() == []

    def test_a_dead_peer_is_dropped(
        self, make_server: Callable[..., MockServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
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


class TestAutomaticClock:
    def test_time_passes_for_who_listens(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(clock="auto")
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"job_name": "long"})
            submit(server, "sleep 3600", job_name="long")
            assert [reader.next()["data"]["state"] for _ in range(3)] == ["PENDING", "RUNNING", "COMPLETED"]

    def test_it_does_not_run_ahead_of_the_reader(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(clock="auto", rate_limits=False)
        with peer(server, max_queue=4) as reader:
            reader.subscribe("metrics")
            assert reader.next()["sequence"] == 1
            for _ in range(30):  # while the server could do many things
                httpx.get(f"{server.s9s_url}/v1/status", headers=TOKEN)
            assert server.app.state.s9s.hub.channels["metrics"].sequence < 20
            assert [reader.next()["sequence"] for _ in range(30)] == list(range(2, 32))

    def test_a_silent_reader_does_not_stop_it(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(clock="auto", faults="GET /v1/ws: silence=1, ok*")
        with peer(server, ping_interval=None, close_timeout=0.1) as silent, peer(server) as reader:
            silent.say(action="subscribe", channel="jobs")
            reader.subscribe("jobs", filter={"job_name": "one"})
            submit(server, "sleep 50", job_name="one")
            assert [reader.next()["data"]["state"] for _ in range(3)][-1] == "COMPLETED"


class TestFaults:
    def test_a_cut_after_so_many_messages(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(faults="GET /v1/ws: cut-socket=2, ok*")
        with peer(server) as reader:
            reader.subscribe("jobs")
            submit(server)
            reader.next()
            server.advance(1)
            with pytest.raises(ConnectionClosed) as caught:
                reader.next()
            assert caught.value.rcvd is None
        assert server.journal[0].fault == "cut_socket"

    def test_a_lost_update_shows_as_a_gap(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(faults="GET /v1/ws: drop-update=2, ok*")
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"partition": "normal"})
            submit(server, "sleep 1")
            server.advance(2)
            messages = reader.all_so_far()
            assert [message["data"]["state"] for message in messages] == ["PENDING", "COMPLETED"]
            assert messages[1]["previous"] != messages[0]["sequence"]

    def test_no_replay(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(faults=[{"path": "/v1/ws", "refuse_replay": True, "times": 1}])
        with peer(server) as reader:
            assert reader.subscribe("jobs", after=0)["resync"] is True
        with peer(server) as reader:
            assert "resync" not in reader.subscribe("jobs", after=0)

    def test_silence(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(faults="GET /v1/ws: silence=1")
        with pytest.raises(ConnectionClosed, match="ping timeout"):
            with peer(server, ping_interval=0.05, ping_timeout=0.1, close_timeout=0.1) as reader:
                reader.subscribe("jobs")
                submit(server)
                reader.next()

    @pytest.mark.parametrize("rule", ["503", "reset-before"])
    def test_faults_of_requests_strike_handshakes_too(self, make_server: Callable[..., MockServer], rule: str) -> None:
        server = make_server(faults=f"GET /v1/ws: {rule}, ok*")
        with pytest.raises((InvalidStatus, ConnectionError, EOFError, InvalidHandshake)), peer(server):
            pass
        with peer(server) as reader:
            reader.subscribe("jobs")


def test_many_readers_get_the_same(server: MockServer) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(peer(server)) for _ in range(40)]
        for reader in readers:
            reader.subscribe("jobs", filter={"user": "alice"})
        for _ in range(5):
            submit(server, "sleep 1")
        server.advance(5)
        told = [reader.all_so_far() for reader in readers]
        assert all(messages == told[0] for messages in told)
        assert len(told[0]) >= 15


def test_history_and_polling_tell_one_story(server: MockServer, s9s: httpx.Client) -> None:
    """I14: whoever adds up the updates knows what a list says, at every instant."""

    def polled() -> tuple[dict[str, Any], dict[str, Any]]:
        jobs = {job["job_id"]: job for job in s9s.get("/v1/jobs?limit=1000").json()["jobs"]}
        return jobs, {node["node_name"]: node["state"] for node in s9s.get("/v1/nodes").json()["nodes"]}

    moving = ("elapsed_time",)  # which grows without an event
    with peer(server) as reader:
        reader.subscribe("jobs")
        reader.subscribe("nodes")
        jobs, nodes = polled()
        for step in range(8):
            submit(server, f"sleep {step}; exit {step % 3}", partition=("cpu", "normal")[step % 2], nodes=1 + step % 2)
            if step == 3:
                s9s.put("/v1/jobs/12346/release")
            if step == 6:
                server.cluster.fail_node("hpc-cluster", "node005", "x")
            if step == 7:
                server.cluster.restore_node("hpc-cluster", "node005")
            server.advance(1.7)
            for message in reader.all_so_far():
                if message["channel"] == "nodes":
                    nodes[message["resource_id"]] = message["data"]["state"]
                else:
                    jobs.setdefault(message["resource_id"], {}).update(message["data"])
            now_jobs, now_nodes = polled()
            assert nodes == now_nodes
            assert [{**job, **dict.fromkeys(moving)} for job in jobs.values()] == [
                {**now_jobs[job_id], **dict.fromkeys(moving)} for job_id in jobs
            ]
            assert jobs.keys() == now_jobs.keys()
