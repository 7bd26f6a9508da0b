"""A server that does as little as possible: every answer is made once and then sent from memory."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from functools import cache, partial
from typing import cast
from urllib.parse import parse_qs, urlsplit

from benchmarks import payload

LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class BenchProtocol(asyncio.Protocol):
    """One keep-alive connection that answers requests after a fixed delay, whatever their body is."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._held, 0, end)
            stop = end + 4 + (int(length[1]) if length else 0)
            if len(self._held) < stop:
                return
            line, self._held = self._held[: self._held.index(b"\r\n")], self._held[stop:]
            self._send(answer(line))

    def _send(self, data: bytes) -> None:
        if self._delay:
            self._loop.call_later(self._delay, self._transport.write, data)
        else:
            self._transport.write(data)


@cache
def answer(line: bytes) -> bytes:
    """Return the whole answer to a request line."""
    _, target, _ = line.decode().split(" ")
    path = urlsplit(target).path.removeprefix("/api").removeprefix("/v1").strip("/").split("/")
    query = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
    match path:
        case ["jobs"]:
            return plain(200, payload.vantage_page(int(query.get("offset", 0))))
        case ["jobs", job_id]:
            return plain(200, payload.dump(payload.vantage_job(job_id, full=True)))
        case ["jobs", job_id, "logs"]:
            return stream(payload.vantage_stream(*shape(job_id)))
        case ["files"]:
            after = query.get("after", "file--1").removeprefix("file-")
            return plain(200, payload.openai_page(int(after) + 1))
        case ["files", file_id]:
            return plain(200, payload.dump(payload.openai_file(file_id, full=True)))
        case ["workflows", _, "execute"]:
            return plain(200, payload.executed())
        case ["workflows", _, "data", _]:
            return plain(200, payload.row_page(int(query["page"]), int(query["limit"])))
        case ["lines", name]:
            return stream(payload.openai_stream(*shape(name)))
        case _:
            return plain(404, payload.dump({"error": "resource_not_found", "message": target}))


def shape(name: str) -> tuple[int, int]:
    """Read how many lines a stream has, and how many of them share a chunk, from a name like ``lines-100-10``."""
    _, lines, per_chunk = name.split("-")
    return int(lines), int(per_chunk)


def plain(status: int, body: bytes) -> bytes:
    """Return a JSON answer."""
    return head(status, "application/json", f"Content-Length: {len(body)}") + body


def stream(chunks: bytes) -> bytes:
    """Return an event stream that is already in chunks."""
    return head(200, "text/event-stream", "Transfer-Encoding: chunked") + chunks


def head(status: int, kind: str, framing: str) -> bytes:
    """Return a status line with the few headers any service sends."""
    lines = [f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}", f"Content-Type: {kind}", framing]
    return "\r\n".join([*lines, "X-Request-ID: req_123456789", "Server: bench", "", ""]).encode()


async def serve(delay: float) -> None:
    """Listen on two ports, at once and delayed, print them, and end when stdin does."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(partial(BenchProtocol, seconds), "127.0.0.1", 0) for seconds in (0.0, delay)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()
    loop.remove_reader(sys.stdin)


def main() -> None:
    """Run until the starting process closes stdin."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds before each answer on the second port")
    delay = parser.parse_args().delay
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(delay))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(delay))


if __name__ == "__main__":
    main()
