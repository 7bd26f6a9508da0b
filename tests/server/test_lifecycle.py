"""Starting, stopping, resetting; many servers at once; no socket at all."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import warnings
from typing import Any

import httpx
import pytest

from mock_server import MockServer, hosting
from mock_server.hosting import Listener
from tests.server.conftest import raw_exchange, raw_get


def test_start_and_stop() -> None:
    server = MockServer(clock="manual")
    with server as same:
        assert same is server
        assert b"200 OK" in raw_exchange(server.url, raw_get("/v1/jobs"))
        port = int(server.url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


def test_stopping_twice_is_fine_and_starting_again_keeps_the_state() -> None:
    server = MockServer(clock="manual")
    server.stop()
    with server:
        server.cluster.cancel("job_123", "because")
        with pytest.raises(RuntimeError, match="already"):
            server.start()
    server.stop()
    with server:
        assert server.cluster.job("job_123").cancel_reason == "because"
        assert b"200 OK" in raw_exchange(server.url, raw_get("/v1/jobs"))


def test_a_port_in_use_is_reported_and_leaves_nothing_open() -> None:
    with MockServer(clock="manual") as server, pytest.raises(OSError, match=r"[Aa]ddress"):
        MockServer(clock="manual", port=int(server.url.rpartition(":")[2])).start()


def test_ipv6() -> None:
    with MockServer(clock="manual", host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.get(server.url + "/v1/jobs").status_code == 401


def test_fifty_servers_do_not_know_of_each_other() -> None:
    servers = [MockServer(clock="manual", seed=seed).start() for seed in range(50)]
    try:
        assert len({server.url for server in servers}) == 50
        servers[0].cluster.cancel("job_123")
        servers[1].advance(60)
        servers[2].faults.set("*: 500*")
        statuses = [raw_exchange(server.url, raw_get("/v1/jobs/job-12345")) for server in servers]
        assert [b"500 Internal" in status for status in statuses] == [index == 2 for index in range(50)]
        assert [b'"completed"' in status for status in statuses] == [index == 1 for index in range(50)]
        assert [server.cluster.job("job_123").state.value for server in servers].count("cancelled") == 1
        assert [len(server.journal) for server in servers] == [1] * 50
    finally:
        for server in servers:
            server.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mock-server")]


def test_nothing_is_left_behind() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            with MockServer() as server, socket.create_connection(("127.0.0.1", int(server.url[17:]))) as idle:
                idle.sendall(b"GET /v1/jobs")
                raw_exchange(server.url, raw_get("/v1/jobs"))
        gc.collect()


def test_callers_who_came_a_moment_ago_are_sent_away_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom the system has let in, but no one has spoken to yet, when the server stops."""
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    for _ in range(20):
        server = MockServer(world="empty").start()
        assert server._loop is not None
        come = threading.Event()
        server._loop.loop.call_soon_threadsafe(come.wait)
        callers = [socket.create_connection(("127.0.0.1", int(server.url[17:]))) for _ in range(6)]
        come.set()
        server.stop()
        for caller in callers:
            caller.close()
    gc.collect()
    assert left == []


def test_reset_goes_back_to_the_beginning() -> None:
    server = MockServer(clock="manual")
    before = server.now(), list(server.cluster.jobs), server.cluster.events()
    server.advance(1000)
    server.cluster.cancel("job_123")
    server.reset()
    assert (server.now(), list(server.cluster.jobs), server.cluster.events()) == before


def test_answers_are_not_held_back() -> None:
    with MockServer(clock="manual") as server, socket.create_connection(("127.0.0.1", int(server.url[17:]))) as sock:
        sock.sendall(raw_get("/v1/jobs/job_123/logs?follow=true"))
        assert sock.recv(1)
        (connection,) = connections(server)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def connections(server: MockServer) -> list[Any]:
    listener: Any = server._listeners[0]  # pyright: ignore[reportPrivateUsage]
    return [each.transport.get_extra_info("socket") for each in listener._connections.connections]


