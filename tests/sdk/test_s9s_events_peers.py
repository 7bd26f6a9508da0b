"""Live events of servers that are not ours, over connections that are not ours, and in processes that are not the first."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio.lowlevel
import httpx
import pytest
import trustme
from websockets.sync.server import ServerConnection, serve

from tests.support.faces import Face
from tests.support.hub import say, update
from tests.support.scripted import Request, ScriptedServer, Send
from tests.support.sockets import Peer, Socket, sockets
from tests.support.wire import Wire
from vantage_sdk import VantageConnectionError
from vantage_sdk.testing import instant_retries


@contextmanager
def foreign(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[Any]]]:
    """Serve with the library's own server, compression offered; yields its URL and what it was told."""
    told: list[Any] = []

    def handle(connection: ServerConnection) -> None:
        told.append((connection.request.path, connection.request.headers["Authorization"]))  # type: ignore[union-attr]
        told.append(json.loads(connection.recv()))
        connection.send(json.dumps({"action": "subscribed", "channel": "jobs"}))
        connection.ping().wait(60)
        for number in range(3):
            connection.send(json.dumps(update(number)))
        connection.send(iter([json.dumps(update(3))[:20], json.dumps(update(3))[20:]]))  # a message in two pieces

    with serve(handle, "127.0.0.1", 0, ssl=context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.socket.getsockname()[1]}", told
        server.shutdown()
        thread.join(60)


async def turns(face: Face) -> None:
    """Let the event loop close sockets before the server, which waits for that, is stopped in its thread."""
    for _ in range(0 if face.is_blocking else 5):
        await anyio.lowlevel.checkpoint()


async def test_a_foreign_server_is_understood(face: Face) -> None:
    with foreign() as (url, told):
        async with face.s9s(url) as client:
            async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
                assert [item.resource_id async for item in updates] == ["0", "1", "2", "3"]
        await turns(face)
    assert told == [
        ("/v1/ws", "Bearer your_token_here"),
        {"action": "subscribe", "channel": "jobs", "filter": {"user": "alice"}},
    ]


async def test_a_foreign_server_over_tls(face: Face, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with foreign(context) as (url, _):
        async with face.s9s(url, verify=str(tmp_path / "ca.pem")) as client:
            async with client.events.subscribe("jobs") as updates:
                assert [item.resource_id async for item in updates] == ["0", "1", "2", "3"]
        async with face.s9s(url, max_retries=0) as client:
            with pytest.raises(VantageConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await anext(client.events.subscribe("jobs"))
        await turns(face)


async def test_many_polls_over_tls_lose_nothing(face: Face, tmp_path: Path) -> None:
    """A read that runs out of time in the middle of a record of TLS."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": 0})
        peer.send(*[update(number, filling="x" * 5000) for number in range(50)])
        peer.close(1000)

    found: list[str] = []
    with ScriptedServer(sockets(talk), tls=context) as server:
        async with face.s9s(server.url, verify=str(tmp_path / "ca.pem")) as client:
            async with client.events.subscribe("jobs") as updates:
                while not updates.ended:
                    if (item := await updates.poll(0.001)) is not None:
                        found.append(item.resource_id)
        assert server.connections == 1
    assert found == [str(number) for number in range(50)]


async def test_it_goes_over_a_client_of_the_users(face: Face) -> None:
    own: Any = httpx.Client(trust_env=False) if face.is_blocking else httpx.AsyncClient(trust_env=False)
    with ScriptedServer(sockets(say)) as server:
        async with face.s9s(server.url, http_client=own) as client:
            async with client.events.subscribe("jobs") as updates:
                assert [(await anext(updates)).sequence for _ in range(2)] == [1, 2]
                assert await updates.poll(0.01) is None
                assert await updates.poll(0.01) is None
        await own.aclose() if not face.is_blocking else own.close()


def test_another_thread_can_close_it_over_a_client_of_the_users() -> None:
    from vantage_sdk import S9SClient

    found: list[Any] = []
    with ScriptedServer(sockets(say)) as server, httpx.Client(trust_env=False) as own:
        with S9SClient(server.url, "t", http_client=own) as client:
            with client.events.subscribe("jobs") as updates:
                thread = threading.Thread(target=lambda: found.extend(updates))
                thread.start()
                while len(found) < 2:
                    threading.Event().wait(0.01)
                updates.close()
                thread.join(60)
                assert not thread.is_alive()


async def test_a_transport_that_makes_up_its_answers_has_no_connection(face: Face) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        from websockets.utils import accept_key

        accept = accept_key(request.headers["Sec-WebSocket-Key"])
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
        return httpx.Response(101, headers=headers)

    transport = httpx.MockTransport(answer)
    own: Any = httpx.Client(transport=transport) if face.is_blocking else httpx.AsyncClient(transport=transport)
    async with face.s9s("http://127.0.0.1:9", http_client=own) as client:
        with pytest.raises(VantageConnectionError, match="cannot hand over a connection"):
            await anext(client.events.subscribe("jobs"))
    await own.aclose() if not face.is_blocking else own.close()


class Tunnel(Send):
    """Answer CONNECT, switch to TLS, and let the rest of the script go on on the same connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        object.__setattr__(self, "data", b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.__class__.context = context  # type: ignore[attr-defined]

    @property
    def ends(self) -> bool:
        return True

    def play(self, wire: Wire) -> None:
        super().play(wire)
        wire.secure(self.context)  # type: ignore[attr-defined]


async def test_it_goes_through_a_proxy_to_a_server_behind_tls(face: Face, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("s9s.invalid").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def script(request: Request, connection: int) -> Any:
        return Tunnel(context) if request.method == "CONNECT" else Socket(request, say)

    with ScriptedServer(script) as proxy:
        async with face.s9s(
            "https://s9s.invalid", proxy=proxy.url, trust_env=True, verify=str(tmp_path / "ca.pem")
        ) as client:
            async with client.events.subscribe("jobs") as updates:
                assert [(await anext(updates)).sequence for _ in range(2)] == [1, 2]
        assert [request.method for request in proxy.requests] == ["CONNECT", "GET"]


async def test_a_connection_that_breaks_while_it_is_that_of_the_user_is_made_anew(face: Face) -> None:
    def short(peer: Peer) -> None:
        after = peer.receive().get("after", 0)
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": after})
        peer.send(update(after + 1, sequence=after + 1, previous=after))
        if after == 2:
            peer.close(1000)

    own: Any = httpx.Client(trust_env=False) if face.is_blocking else httpx.AsyncClient(trust_env=False)
    with ScriptedServer(sockets(short)) as server, instant_retries():
        async with face.s9s(server.url, http_client=own) as client:
            async with client.events.subscribe("jobs") as updates:
                assert [item.sequence async for item in updates] == [1, 2, 3]
        await own.aclose() if not face.is_blocking else own.close()
