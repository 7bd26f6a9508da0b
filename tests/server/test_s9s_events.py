"""Updates over a WebSocket, read by a client of another make."""

from __future__ import annotations

import json
import re
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from mock_server import MockServer, hosting
from mock_server.s9s import session as sessions
from mock_server.s9s.channels import Channel, Filter
from mock_server.s9s.session import Session
from tests.server.s9s_sockets import TOKEN, peer

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORM = {"Authorization": "Bearer YOUR_API_KEY"}


def submit(server: MockServer, script: str = "sleep 5", **job: Any) -> str:
    answer = httpx.post(f"{server.s9s_url}/v1/jobs", json={"script": script, "nodes": 1, **job}, headers=TOKEN)
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def refused(server: MockServer, query: str = "", **options: Any) -> tuple[int, str]:
    """Return the status and the code with which a handshake is refused."""
    url = server.s9s_url.replace("http", "ws", 1)
    with pytest.raises(InvalidStatus) as caught, connect(f"{url}/v1/ws{query}", **options):
        pass
    response = caught.value.response
    assert response.headers["X-Request-ID"].startswith("req_")
    return response.status_code, json.loads(response.body or b"")["error"]["code"]


class TestHandshake:
    @pytest.mark.parametrize("header", [TOKEN, {"X-API-Key": "YOUR_API_KEY"}])
    def test_a_header_lets_in(self, server: MockServer, header: dict[str, str]) -> None:
        with peer(server, additional_headers=header) as reader:
            assert reader.subscribe("jobs") == {"action": "subscribed", "channel": "jobs", "sequence": 0}
            headers = reader.connection.response.headers  # type: ignore[union-attr]
            assert headers["X-RateLimit-Remaining"] == "999"

    def test_a_token_in_the_query_does_as_well_and_is_never_written_down(self, server: MockServer) -> None:
        with peer(server, "/v1/ws?token=test_token_123", additional_headers={}) as reader:
            reader.subscribe("jobs")
        refused(server, "?x=1&%74oken=some-secret")
        assert [record.query for record in server.journal] == ["token=***", "x=1&%74oken=***"]
        assert "test_token_123" not in str(server.journal)
        assert "some-secret" not in str(server.journal)

    def test_nobody_gets_in_without_one(self, server: MockServer) -> None:
        assert refused(server) == (401, "AUTHENTICATION_FAILED")
        assert refused(server, "?token=wrong") == (401, "AUTHENTICATION_FAILED")
        assert refused(server, "?token=wrong", additional_headers={"X-API-Key": "wrong"})[0] == 401
        assert server.journal[-1].status == 401

    def test_a_token_in_the_query_is_for_sockets_only(self, server: MockServer) -> None:
        assert httpx.get(f"{server.s9s_url}/v1/jobs?token=YOUR_TOKEN").status_code == 401
        assert server.journal[-1].query == "token=***"

    def test_a_parameter_that_is_not_known_is_refused(self, server: MockServer) -> None:
        assert refused(server, "?token=YOUR_TOKEN&since=1") == (400, "VALIDATION_ERROR")

    def test_the_budget_counts_handshakes(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(faults="GET /v1/ws: 429;retry-after=1")
        assert refused(server, additional_headers=TOKEN) == (429, "RATE_LIMIT_EXCEEDED")

    def test_a_page_of_another_origin_needs_a_token(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(anonymous_s9s=True)
        with peer(server, additional_headers={}) as reader:
            reader.subscribe("jobs")
        with peer(server, additional_headers={}, origin=server.url) as reader:
            reader.subscribe("jobs")
        with peer(server, "/v1/ws?token=YOUR_TOKEN", additional_headers={}, origin="https://page.example") as reader:
            reader.subscribe("jobs")
        assert refused(server, origin="https://page.example") == (403, "PERMISSION_DENIED")
        assert refused(server, origin="null") == (403, "PERMISSION_DENIED")

    @pytest.mark.parametrize("path", ["/v1/ws", "/api/v1/ws"])
    def test_all_ways_to_s9s_lead_there(self, make_server: Callable[..., MockServer], path: str) -> None:
        server = make_server(s9s_port=0)
        with peer(server, path) as reader:
            reader.subscribe("jobs")
        port = int(server.url.rpartition(":")[2])
        for address in (f"ws://127.0.0.1:{port}/s9s{path}", f"ws://api.example.com{path}"):
            sock = socket.create_connection(("127.0.0.1", port))
            with connect(address, additional_headers=TOKEN, sock=sock) as connection:
                connection.send('{"action": "subscribe", "channel": "jobs"}')
                assert "subscribed" in str(connection.recv())

    def test_other_paths_answer_a_handshake_as_they_answer_others(self, server: MockServer) -> None:
        url = server.s9s_url.replace("http", "ws", 1)
        for path, status in (("/v1/nodes", 200), ("/v1/nothing", 404)):
            with pytest.raises(InvalidStatus) as caught, connect(url + path, additional_headers=TOKEN):
                pass
            assert caught.value.response.status_code == status

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Connection": "Upgrade", "Upgrade": "websocket"},
            {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "12", "Sec-WebSocket-Key": "x"},
        ],
    )
    def test_what_is_no_handshake_is_told_so(self, server: MockServer, headers: dict[str, str]) -> None:
        answer = httpx.get(f"{server.s9s_url}/v1/ws", headers={**TOKEN, **headers})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
        assert answer.headers["Sec-WebSocket-Version"] == "13"

    def test_many_headers_do_no_harm(self, server: MockServer) -> None:
        with pytest.raises(InvalidStatus) as caught, peer(server, additional_headers={"X-Long": "x" * 10_000}):
            pass
        assert caught.value.response.status_code == 431


