"""Sockets that count messages; see ``benchmarks.services``."""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(url: str, count: int, messages: int, subscription: str) -> None:
    """Connect, subscribe, say so, and say when every socket has had its messages."""
    headers = {"Authorization": "Bearer YOUR_TOKEN"}
    gate = asyncio.Semaphore(50)
    sockets = []

    async def listen() -> None:
        async with gate:
            socket = await connect(url, additional_headers=headers, compression=None, proxy=None, max_queue=None)
            await socket.send(subscription)
            await socket.recv()
            sockets.append(socket)

    await asyncio.gather(*(listen() for _ in range(count)))
    print("listening", flush=True)

    async def take(socket: object) -> None:
        for _ in range(messages):
            await socket.recv()  # type: ignore[attr-defined]

    await asyncio.gather(*map(take, sockets))
    print("done", flush=True)
    await asyncio.gather(*(socket.close() for socket in sockets))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
