"""The scripted server does what its verbs say, as seen by a plain HTTP client and by a plain socket."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
import trustme

from tests.support.scripted import (
    Bomb,
    Chunk,
    Chunked,
    Close,
    CutAt,
    Drip,
    Gzip,
    HalfClose,
    Interim,
    Json,
    Message,
    Redirect,
    Reply,
    Request,
    Reset,
    ScriptedServer,
    Send,
    Sse,
    Step,
    Unanswered,
    UntilClose,
    Wait,
    WrongLength,
)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        yield client


def raw(server: ScriptedServer, request: bytes) -> bytes:
    """Send bytes, then return all that comes until the server closes."""
    port = urlsplit(server.url).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=5.0) as sock:
        sock.sendall(request)
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def test_each_request_takes_the_next_answer_on_one_connection(client: httpx.Client) -> None:
    with ScriptedServer([Json(503, {"error": "busy"}, {"Retry-After": "1"}), Json(200, [1])]) as server:
        first, second = client.get(f"{server.url}/a?x=1&y="), client.get(f"{server.url}/b")
        server.join()
    assert (first.status_code, first.json(), first.headers["retry-after"]) == (503, {"error": "busy"}, "1")
    assert (second.status_code, second.json()) == (200, [1])
    assert [(each.method, each.target, each.connection, each.number) for each in server.requests] == [
        ("GET", "/a?x=1&y=", 0, 0),
        ("GET", "/b", 0, 1),
    ]
    assert (server.requests[0].path, server.requests[0].query) == ("/a", {"x": "1", "y": ""})
    assert (server.connections, server.left) == (1, 0)


def test_a_function_answers_from_the_request_and_its_connection() -> None:
    def script(request: Request, connection: int) -> list[Step]:
        return [Json(200, {"path": request.path, "connection": connection})]

    with ScriptedServer(script) as server:
        for number in range(2):
            with httpx.Client(trust_env=False) as client:
                assert client.get(f"{server.url}/x").json() == {"path": "/x", "connection": number}
    assert server.connections == 2


def test_a_function_may_return_a_single_step(client: httpx.Client) -> None:
    with ScriptedServer(lambda request, connection: Reply(204)) as server:
        assert client.get(server.url).status_code == 204
        assert client.get(server.url).status_code == 204
    assert server.connections == 1


def test_bodies_are_read_by_length_and_by_chunks(client: httpx.Client) -> None:
    with ScriptedServer([Json(), Json()]) as server:
        client.post(server.url, json={"a": 1}, headers=[("X-Two", "1"), ("x-two", "2")])
        client.put(server.url, content=iter([b"ab", b"cd"]))
    first, second = server.requests
    assert first.json() == {"a": 1}
    assert first.values("X-TWO") == ["1", "2"]
    assert (second.body, second.header("transfer-encoding"), second.header("absent")) == (b"abcd", "chunked", None)


def test_replies_are_framed_by_default_and_keep_duplicates(client: httpx.Client) -> None:
    twice = [("X-Id", "1"), ("X-Id", "2")]
    with ScriptedServer([Reply(200, b"abc", twice, "Fine"), Reply(204), Reply(599), Reply(200, b"abc")]) as server:
        reply = client.get(server.url)
        assert (reply.reason_phrase, reply.content, reply.headers["content-length"]) == ("Fine", b"abc", "3")
        assert reply.headers.get_list("x-id") == ["1", "2"]
        assert "content-length" not in client.get(server.url).headers
        assert client.get(server.url).reason_phrase == ""
        head = client.head(server.url)
        assert (head.content, head.headers["content-length"]) == (b"", "3")
    assert server.connections == 1


def test_a_reply_may_end_the_connection(client: httpx.Client) -> None:
    closing = Reply(200, b"x", {"Connection": "close"})
    with ScriptedServer([closing, [Json(), Close()], Json()]) as server:
        for _ in range(3):
            assert client.get(server.url).status_code == 200
            server.join()
    assert server.connections == 3


def test_a_client_may_end_the_connection(client: httpx.Client) -> None:
    with ScriptedServer([Json()]) as server:
        assert client.get(server.url, headers={"Connection": "close"}).status_code == 200


@pytest.mark.parametrize("n", range(0, len(Reply(200, b"abc").encode("GET")), 7))
def test_a_cut_answer_is_an_error(client: httpx.Client, n: int) -> None:
    with ScriptedServer([CutAt(n, Reply(200, b"abc"))]) as server, pytest.raises(httpx.RemoteProtocolError):
        client.get(server.url)


@pytest.mark.parametrize("step", [Unanswered(), Close(), HalfClose()])
def test_closing_without_an_answer(client: httpx.Client, step: Step) -> None:
    with ScriptedServer([step]) as server, pytest.raises(httpx.RemoteProtocolError, match="without sending"):
        client.post(server.url, content=b"body")
    assert server.requests[0].body == b"body"


def test_a_reset_is_a_read_error(client: httpx.Client) -> None:
    with ScriptedServer([Reset()]) as server, pytest.raises(httpx.ReadError):
        client.get(server.url)


def test_dropped_connections_never_see_a_request(client: httpx.Client) -> None:
    with ScriptedServer([Json()], drop={0}) as server:
        with pytest.raises(httpx.TransportError):
            client.get(server.url)
        assert client.get(server.url).status_code == 200
    assert [request.connection for request in server.requests] == [1]


def test_a_half_closed_connection_still_delivers(client: httpx.Client) -> None:
    with ScriptedServer([[Send(Reply(200, b"abc").encode("GET")), HalfClose()]]) as server:
        assert client.get(server.url).content == b"abc"


@pytest.mark.parametrize("delta", [-1, 1])
def test_a_wrong_length(client: httpx.Client, delta: int) -> None:
    with ScriptedServer([WrongLength(Reply(200, b"abc"), delta)]) as server:
        if delta < 0:
            assert client.get(server.url).content == b"ab"
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                client.get(server.url)


def test_a_body_that_only_closing_ends(client: httpx.Client) -> None:
    with ScriptedServer([UntilClose(Json(200, {})), UntilClose(Reply(200, b"abc"), cut=1)]) as server:
        assert client.get(server.url).json() == {}
        assert client.get(server.url).content == b"a"


def test_gzip_whole_and_truncated(client: httpx.Client) -> None:
    body = json.dumps([str(number) for number in range(1000)]).encode()
    with ScriptedServer([Gzip(Reply(200, body)), Gzip(Reply(200, body), truncate=500)]) as server:
        assert client.get(server.url).content == body
        cut = client.get(server.url).content
    assert cut != body
    assert body.startswith(cut)


def test_a_bomb_is_small_on_the_wire() -> None:
    squeezed = Bomb(5_000_001).plain().body
    assert len(squeezed) < 10_000
    assert len(gzip.decompress(squeezed)) == 5_000_001


def test_redirects_go_where_they_say(client: httpx.Client) -> None:
    with ScriptedServer([Redirect(302, "/next"), Json(200, {})]) as server:
        assert client.get(server.url, follow_redirects=True).json() == {}
    assert [request.target for request in server.requests] == ["/", "/next"]


def test_interim_replies_come_first(client: httpx.Client) -> None:
    with ScriptedServer([Interim(103, {"Link": "</x>"}), Interim(102), Json(200, {})]) as server:
        assert client.get(server.url).status_code == 200


def test_chunks_come_as_given(client: httpx.Client) -> None:
    with ScriptedServer([Chunked([b"ab", b"c"]), Chunked([b"ab", b"c"])]) as server:
        with client.stream("GET", server.url) as reply:
            assert list(reply.iter_raw()) == [b"ab", b"c"]
        assert client.head(server.url).content == b""


def test_an_event_stream(client: httpx.Client) -> None:
    with ScriptedServer([Sse(["one\ntwo", {"id": "7", "event": "end", "data": ""}])]) as server:
        reply = client.get(server.url)
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.text == "data: one\ndata: two\n\nid: 7\nevent: end\ndata: \n\n"


def test_a_stream_goes_on_when_the_test_says_so(client: httpx.Client) -> None:
    more = threading.Event()
    script = [Sse(["a"], final=False), Wait(more), Chunk(b"data: b\n\n"), Chunk(), Json(200, {})]
    with ScriptedServer(script) as server:
        with client.stream("GET", server.url) as reply:
            parts = reply.iter_raw()
            assert next(parts) == b"data: a\n\n"
            more.set()
            assert list(parts) == [b"data: b\n\n"]
        assert client.get(server.url).json() == {}


def test_a_stream_without_its_last_chunk_is_cut(client: httpx.Client) -> None:
    with ScriptedServer([Chunked([b"ab"], final=False), Close()]) as server, pytest.raises(httpx.RemoteProtocolError):
        client.get(server.url)


@pytest.mark.parametrize("data", [Reply(200, b"abc"), Reply(200, b"abc").encode("GET")])
def test_dripping_outlives_the_read_timeout(data: bytes | Message) -> None:
    with ScriptedServer([Drip(data, size=10, interval=0.02)]) as server, httpx.Client(timeout=2.0) as client:
        started = time.monotonic()
        assert client.get(server.url).content == b"abc"
    assert time.monotonic() - started > 0.06


def test_leaving_ends_a_drip_and_a_wait_at_once() -> None:
    script = [Drip(Reply(200, bytes(1000)), interval=1.0), Wait(threading.Event())]
    with ScriptedServer(script) as server, httpx.Client(timeout=0.05) as client:
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                client.get(server.url)


def test_replying_before_the_body_is_read(client: httpx.Client) -> None:
    early = Json(413, {}, {"Connection": "close"})
    with ScriptedServer([early, Json()], read_body=lambda request: request.number > 0) as server:
        assert client.post(server.url, content=bytes(300_000)).status_code == 413
        assert client.post(server.url, content=b"abc").status_code == 200
    assert [(request.body_read, request.body) for request in server.requests] == [(False, b""), (True, b"abc")]
    assert server.connections == 2


def test_closing_before_the_body_is_read(client: httpx.Client) -> None:
    with ScriptedServer([Close()], read_body=lambda request: False) as server, pytest.raises(httpx.TransportError):
        client.post(server.url, content=bytes(8_000_000))


def test_tls() -> None:
    authority = trustme.CA()
    server_context, client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    authority.configure_trust(client_context)
    script = [Json(200, {}), Reply(200, bytes(500_000)), UntilClose(Json(200, [])), Reset(), HalfClose()]
    with ScriptedServer(script, tls=server_context) as server:
        with httpx.Client(verify=client_context, trust_env=False) as client:
            assert client.get(server.url).json() == {}
            assert len(client.get(server.url).content) == 500_000
            assert client.get(server.url).json() == []
            for _ in range(2):
                with pytest.raises(httpx.TransportError):
                    client.get(server.url)
        with httpx.Client(trust_env=False) as stranger, pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
            stranger.get(server.url)
    assert server.url.startswith("https://")