class TestOrders:
    @pytest.mark.parametrize(
        ("message", "code", "field"),
        [
            ("{", "INVALID_REQUEST", ""),
            ("[]", "INVALID_REQUEST", ""),
            (b"binary", "INVALID_REQUEST", None),
            ("{}", "VALIDATION_ERROR", "action"),
            ('{"action": "shout", "channel": "jobs"}', "VALIDATION_ERROR", "action"),
            ('{"action": "subscribe", "channel": "weather"}', "VALIDATION_ERROR", "channel"),
            ('{"action": "subscribe", "channel": "jobs", "loud": true}', "VALIDATION_ERROR", "loud"),
            ('{"action": "subscribe", "channel": "jobs", "after": -1}', "VALIDATION_ERROR", "after"),
            (
                '{"action": "subscribe", "channel": "jobs", "filter": {"color": "red"}}',
                "VALIDATION_ERROR",
                "filter.color",
            ),
            ('{"action": "subscribe", "channel": "jobs", "filter": {"user": {}}}', "VALIDATION_ERROR", None),
        ],
    )
    def test_a_mistake_is_told_and_the_socket_stays(
        self, server: MockServer, message: str | bytes, code: str, field: str | None
    ) -> None:
        with peer(server) as reader:
            reader.connection.send(message)
            error = reader.next()["error"]
            assert error["code"] == code
            assert set(error) == {"code", "message", "details", "request_id", "timestamp"}
            if field is not None:
                assert error["details"]["field"] == field
            reader.subscribe("jobs")

    def test_a_message_that_is_too_large_ends_it(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.connection.send("x" * 65_000)
            assert "error" in reader.next()
            reader.connection.send("x" * 65_537)
            with pytest.raises(ConnectionClosed) as caught:
                reader.next()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1009

    def test_unsubscribing_ends_the_updates(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs")
            submit(server)
            assert reader.next()["action"] == "create"
            answer = reader.ask(action="unsubscribe", channel="jobs")
            assert answer == {"action": "unsubscribed", "channel": "jobs", "sequence": 1}
            server.advance(10)
            assert reader.all_so_far() == []

    def test_subscribing_again_takes_the_place_of_the_first_time(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"user": "nobody"})
            reader.subscribe("jobs", filter={"user": "alice"})
            submit(server)
            messages = reader.all_so_far()
            assert [message["action"] for message in messages] == ["create"]


class TestJobs:
    def test_the_documented_subscription_gets_the_documented_update(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"user": "alice", "state": "RUNNING"})
            job = submit(server, "sleep 5")
            server.advance(5.5)
            started, completed = reader.all_so_far()
            assert started["data"]["state"] == "RUNNING"
            assert {**completed, "timestamp": "", "data": {}} == {
                "channel": "jobs",
                "action": "update",
                "resource_id": job,
                "timestamp": "",
                "data": {},
                "sequence": completed["sequence"],
                "previous": started["sequence"],
            }
            assert re.fullmatch(r"2024-01-15T10:35:05(\.\d+)?Z", completed["timestamp"])
            assert completed["data"]["job_id"] == job
            assert (completed["data"]["state"], completed["data"]["exit_code"]) == ("COMPLETED", 0)
            assert completed["data"]["end_time"] == completed["timestamp"]

    def test_a_new_job_comes_with_all_its_fields(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"state": "pending"})
            job = submit(server, job_name="born", cpus_per_node=3)
            created = reader.next()
            listed = httpx.get(f"{server.s9s_url}/v1/jobs?limit=1", headers=TOKEN).json()["jobs"][0]
            assert (created["action"], created["resource_id"], created["data"]) == ("create", job, listed)

    @pytest.mark.parametrize(
        ("wanted", "seen"),
        [
            ({"job_id": "{id}"}, True),
            ({"partition": "cpu"}, True),
            ({"partition": "gpu"}, False),
            ({"nodes": "node005"}, True),
            ({"job_name": "me", "qos": "normal", "account": "research"}, True),
            ({"priority": True}, False),
        ],
    )
    def test_filters_are_equality_on_the_whole_job(
        self, server: MockServer, wanted: dict[str, Any], seen: bool
    ) -> None:
        job = submit(server, "sleep 5", job_name="me", partition="cpu")
        with peer(server) as reader:
            wanted = {key: int(job) if value == "{id}" else value for key, value in wanted.items()}
            reader.subscribe("jobs", filter=wanted)
            server.advance(5.5)
            assert bool(reader.all_so_far()) is seen

    def test_holding_releasing_priority_and_deletion_are_told(self, server: MockServer, s9s: httpx.Client) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"job_id": "12346"})
            s9s.put("/v1/jobs/12346/release")
            s9s.delete("/v1/jobs/12346")
            httpx.delete(f"{server.url}/v1/jobs/12346", headers=PLATFORM)
            messages = reader.all_so_far()
            assert messages[-1]["action"] == "delete"
            assert messages[-1]["resource_id"] == "12346"
            assert "CANCELLED" in [message["data"].get("state") for message in messages]

    def test_a_failed_node_takes_its_job_back(self, server: MockServer) -> None:
        job = submit(server, "sleep 50", partition="cpu")
        server.advance(1)
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"job_id": job})
            reader.subscribe("nodes", filter={"partitions": "cpu"})
            server.cluster.fail_node("hpc-cluster", "node005", "smoke")
            messages = reader.all_so_far()
            requeued = next(message for message in messages if message["channel"] == "jobs")
            assert (requeued["data"]["state"], requeued["data"]["nodes"]) == ("PENDING", [])
            down = next(message for message in messages if message["resource_id"] == "node005")
            assert (down["data"]["state"], down["data"]["reason"]) == ("DOWN", "smoke")