def test_a_socket_that_cannot_listen_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: Listener) -> None:
        raise OSError("no")

    monkeypatch.setattr(Listener, "open", refuse)
    server = MockServer(clock="manual")
    with pytest.raises(OSError, match="no"):
        server.start()
    server.stop()
    gc.collect()


def test_a_request_that_does_not_notice_the_end_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hosting, "PATIENCE", 0.01)
    begun = threading.Event()

    async def deaf(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    loop, sock = hosting.LoopThread("test"), hosting.bind("127.0.0.1", 0)
    listener = Listener(deaf, sock)
    loop.wait(listener.open())
    with socket.create_connection(sock.getsockname()) as client:
        client.sendall(raw_get("/"))
        assert begun.wait(60)
        loop.wait(listener.close())
    loop.close()
    assert "CancelledError" in caplog.text


def test_calls_from_within_the_servers_thread_do_not_block() -> None:
    with MockServer(clock="manual") as server:
        thread: Any = server._loop  # pyright: ignore[reportPrivateUsage]
        assert thread.call(server.now) == server.now()


def test_worlds() -> None:
    empty = MockServer(clock="manual", world="empty")
    assert not empty.cluster.jobs
    assert [cluster.name for cluster in empty.cluster.clusters.values()] == ["default"]
    with pytest.raises(ValueError, match="world"):
        MockServer(world="flat")


def test_the_cluster_can_be_used_from_outside() -> None:
    from mock_server.cluster.job import JobRequest
    from mock_server.cluster.node import ScalePolicy

    server = MockServer(clock="manual")
    job = server.cluster.submit(JobRequest(name="n", command="true", user_id="u"))
    assert server.cluster.jobs[job.id] is job
    assert server.cluster.scale("my-cluster", ScalePolicy(nodes=6)).scaling.nodes == 6
    assert server.cluster.events(after=1)


def test_a_cluster_that_waits_cannot_be_used_from_outside() -> None:
    server = MockServer(clock="manual")

    async def slow(job_id: str, reason: str | None = None) -> Any:
        await asyncio.sleep(0)

    server.app.state.cluster.cancel = slow  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="network"):
        server.cluster.cancel("job_123")


def test_without_a_socket() -> None:
    server = MockServer(clock="manual")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://test") as client:
            return await client.get("/v1/jobs", headers={"Authorization": "Bearer YOUR_API_KEY"})

    assert asyncio.run(ask()).json()["total"] == 10


def test_the_application_answers_other_scopes() -> None:
    server = MockServer(clock="manual")
    sent: list[Any] = []
    waiting = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]

    async def receive() -> Any:
        return waiting.pop()

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(server.app({"type": "lifespan"}, receive, send))
    waiting.append({"type": "websocket.connect"})
    handshake = {"type": "websocket", "scheme": "ws", "path": "/v1/jobs", "query_string": b"", "headers": []}
    asyncio.run(server.app(handshake, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_a_client_that_hangs_up_in_the_middle_of_its_request() -> None:
    with MockServer(clock="manual") as server:
        request = raw_get("/v1/jobs").replace(b"GET", b"POST").replace(b"Host:", b"Content-Length: 100\r\nHost:")
        request = request.replace(b"Host:", b"Content-Type: application/json\r\nHost:")
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as sock:
            sock.sendall(request + b'{"name"')
        for _ in range(10_000):
            if server.journal:
                break
        assert server.journal[0].status is None
        assert b"200 OK" in raw_exchange(server.url, raw_get("/v1/jobs"))


def test_the_journal_is_a_ring() -> None:
    from mock_server.journal import CAPACITY, Journal

    journal = Journal()
    for number in range(CAPACITY + 5):
        journal.open(at=0.0, request_id=str(number), method="GET", path="/", query="", headers=[])
    assert [record.sequence for record in journal.records()][:2] == [6, 7]
    assert len(journal.records()) == CAPACITY
