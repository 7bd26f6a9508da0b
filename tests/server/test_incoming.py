"""Bodies as they come in, threads, and who may write to an upload."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request

from mock_server import MockServer
from mock_server.delivery import ConnectionDroppedError
from mock_server.incoming import Incoming, in_thread
from mock_server.journal import Journal
from tests.server.storage_calls import PIECE, TUS, Upload, begin, send

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

MIB = 1024 * 1024


def test_a_large_upload_in_one_piece(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(world="empty")
    client = make_client(server)
    content = os.urandom(5 * MIB + 3)
    assert send(client, "/form", content).status_code == 201
    assert "X-File-Id" in begin(client, len(content), "/tus").patch(0, content).headers
    assert server.storage.read("/form") == server.storage.read("/tus") == content


def test_a_cancelled_task_waits_for_its_thread() -> None:
    started, go = threading.Event(), threading.Event()
    done: list[bool] = []

    def work() -> None:
        started.set()
        go.wait()
        done.append(True)

    async def main() -> None:
        task = asyncio.ensure_future(in_thread(work))
        await asyncio.to_thread(started.wait)
        task.cancel()
        asyncio.get_running_loop().call_soon(go.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == [True]

    asyncio.run(main())


def test_a_body_can_be_stopped_twice() -> None:
    async def main() -> None:
        record = Journal().open(at=0.0, request_id="", method="", path="", query="", headers=())
        incoming = Incoming(Request({"type": "http", "headers": []}), record, None)
        incoming.stop()
        incoming.stoppable()
        for _ in range(2):
            incoming.stop()
        with pytest.raises(ClientDisconnect):
            await anext(incoming.chunks())

    asyncio.run(main())


def test_eviction_without_a_socket() -> None:
    server = MockServer(clock="manual", world="empty")

    async def main() -> None:
        transport = httpx.ASGITransport(server.app)
        headers = {"Authorization": "Bearer your-key", **TUS}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            url = (
                await client.post("/v1/storage/uploads", headers={"Upload-Length": "9", "Upload-Metadata": "path L3g="})
            ).headers["Location"]
            begun, never = asyncio.Event(), asyncio.Event()

            async def stale() -> AsyncGenerator[bytes]:
                yield b"abc"
                begun.set()
                await never.wait()

            piece: dict[str, Any] = {"headers": {"Upload-Offset": "0", "Content-Type": PIECE}}
            writer = asyncio.ensure_future(client.patch(url, content=stale(), **piece))
            await begun.wait()
            assert (await client.head(url)).headers["Upload-Offset"] == "3"
            with pytest.raises(ConnectionDroppedError):
                await writer

    asyncio.run(main())
    server.app.state.close()


def test_of_several_who_wait_the_last_one_writes(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(world="empty")
    upload = begin(make_client(server), 4)
    gate = threading.Event()
    turns: list[threading.Thread] = []
    lost: list[str] = []

    def write(content: bytes) -> None:
        with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer your-key"}) as client:
            try:
                Upload(client, upload.url).patch(0, content)
            except httpx.TransportError:
                lost.append(content.decode())

    held = threading.Event()
    writers, upload_id = server.app.state.writers, upload.url.rpartition("/")[2]

    async def hold() -> None:
        async with writers.turn(upload_id):
            held.set()
            await asyncio.to_thread(gate.wait)

    assert server._loop is not None
    holding = asyncio.run_coroutine_threadsafe(hold(), server._loop.loop)
    held.wait()
    for number, content in enumerate((b"aaaa", b"bbbb"), start=1):
        turns.append(threading.Thread(target=write, args=(content,)))
        turns[-1].start()
        while len(writers._queues[upload_id].bodies) < number:
            pass
    gate.set()
    holding.result()
    for turn in turns:
        turn.join()
    assert (server.storage.read("/x.bin"), lost) == (b"bbbb", ["aaaa"])
