"""Sockets that break, and a clock that waits for who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.server.s9s_sockets import TOKEN, peer, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server import MockServer


def test_time_passes_for_who_listens(make_server: Callable[..., MockServer]) -> None:
    server = make_server(clock="auto")
    with peer(server) as reader:
        reader.subscribe("jobs", filter={"job_name": "long"})
        submit(server, "sleep 3600", job_name="long")
        assert [reader.next()["data"]["state"] for _ in range(3)] == ["PENDING", "RUNNING", "COMPLETED"]


def test_it_does_not_run_ahead_of_the_reader(make_server: Callable[..., MockServer]) -> None:
    server = make_server(clock="auto", rate_limits=False)
    with peer(server, max_queue=4) as reader:
        reader.subscribe("metrics")
        assert reader.next()["sequence"] == 1
        for _ in range(30):  # while the server could do many things
            httpx.get(f"{server.s9s_url}/v1/status", headers=TOKEN)
        assert server.app.state.s9s.hub.channels["metrics"].sequence < 20
        assert [reader.next()["sequence"] for _ in range(30)] == list(range(2, 32))


def test_a_silent_reader_does_not_stop_it(make_server: Callable[..., MockServer]) -> None:
    server = make_server(clock="auto", faults="GET /v1/ws: silence=1, ok*")
    with peer(server, ping_interval=None, close_timeout=0.1) as silent, peer(server) as reader:
        silent.say(action="subscribe", channel="jobs")
        reader.subscribe("jobs", filter={"job_name": "one"})
        submit(server, "sleep 50", job_name="one")
        assert [reader.next()["data"]["state"] for _ in range(3)][-1] == "COMPLETED"


def test_a_cut_after_so_many_messages(make_server: Callable[..., MockServer]) -> None:
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


def test_a_lost_update_shows_as_a_gap(make_server: Callable[..., MockServer]) -> None:
    server = make_server(faults="GET /v1/ws: drop-update=2, ok*")
    with peer(server) as reader:
        reader.subscribe("jobs", filter={"partition": "normal"})
        submit(server, "sleep 1")
        server.advance(2)
        messages = reader.all_so_far()
        assert [message["data"]["state"] for message in messages] == ["PENDING", "COMPLETED"]
        assert messages[1]["previous"] != messages[0]["sequence"]


def test_no_replay(make_server: Callable[..., MockServer]) -> None:
    server = make_server(faults=[{"path": "/v1/ws", "refuse_replay": True, "times": 1}])
    with peer(server) as reader:
        assert reader.subscribe("jobs", after=0)["resync"] is True
    with peer(server) as reader:
        assert "resync" not in reader.subscribe("jobs", after=0)


def test_silence(make_server: Callable[..., MockServer]) -> None:
    server = make_server(faults="GET /v1/ws: silence=1")
    with pytest.raises(ConnectionClosed, match="ping timeout"):
        with peer(server, ping_interval=0.05, ping_timeout=0.1, close_timeout=0.1) as reader:
            reader.subscribe("jobs")
            submit(server)
            reader.next()


@pytest.mark.parametrize("rule", ["503", "reset-before"])
def test_faults_of_requests_strike_handshakes_too(make_server: Callable[..., MockServer], rule: str) -> None:
    server = make_server(faults=f"GET /v1/ws: {rule}, ok*")
    with pytest.raises((InvalidStatus, ConnectionError, EOFError, InvalidHandshake)), peer(server):
        pass
    with peer(server) as reader:
        reader.subscribe("jobs")
