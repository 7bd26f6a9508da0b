"""Many calls at the same time, on any face: threads behind the blocking one, tasks otherwise."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from tests.support.faces import Face
from vantage_sdk.core.stepping import run


async def crowd(face: Face, size: int, call: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Return what each call came to, errors among them."""
    came_to: list[Any] = []

    async def one() -> None:
        try:
            came_to.append(await call())
        except Exception as error:
            came_to.append(error)

    if face.is_blocking:
        threads = [threading.Thread(target=lambda: run(one())) for _ in range(size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    else:
        async with anyio.create_task_group() as group:
            for _ in range(size):
                group.start_soon(one)
    return came_to
