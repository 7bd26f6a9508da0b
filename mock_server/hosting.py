"""A server's event loop thread and its listening socket.

Each server has a loop of its own: that costs a fraction of a millisecond to start, and neither a slow request nor a
stopped server can touch another one.  uvicorn's protocol does the HTTP; its main loop, which looks for work to do ten
times a second, is not used, so stopping does not wait for it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from uvicorn import Config
from uvicorn.server import ServerState as Connections

from mock_server.protocol import MockProtocol
from mock_server.sockets import MAX_MESSAGE, PING_SECONDS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine

    from starlette.types import ASGIApp

T = TypeVar("T")
PATIENCE = 2.0
BACKLOG = 512
ACCEPTING = 3
"""Turns of the loop that it takes asyncio to make a connection of a socket that was accepted a moment ago."""


class LoopThread:
    """An event loop that runs in a thread until it is closed."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a plain function in the loop's thread and return its result."""
        if threading.current_thread() is self._thread:
            return function(*arguments)

        async def invoke() -> T:
            return function(*arguments)

        return self.wait(invoke())

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def close(self) -> None:
        """Stop the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())


class Listener:
    """A bound socket and the connections that came over it."""

    def __init__(self, app: ASGIApp, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self._config = Config(
            app,
            http=MockProtocol,
            ws="none",  # the protocol loads it when somebody asks
            ws_max_size=MAX_MESSAGE,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,  # one frame serves all, and compressing is dearer than the loopback
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        self._config.load()
        self._connections = Connections()
        self._socket = sock
        self._tls = tls
        self._server: asyncio.Server

    async def open(self) -> None:
        """Begin to accept connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=self._socket, backlog=BACKLOG, ssl=self._tls)

    async def close(self) -> None:
        """Drop all connections and wait until the requests on them have noticed."""
        with suppress(NotImplementedError):  # of loops that do not watch sockets
            asyncio.get_running_loop().remove_reader(self._socket)
        for _ in range(ACCEPTING):  # which a closed server would fail, leaving the socket open
            await asyncio.sleep(0)
        self._server.close()
        for connection in list(self._connections.connections):
            connection.transport.abort()
        tasks = set(self._connections.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=PATIENCE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=PATIENCE)
        await asyncio.sleep(0)

    def _protocol(self) -> MockProtocol:
        return MockProtocol(config=self._config, server_state=self._connections, app_state={})


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port``, 0 meaning any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Naming the protocol lets asyncio switch off Nagle's algorithm, which would hold back bodies for 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
