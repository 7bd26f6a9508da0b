"""Work that takes long, done beside the event loop."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.state import ServerState

T = TypeVar("T")


async def in_thread(state: ServerState, function: Callable[[], T]) -> T:
    """Call a function in a thread; when the server stops or is reset meanwhile, leave it behind and drop the request."""
    work = asyncio.ensure_future(anyio.to_thread.run_sync(function, abandon_on_cancel=True))
    end = asyncio.ensure_future(state.time.wait("", math.inf))
    try:
        await asyncio.wait((work, end), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        work.cancel()
        end.cancel()
        await asyncio.wait((work, end))
