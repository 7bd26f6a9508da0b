"""Getting a socket, or being told why not; the caller is a client of another make."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from mock_server import MockServer
from tests.server.s9s_sockets import TOKEN, peer

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


@pytest.mark.parametrize("header", [TOKEN, {"X-API-Key": "YOUR_API_KEY"}])
def test_a_header_lets_in(server: MockServer, header: dict[str, str]) -> None:
    with peer(server, additional_headers=header) as reader:
        assert reader.subscribe("jobs") == {"action": "subscribed", "channel": "jobs", "sequence": 0}
        headers = reader.connection.response.headers  # type: ignore[union-attr]
        assert headers["X-RateLimit-Remaining"] == "999"


def test_a_token_in_the_query_does_as_well_and_is_never_written_down(server: MockServer) -> None:
    with peer(server, "/v1/ws?token=test_token_123", additional_headers={}) as reader:
        reader.subscribe("jobs")
    refused(server, "?x=1&%74oken=some-secret")
    assert [record.query for record in server.journal] == ["token=***", "x=1&%74oken=***"]
    assert "test_token_123" not in str(server.journal)
    assert "some-secret" not in str(server.journal)


def test_nobody_gets_in_without_one(server: MockServer) -> None:
    assert refused(server) == (401, "AUTHENTICATION_FAILED")
    assert refused(server, "?token=wrong") == (401, "AUTHENTICATION_FAILED")
    assert refused(server, "?token=wrong", additional_headers={"X-API-Key": "wrong"})[0] == 401
    assert server.journal[-1].status == 401


def test_a_token_in_the_query_is_for_sockets_only(server: MockServer) -> None:
    assert httpx.get(f"{server.s9s_url}/v1/jobs?token=YOUR_TOKEN").status_code == 401
    assert server.journal[-1].query == "token=***"


def test_a_parameter_that_is_not_known_is_refused(server: MockServer) -> None:
    assert refused(server, "?token=YOUR_TOKEN&since=1") == (400, "VALIDATION_ERROR")


def test_the_budget_counts_handshakes(make_server: Callable[..., MockServer]) -> None:
    server = make_server(faults="GET /v1/ws: 429;retry-after=1")
    assert refused(server, additional_headers=TOKEN) == (429, "RATE_LIMIT_EXCEEDED")


def test_a_page_of_another_origin_needs_a_token(make_server: Callable[..., MockServer]) -> None:
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
def test_all_ways_to_s9s_lead_there(make_server: Callable[..., MockServer], path: str) -> None:
    server = make_server(s9s_port=0)
    with peer(server, path) as reader:
        reader.subscribe("jobs")
    port = int(server.url.rpartition(":")[2])
    for address in (f"ws://127.0.0.1:{port}/s9s{path}", f"ws://api.example.com{path}"):
        sock = socket.create_connection(("127.0.0.1", port))
        with connect(address, additional_headers=TOKEN, sock=sock) as connection:
            connection.send('{"action": "subscribe", "channel": "jobs"}')
            assert "subscribed" in str(connection.recv())


def test_other_paths_answer_a_handshake_as_they_answer_others(server: MockServer) -> None:
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
def test_what_is_no_handshake_is_told_so(server: MockServer, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{server.s9s_url}/v1/ws", headers={**TOKEN, **headers})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    assert answer.headers["Sec-WebSocket-Version"] == "13"


def test_many_headers_do_no_harm(server: MockServer) -> None:
    with pytest.raises(InvalidStatus) as caught, peer(server, additional_headers={"X-Long": "x" * 10_000}):
        pass
    assert caught.value.response.status_code == 431


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
