"""Who writes to which upload: one at a time, the latest."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mock_server.incoming import Incoming


@dataclass(slots=True, eq=False)
class Queue:
    """Who is at one upload, or waits for it, and the bodies that they read."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    bodies: list[Incoming] = field(default_factory=list["Incoming"])


class Writers:
    """The requests that are at uploads at this moment."""

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}

    @asynccontextmanager
    async def turn(self, upload_id: str, incoming: Incoming | None = None) -> AsyncGenerator[None]:
        """Be alone at an upload; whoever sends bytes to it is stopped, as if the connection had broken."""
        queue = self._queues.setdefault(upload_id, Queue())
        for stale in queue.bodies:
            stale.stop()
        if incoming is not None:
            incoming.stoppable()
            queue.bodies.append(incoming)
        queue.users += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.users -= 1
            if incoming is not None:
                queue.bodies.remove(incoming)
            if not queue.users:
                del self._queues[upload_id]
