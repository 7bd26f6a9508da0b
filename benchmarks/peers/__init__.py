"""The clients under measure: one module each, so that a process loads only the one it measures."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Protocol

KEY = "vntg_bench"
WORK_PER_PAGE = 0.01


class Peer(Protocol):
    """What every client can be asked to do; each call returns how many units of work it did."""

    def get(self, count: int) -> int:
        """Get one job of 1 KB, ``count`` times."""
        ...

    def page(self, count: int) -> int:
        """List 100 jobs and look at each, ``count`` times."""
        ...

    def get_at_once(self, count: int, width: int) -> int:
        """Get ``count`` jobs with ``width`` requests in flight."""
        ...

    def lines(self, count: int, per_chunk: int) -> int:
        """Follow a log of ``count`` lines."""
        ...

    def walk(self, prefetch: int) -> int:
        """Walk every page of a slow listing, working a while on each page."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def load(name: str, fast: str, slow: str) -> Peer:
    """Make the named peer, for the origin that answers at once and the one that takes its time."""
    peer: Peer = importlib.import_module(f"benchmarks.peers.{name}").Client(fast, slow)
    return peer


async def at_once(call: Callable[[], Awaitable[object]], count: int, width: int) -> int:
    """Make ``count`` calls from ``width`` tasks."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(work() for _ in range(width)))
    return count
