"""How a WebSocket comes to be, and what can be asked of it, tried by a client of another make."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from mock_server import MockServer
from tests.server.s9s_sockets import TOKEN, peer, submit

if TYPE_CHECKING:
    from collections.abc import Callable


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

    @pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="an option of Linux")
    def test_its_messages_are_not_held_back(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs")
            listener: Any = server._listeners[0]
            (connection,) = (each.transport.get_extra_info("socket") for each in listener._connections.connections)
            options = (socket.TCP_NODELAY, socket.TCP_CORK)
            assert [connection.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [1, 0]

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


def test_an_application_without_a_server_is_enough() -> None:
    """An ASGI server of any make brings its own WebSocket."""

    async def converse(app: Any) -> list[dict[str, Any]]:
        said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for text in ('{"action": "subscribe", "channel": "jobs"}', "?"):
            said.put_nowait({"type": "websocket.receive", "text": text})
        connect_event = {"type": "websocket.connect"}
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/s9s/v1/ws",
            "query_string": b"token=YOUR_TOKEN",
            "headers": [(b"host", b"localhost")],
            "extensions": {},
        }
        events = iter([connect_event])

        async def receive() -> dict[str, Any]:
            return next(events, None) or await said.get()

        conversation = asyncio.create_task(app(scope, receive, heard.put))
        messages = [await heard.get() for _ in range(3)]
        said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await conversation
        return messages

    server = MockServer(clock="manual")
    accepted, subscribed, error = asyncio.run(converse(server.app))
    assert accepted["type"] == "websocket.accept"
    assert json.loads(subscribed["text"]) == {"action": "subscribed", "channel": "jobs", "sequence": 0}
    assert "error" in json.loads(error["text"])
