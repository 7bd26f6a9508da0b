"""Making a connection that can be called off meanwhile, which ``socket.create_connection`` cannot be."""

from __future__ import annotations

import os
import select
import selectors
import socket
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vantage_sdk.core.io.clocked import Exchange

TICK = 0.1  # seconds between two looks whether it was called off, where the system wakes nobody for that


def connect(
    exchange: Exchange, host: str, port: int, local_address: str | None, options: Iterable[Any]
) -> socket.socket:
    """Return a socket to the first address of a host that takes it, each within the time that is left by then.

    Raises the ``OSError`` of the last address, and what ``exchange`` raises when it is called off.
    """
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        try:
            sock = socket.socket(family, kind, protocol)
            try:
                if local_address is not None:
                    sock.bind((local_address, 0))
                _reach(exchange, sock, address)
                for option in (*options, (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)):
                    sock.setsockopt(*option)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            failure = error
        else:
            return sock
    raise failure


def _reach(exchange: Exchange, sock: socket.socket, address: Any) -> None:
    end = time.monotonic() + exchange.connecting()
    sock.setblocking(False)
    try:
        sock.connect(address)
    except (BlockingIOError, InterruptedError):
        exchange.socket = sock  # only now: a socket that does not connect yet cannot be woken
        _wait(exchange, sock, end)
        if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, os.strerror(code)) from None


def _wait(exchange: Exchange, sock: socket.socket, end: float) -> None:
    with selectors.DefaultSelector() as waiting:
        waiting.register(sock, selectors.EVENT_WRITE)
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            exchange.connecting()
            if waiting.select(min(left, TICK)):
                return


def is_readable(sock: socket.socket) -> bool:
    """Tell whether there is something to read, be it the end: an idle connection is then of no use any more."""
    number = sock.fileno()
    if number < 0:
        return True
    if sys.platform == "win32":
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