class TestNodes:
    def test_a_job_that_comes_and_goes_changes_its_node(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("nodes", filter={"node_name": "node006"})
            submit(server, "sleep 5", partition="cpu", nodes=2, cpus_per_node=32)
            server.advance(6)
            taken, free = reader.all_so_far()
            assert (taken["data"]["state"], taken["data"]["cpu_allocated"]) == ("ALLOCATED", 32)
            assert (free["data"]["state"], free["data"]["jobs"]) == ("IDLE", [])

    def test_a_job_more_that_leaves_the_state_as_it_is_tells_nothing(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("nodes", filter={"partitions": "cpu"})
            for _ in range(3):
                submit(server, "sleep 5", partition="cpu", cpus_per_node=2)
            server.advance(1)
            assert [message["data"]["state"] for message in reader.all_so_far()] == ["MIXED"]

    def test_a_filter_matches_the_state_before_as_well(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("nodes", filter={"state": "IDLE", "node_name": "gpu002"})
            server.cluster.fail_node("hpc-cluster", "gpu002", "x")
            assert [message["data"]["state"] for message in reader.all_so_far()] == ["DOWN"]


class TestRegular:
    def test_metrics_come_every_ten_seconds_of_the_clock(self, server: MockServer, s9s: httpx.Client) -> None:
        with peer(server) as reader:
            reader.subscribe("metrics")
            submit(server, "sleep 15", partition="cpu", nodes=1, cpus_per_node=32)
            server.advance(30)
            updates = reader.all_so_far()
            assert [update["timestamp"] for update in updates] == [f"2024-01-15T10:35:{s}Z" for s in (10, 20, 30)]
            running = [update["data"]["job_counts"]["RUNNING"] for update in updates]
            assert running[0] > running[2]  # each is of its own instant
            now = s9s.get("/v1/metrics/cluster").json()
            last = dict(updates[-1]["data"])
            assert last.pop("scope") == "cluster"
            assert last == {key: value for key, value in now.items() if key != "timestamp"}

    def test_nobody_listens_nobody_counts(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("metrics")
            server.advance(10)
            assert reader.next()["sequence"] == 1
            reader.ask(action="unsubscribe", channel="metrics")
            server.advance(100)
            assert reader.subscribe("metrics")["sequence"] == 1

    def test_the_queue_tells_of_partitions_and_queues(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("queue", filter={"partition": "cpu"})
            submit(server, "sleep 100", partition="cpu", nodes=2, cpus_per_node=32)
            submit(server, "sleep 100", partition="cpu", nodes=2, cpus_per_node=32)
            server.advance(10)
            expected = {"partition": "cpu", "jobs_running": 1, "jobs_pending": 1, "oldest_wait": 10}
            assert reader.next()["data"] == expected
            reader.subscribe("queue", filter={"queue": "default"})
            server.advance(10)
            assert reader.next()["data"]["max_concurrency"] == 100

    def test_everything_can_come_to_rest_while_somebody_listens(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(world="empty")
        with peer(server) as reader:
            reader.subscribe("metrics")
            assert server.run_until_idle() == server.now()


class TestAlerts:
    def test_what_calls_for_somebody(self, server: MockServer, s9s: httpx.Client) -> None:
        with peer(server) as reader:
            reader.subscribe("alerts")
            failed = submit(server, "exit 3")
            late = submit(server, "sleep 60", time_limit="0:00:10")
            submit(server, "true")
            server.advance(20)
            server.cluster.fail_node("hpc-cluster", "gpu002", "no power")
            s9s.put("/v1/nodes/gpu001/drain", json={"reason": "new disk"})
            alerts = {message["data"]["type"]: message for message in reader.all_so_far()}
            assert set(alerts) == {"job_failed", "job_timeout", "node_down", "node_drained"}
            assert alerts["job_failed"]["data"]["job_id"] == failed
            assert alerts["job_failed"]["data"]["exit_code"] == 3
            assert alerts["job_timeout"]["data"]["job_id"] == late
            assert alerts["node_down"]["data"]["severity"] == "critical"
            assert "no power" in alerts["node_down"]["data"]["message"]
            assert alerts["node_drained"]["resource_id"] == "gpu001"

    def test_alerts_can_be_filtered(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("alerts", filter={"severity": "critical"})
            submit(server, "exit 3")
            server.advance(5)
            server.cluster.fail_node("hpc-cluster", "gpu002", "x")
            assert [message["data"]["type"] for message in reader.all_so_far()] == ["node_down"]


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
